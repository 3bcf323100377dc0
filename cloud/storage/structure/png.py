"""A PNG, walked by offset before any decoder sees it: chunks, checksums, and every row that the header announces.

The walk is linear in the payload and keeps no copy of it. Inflating stops at the last row that the header announces,
so neither a bomb nor what stands behind the stream costs more than an honest image of that size.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import unpack_from
from time import thread_time

from isal import isal_zlib as zlib

from common.contract.embedded import PNG_SIGNATURE
from storage.structure.limits import (
    BYTES_PER_CHUNK,
    MAX_PALETTE_BYTES,
    MAX_SMALL_CHUNKS,
    SLOWEST_INFLATED_BYTES_PER_SECOND,
    SPARE_SECONDS,
    ImageStructureError,
    MetadataBudget,
    check_pixels,
)
from storage.structure.png_text import TextBudget

FEED_BYTES = 1 << 16
INFLATE_STEP_BYTES = 1 << 18
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# For each pass of an interlaced image: first column and row, then the distance to the next ones.
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
LAST_FILTER = 4


@dataclass(frozen=True, slots=True)
class PngHeader:
    """The IHDR chunk."""

    width: int
    height: int
    depth: int  # bits a channel
    colour: int  # PNG's colour type
    interlaced: bool

    @property
    def pixel_bits(self) -> int:
        """Bits of one pixel."""
        return CHANNELS[self.colour] * self.depth

    def inflated_bytes(self) -> int:
        """How many bytes all rows have once inflated, each with its filter byte."""
        return sum(_rows_bytes(columns, rows, self.pixel_bits) for columns, rows in self._passes())

    def _passes(self) -> Iterator[tuple[int, int]]:
        if not self.interlaced:
            yield self.width, self.height
            return
        for x, y, dx, dy in ADAM7:
            columns, rows = -(-(self.width - x) // dx), -(-(self.height - y) // dy)
            if columns > 0 and rows > 0:
                yield columns, rows


def always(_header: PngHeader) -> bool:
    """Inflate whatever it is."""
    return True


def check_png(payload: bytes, max_pixels: int, may_inflate: Callable[[PngHeader], bool] = always) -> PngHeader:
    """Walk chunks, check checksums and, if the header may, count the inflated rows; raises ImageStructureError."""
    header: PngHeader | None = None
    has_data = False
    rows: _Rows | None = None
    metadata, text = MetadataBudget(), TextBudget()
    view = memoryview(payload)
    for name, start, end in png_chunks(payload):
        if zlib.crc32(view[start - 4 : end]) != int.from_bytes(view[end : end + 4]):
            raise ImageStructureError(f"the checksum of its chunk {name.decode()} is wrong")
        if header is None:
            header = _png_header(name, payload[start:end])
            check_pixels(header.width, header.height, max_pixels)
            rows = _Rows(header) if may_inflate(header) else None
        elif name == b"IDAT":
            has_data = True
            if rows is not None:
                rows.add(view[start:end])
        elif name == b"PLTE":
            _check_palette(end - start)
        elif name != b"IEND":
            metadata.add(end - start)
            text.add(name, payload[start:end])
    if header is None or not has_data or not (rows is None or rows.are_complete()):
        raise ImageStructureError("its last rows are missing")
    return header


def png_chunks(payload: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give name, start and end of the content of each chunk, IEND included; raises ImageStructureError."""
    position, size = len(PNG_SIGNATURE), len(payload)
    most = MAX_SMALL_CHUNKS + size // BYTES_PER_CHUNK
    for _ in range(most):
        if position + 12 > size:
            raise ImageStructureError("it is cut short")
        length, name = unpack_from(">I4s", payload, position)
        start, end = position + 8, position + 8 + length
        if not name.isalpha():  # of bytes: A to Z and a to z
            raise ImageStructureError("it has a chunk without a name")
        if end + 4 > size:
            raise ImageStructureError("it is cut short")
        yield name, start, end
        if name == b"IEND":
            return
        position = end + 4
    raise ImageStructureError(f"it has more than {most} chunks")


class _Rows:
    """Counts inflated rows a step at a time, keeping none, and no further than the header promises."""

    def __init__(self, header: PngHeader) -> None:
        self._missing = header.inflated_bytes()
        # Where the filter bytes of a plain picture stand; an interlaced one has rows of several lengths.
        self._stride = 0 if header.interlaced else _rows_bytes(header.width, 1, header.pixel_bits)
        self._offset = 0
        self._inflate = zlib.decompressobj()
        self._deadline = thread_time() + SPARE_SECONDS + self._missing / SLOWEST_INFLATED_BYTES_PER_SECOND
        self._waiting: list[memoryview] = []  # short pieces, which libpng writes, are inflated together
        self._waiting_bytes = 0

    def are_complete(self) -> bool:
        """Inflate what is left, and tell whether all rows are there."""
        self._feed_waiting()
        return self._missing <= 0

    def add(self, content: memoryview) -> None:
        # In pieces: zlib copies what a step leaves over, and behind a stream there may be megabytes of anything.
        for start in range(0, len(content), FEED_BYTES):
            if self._missing <= 0 or self._inflate.eof:
                return
            piece = content[start : start + FEED_BYTES]
            self._waiting.append(piece)
            self._waiting_bytes += len(piece)
            if self._waiting_bytes >= FEED_BYTES:
                self._feed_waiting()

    def _feed_waiting(self) -> None:
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self._feed(waiting[0] if len(waiting) == 1 else b"".join(waiting))

    def _feed(self, piece: bytes | memoryview) -> None:
        while len(piece) and self._missing > 0 and not self._inflate.eof:
            if thread_time() > self._deadline:
                raise ImageStructureError("inflating its rows takes more CPU than they explain")
            try:
                inflated = self._inflate.decompress(piece, INFLATE_STEP_BYTES)
            except zlib.error as error:  # type: ignore[misc]  # isal's stub calls it an instance
                raise ImageStructureError("its rows cannot be inflated") from error
            piece = self._inflate.unconsumed_tail
            self._count(inflated)

    def _count(self, inflated: bytes) -> None:
        wanted = inflated[: self._missing]
        if self._stride:
            filters = wanted[-self._offset % self._stride :: self._stride]
            if filters and max(filters) > LAST_FILTER:
                raise ImageStructureError("a row has an unknown filter")
            self._offset += len(wanted)
        self._missing -= len(wanted)


def _rows_bytes(columns: int, rows: int, pixel_bits: int) -> int:
    return (1 + -(-columns * pixel_bits // 8)) * rows


def _check_palette(size: int) -> None:
    if not size or size % 3 or size > MAX_PALETTE_BYTES:
        raise ImageStructureError("its palette is not PNG's")


def _png_header(name: bytes, content: bytes) -> PngHeader:
    if name != b"IHDR" or len(content) != 13:  # noqa: PLR2004 (PNG's own number)
        raise ImageStructureError("it does not begin with a header")
    width, height, depth, colour, compression, filters, interlace = unpack_from(">IIBBBBB", content)
    if depth not in DEPTHS.get(colour, ()) or compression or filters or interlace not in {0, 1}:
        raise ImageStructureError("its header is not PNG's")
    return PngHeader(width, height, depth, colour, bool(interlace))
