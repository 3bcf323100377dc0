"""What a PNG or JPEG is made of, walked by offset before any decoder sees it.

A decoder trusts its input: an enrolled edge could send a megabyte that costs a minute of CPU or half a gigabyte. Every
walk here is linear in the payload, holds no copy of it, and stops at the first limit that is passed.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"

# Limits that honest encoders stay far below: libpng cuts IDAT at 8 KiB, so 16 MiB are 2,048 chunks; libjpeg writes a
# progressive picture in 10 scans, mozjpeg in at most 20.
MAX_PNG_CHUNKS = 16_384
MAX_JPEG_SEGMENTS = 1_024
MAX_JPEG_SCANS = 64
MAX_SCANNED_PIXELS = 500_000_000  # pixels times scans: each scan of a progressive JPEG visits every block
MAX_METADATA_PARTS = 512
MAX_METADATA_BYTES = 2 << 20  # text, Exif, colour profile and comments together
FEED_BYTES = 1 << 16
INFLATE_STEP_BYTES = 1 << 18

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of each PNG colour type
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# Of each pass of an interlaced PNG: first column and row, then the distance to the next ones.
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
CHUNK_NAME = re.compile(rb"[A-Za-z]{4}")
LAST_FILTER = 4

SOS, EOI, COM, DNL = 0xDA, 0xD9, 0xFE, 0xDC
APP = range(0xE0, 0xF0)
FRAME_HEADERS = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive: what libjpeg decodes
OTHER_FRAME_HEADERS = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
# A marker inside a scan: not a stuffed byte, a fill byte or a restart. Without `+`, so that runs of FF stay linear.
NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


class ImageStructureError(Exception):
    """What is wrong with the bytes, as the end of a sentence; no decoder may see them."""


@dataclass(frozen=True, slots=True)
class PngHeader:
    """The IHDR chunk."""

    width: int
    height: int
    depth: int  # bits a channel
    colour: int  # PNG's colour type
    interlaced: bool

    @property
    def row_bits(self) -> int:
        """Bits of one pixel."""
        return CHANNELS[self.colour] * self.depth

    def pixel_bytes(self) -> int:
        """How many bytes all rows have once inflated, each with its filter byte."""
        return sum(_rows_bytes(columns, rows, self.row_bits) for columns, rows in self._passes())

    def _passes(self) -> Iterator[tuple[int, int]]:
        if not self.interlaced:
            yield self.width, self.height
            return
        for x, y, dx, dy in ADAM7:
            columns, rows = -(-(self.width - x) // dx), -(-(self.height - y) // dy)
            if columns > 0 and rows > 0:
                yield columns, rows


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """The frame header, and how often its pixels are visited."""

    width: int
    height: int
    progressive: bool
    scans: int


def check_png(payload: bytes, max_pixels: int) -> PngHeader:
    """Walk chunks, check sums and count the inflated rows; raises ImageStructureError."""
    header: PngHeader | None = None
    rows: _Rows | None = None
    metadata = _Metadata()
    for name, start, end in png_chunks(payload):
        if zlib.crc32(memoryview(payload)[start - 4 : end]) != unpack_from(">I", payload, end)[0]:
            raise ImageStructureError(f"the checksum of its chunk {name.decode()} is wrong")
        if header is None:
            header = _png_header(name, payload[start:end])
            _check_pixels(header.width, header.height, max_pixels)
            rows = _Rows(header)
        elif name == b"IDAT" and rows is not None:
            rows.add(memoryview(payload)[start:end])
        elif name != b"IEND":
            metadata.add(end - start)
    if header is None or rows is None or not rows.complete:
        raise ImageStructureError("its last rows are missing")
    return header


def png_chunks(payload: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give name, start and end of the content of each chunk, IEND included; raises ImageStructureError."""
    position = len(PNG_SIGNATURE)
    for _ in range(MAX_PNG_CHUNKS):
        if position + 12 > len(payload):
            raise ImageStructureError("it is cut short")
        length, name = unpack_from(">I4s", payload, position)
        start, end = position + 8, position + 8 + length
        if not CHUNK_NAME.fullmatch(name):
            raise ImageStructureError("it has a chunk without a name")
        if end + 4 > len(payload):
            raise ImageStructureError("it is cut short")
        yield name, start, end
        if name == b"IEND":
            return
        position = end + 4
    raise ImageStructureError(f"it has more than {MAX_PNG_CHUNKS} chunks")


