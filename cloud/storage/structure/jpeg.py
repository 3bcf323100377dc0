"""A JPEG, walked by offset before any decoder sees it: segments, scans, and the end marker."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from struct import unpack_from

from storage.structure.limits import (
    MAX_JPEG_GAP_BYTES,
    MAX_JPEG_SCANS,
    MAX_JPEG_SEGMENTS,
    MAX_JPEG_TABLE_BYTES,
    MAX_SCANNED_PIXELS,
    ImageStructureError,
    MetadataBudget,
    check_pixels,
)

JPEG_SIGNATURE = b"\xff\xd8\xff"
TEM, SOI, SOS, EOI, COM, DNL = 0x01, 0xD8, 0xDA, 0xD9, 0xFE, 0xDC
PRECISION, COMPONENTS = 8, (1, 3, 4)  # bits; grey, colour, and colour for print
NOBODY_DECODES = "it is a kind of JPEG that nobody decodes"
APP = range(0xE0, 0xF0)
COLOURS = (0xE0, 0xEE)  # JFIF's and Adobe's: they tell which colours the components are
FRAME_HEADERS = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive: what libjpeg decodes
OTHER_FRAME_HEADERS = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
# A marker inside a scan: not a stuffed byte, a fill byte or a restart. Without `+`, so that runs of FF stay linear.
NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """The frame header, and how often its pixels are visited."""

    width: int
    height: int
    scans: int


def check_jpeg(payload: bytes, max_pixels: int) -> JpegFrame:
    """Walk segments and scans up to the end marker; raises ImageStructureError."""
    frame: JpegFrame | None = None
    scans = table_bytes = 0
    metadata = MetadataBudget()
    for marker, start, end in jpeg_segments(payload):
        if marker in APP or marker == COM:
            metadata.add(end - start)
        elif marker in FRAME_HEADERS:
            if frame is not None:
                raise ImageStructureError("it has two frames")
            frame = _jpeg_frame(payload[start:end])
            check_pixels(frame.width, frame.height, max_pixels)
        elif marker in OTHER_FRAME_HEADERS or marker in {DNL, TEM, SOI}:  # the last two have no length
            raise ImageStructureError(NOBODY_DECODES)
        elif marker == SOS:
            scans += 1
            _check_scans(frame, scans)
        else:
            table_bytes += end - start
            if table_bytes > MAX_JPEG_TABLE_BYTES:
                raise ImageStructureError(f"it has more than {MAX_JPEG_TABLE_BYTES >> 10} KiB of tables")
    if frame is None or not scans:
        raise ImageStructureError("it has no picture in it")
    return replace(frame, scans=scans)


def jpeg_segments(payload: bytes) -> Iterator[tuple[int, int, int]]:
    """Give marker, start and end of the content of each segment up to the end marker; raises ImageStructureError."""
    position, marker, gaps = 2, SOI, 0
    for _ in range(MAX_JPEG_SEGMENTS):
        found = NEXT_MARKER.search(payload, position)
        if found is None:
            raise ImageStructureError("it is cut short")
        gaps += found.start() - position if marker != SOS else 0  # behind that, these are pixels
        if gaps > MAX_JPEG_GAP_BYTES:
            raise ImageStructureError(f"it has more than {MAX_JPEG_GAP_BYTES >> 10} KiB between its segments")
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


def pixels_of_jpeg(payload: bytes) -> bytes:
    """Leave out what only describes the picture: a decoder reads all of it, which may cost more than pixels."""
    kept, at = [], 0
    for marker, start, end in jpeg_segments(payload):
        if marker == COM or (marker in APP and marker not in COLOURS):
            kept.append(payload[at : start - 4])
            at = end
    return b"".join((*kept, payload[at:])) if kept else payload


def _jpeg_frame(content: bytes) -> JpegFrame:
    if len(content) < 6:  # noqa: PLR2004 (precision, height, width, components)
        raise ImageStructureError("it is cut short")
    precision, height, width, components = unpack_from(">BHHB", content)
    if precision != PRECISION or components not in COMPONENTS:
        raise ImageStructureError(NOBODY_DECODES)
    return JpegFrame(width, height, scans=0)


def _check_scans(frame: JpegFrame | None, scans: int) -> None:
    if frame is None:
        raise ImageStructureError("it has a scan before its frame")
    if scans > MAX_JPEG_SCANS or frame.width * frame.height * scans > MAX_SCANNED_PIXELS:
        raise ImageStructureError(f"it has {scans} or more scans of {frame.width}x{frame.height} pixels")
