"""Compressed text of a PNG, measured without keeping it: every reader behind us would inflate it whole."""

import zlib
from time import thread_time

from storage.structure.limits import MAX_INFLATED_TEXT_BYTES, MAX_TEXT_SECONDS, ImageStructureError

FEED_BYTES, STEP_BYTES = 1 << 14, 1 << 16


class TextBudget:
    """Counts what the compressed texts and profiles of one image inflate to, all together."""

    def __init__(self) -> None:
        self._bytes, self._seconds = 0, 0.0

    def add(self, name: bytes, content: bytes) -> None:
        """Count one chunk; raises ImageStructureError."""
        compressed = _compressed_part(name, content)
        if compressed is None:
            return
        inflate = zlib.decompressobj()
        try:
            for start in range(0, len(compressed), FEED_BYTES):
                self._inflate(inflate, compressed[start : start + FEED_BYTES])
        except zlib.error as error:
            raise ImageStructureError("its compressed text cannot be inflated") from error

    def _inflate(self, inflate: "zlib._Decompress", piece: bytes) -> None:
        began_at = thread_time()
        while piece and not inflate.eof:
            self._bytes += len(inflate.decompress(piece, STEP_BYTES))
            piece = inflate.unconsumed_tail
            if self._bytes > MAX_INFLATED_TEXT_BYTES:
                size = f"{MAX_INFLATED_TEXT_BYTES >> 20} MiB"
                raise ImageStructureError(f"its compressed text is too large, it takes more than {size} of memory")
        self._seconds += thread_time() - began_at
        if self._seconds > MAX_TEXT_SECONDS:
            raise ImageStructureError("inflating its compressed text takes more CPU than text explains")


def _compressed_part(name: bytes, content: bytes) -> bytes | None:
    _, _, rest = content.partition(b"\0")  # behind the keyword
    if name in {b"zTXt", b"iCCP"}:
        return rest[1:]  # behind the method
    if name == b"iTXt" and rest[:1] != b"\0":  # any other flag: some readers take it for 1
        return rest[2:].split(b"\0", 2)[-1]  # behind flag, method, language and translated keyword
    return None