def check_jpeg(payload: bytes, max_pixels: int) -> JpegFrame:
    """Walk segments and scans up to the end marker; raises ImageStructureError."""
    frame: JpegFrame | None = None
    scans = 0
    metadata = _Metadata()
    for marker, start, end in jpeg_segments(payload):
        if marker in APP or marker == COM:
            metadata.add(end - start)
        elif marker in FRAME_HEADERS:
            if frame is not None:
                raise ImageStructureError("it has two frames")
            frame = _jpeg_frame(marker, payload[start:end])
            _check_pixels(frame.width, frame.height, max_pixels)
        elif marker in OTHER_FRAME_HEADERS or marker == DNL:
            raise ImageStructureError("it is a kind of JPEG that nobody decodes")
        elif marker == SOS:
            scans += 1
            _check_scans(frame, scans)
    if frame is None or not scans:
        raise ImageStructureError("it has no picture in it")
    return JpegFrame(frame.width, frame.height, frame.progressive, scans)


def jpeg_segments(payload: bytes) -> Iterator[tuple[int, int, int]]:
    """Give marker, start and end of the content of each segment up to the end marker; raises ImageStructureError."""
    position = 2
    for _ in range(MAX_JPEG_SEGMENTS):
        found = NEXT_MARKER.search(payload, position)
        if found is None:
            raise ImageStructureError("it is cut short")
        marker, start = payload[found.end() - 1], found.end() + 2
        if marker == EOI:
            return
        if start > len(payload):
            raise ImageStructureError("it is cut short")
        (length,) = unpack_from(">H", payload, found.end())
        end = found.end() + length
        if length < 2 or end > len(payload):  # noqa: PLR2004 (the length counts its own two bytes)
            raise ImageStructureError("it is cut short")
        yield marker, start, end
        position = end
    raise ImageStructureError(f"it has more than {MAX_JPEG_SEGMENTS} segments")


@dataclass(slots=True)
class _Metadata:
    """What is not the picture itself, bounded in number and bytes."""

    parts: int = 0
    size: int = 0

    def add(self, size: int) -> None:
        self.parts += 1
        self.size += size
        if self.parts > MAX_METADATA_PARTS or self.size > MAX_METADATA_BYTES:
            raise ImageStructureError(f"it carries more than {MAX_METADATA_BYTES >> 20} MiB beside the picture")


class _Rows:
    """Counts inflated rows a step at a time, keeping none, and no further than the header promises."""

    def __init__(self, header: PngHeader) -> None:
        self._missing = header.pixel_bytes()
        # Where the filter bytes of a plain picture stand; an interlaced one has rows of several lengths.
        self._stride = 0 if header.interlaced else _rows_bytes(header.width, 1, header.row_bits)
        self._offset = 0
        self._inflate = zlib.decompressobj()

    @property
    def complete(self) -> bool:
        return self._missing <= 0

    def add(self, content: memoryview) -> None:
        # In pieces: zlib copies what a step leaves over, and behind a stream there may be megabytes of anything.
        for start in range(0, len(content), FEED_BYTES):
            if self._missing <= 0 or self._inflate.eof:
                return
            self._feed(content[start : start + FEED_BYTES])

    def _feed(self, piece: bytes | memoryview) -> None:
        while len(piece) and self._missing > 0 and not self._inflate.eof:
            try:
                inflated = self._inflate.decompress(piece, INFLATE_STEP_BYTES)
            except zlib.error as error:
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


def _png_header(name: bytes, content: bytes) -> PngHeader:
    if name != b"IHDR" or len(content) != 13:  # noqa: PLR2004 (PNG's own number)
        raise ImageStructureError("it does not begin with a header")
    width, height, depth, colour, compression, filters, interlace = unpack_from(">IIBBBBB", content)
    if depth not in DEPTHS.get(colour, ()) or compression or filters or interlace not in {0, 1}:
        raise ImageStructureError("its header is not PNG's")
    return PngHeader(width, height, depth, colour, bool(interlace))


def _jpeg_frame(marker: int, content: bytes) -> JpegFrame:
    if len(content) < 6:  # noqa: PLR2004 (precision, height, width, components)
        raise ImageStructureError("it is cut short")
    _, height, width = unpack_from(">BHH", content)
    return JpegFrame(width, height, progressive=marker == 0xC2, scans=0)  # noqa: PLR2004 (JPEG's own number)


def _check_pixels(width: int, height: int, max_pixels: int) -> None:
    if not width or not height:
        raise ImageStructureError(f"it is {width}x{height} pixels")
    if width * height > max_pixels:
        raise ImageStructureError(f"{width}x{height} is more than MAX_IMAGE_PIXELS={max_pixels} pixels")


def _check_scans(frame: JpegFrame | None, scans: int) -> None:
    if frame is None:
        raise ImageStructureError("it has a scan before its frame")
    if scans > MAX_JPEG_SCANS or frame.width * frame.height * scans > MAX_SCANNED_PIXELS:
        raise ImageStructureError(f"it has {scans} or more scans of {frame.width}x{frame.height} pixels")
