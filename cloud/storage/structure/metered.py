"""A file that stops its decoder: decoders read in steps, and may use a share of CPU."""

import io
import time

from storage.structure.limits import MAX_DECODE_SECONDS, ImageStructureError


class MeteredFile(io.BytesIO):
    """Feeds a decoder on the thread that made it."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload)
        self._deadline = time.thread_time() + MAX_DECODE_SECONDS

    def read(self, size: int | None = -1) -> bytes:
        """Hand out the next bytes; raises ImageStructureError."""
        if time.thread_time() > self._deadline:
            raise ImageStructureError(f"decoding it takes more than {MAX_DECODE_SECONDS:g} s of CPU")
        return super().read(size)
