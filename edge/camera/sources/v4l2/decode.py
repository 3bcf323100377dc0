"""What a camera sends as an image: JPEG that is whole and fit to be shown, and raw pixels."""

import cv2
import numpy as np

from camera.sources.frame import Image
from camera.sources.v4l2.ioctl import CaptureFormat

COMPRESSED = ("MJPG", "JPEG")
RAW = {
    "YUYV": cv2.COLOR_YUV2BGR_YUYV,
    "UYVY": cv2.COLOR_YUV2BGR_UYVY,
    "NV12": cv2.COLOR_YUV2BGR_NV12,
    "GREY": cv2.COLOR_GRAY2BGR,
}

BEGIN, END = b"\xff\xd8", b"\xff\xd9"
TABLES = 0xC4  # Huffman's
SCAN = 0xDA
SMALLEST_BYTES = 128  # less is never a picture


def decode_frame(content: bytes, mode: CaptureFormat) -> Image | None:
    """A frame as an image, BGR; None if it is damaged."""
    if mode.fourcc in COMPRESSED:
        return decode(content) if is_complete_jpeg(content) else None
    per_pixel = 2 if mode.fourcc in {"YUYV", "UYVY"} else 1
    lines = mode.height * 3 // 2 if mode.fourcc == "NV12" else mode.height
    stride = max(mode.stride, mode.width * per_pixel)
    if len(content) < stride * lines:
        return None
    rows = np.frombuffer(content, np.uint8, stride * lines).reshape(lines, stride)[:, : mode.width * per_pixel]
    shape = (lines, mode.width, 2) if per_pixel == 2 else (lines, mode.width)  # noqa: PLR2004
    return cv2.cvtColor(np.ascontiguousarray(rows).reshape(shape), RAW[mode.fourcc])


def is_complete_jpeg(content: bytes) -> bool:
    """Whether a picture has its beginning and its end; some cameras add zeros."""
    return len(content) >= SMALLEST_BYTES and content.startswith(BEGIN) and content.rstrip(b"\0").endswith(END)


def decode(content: bytes) -> Image | None:
    """The picture as the sensor saw it, BGR; None if it is damaged."""
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None


def add_huffman_tables(content: bytes) -> bytes:
    """The same picture for any browser: many cameras leave out Huffman's tables, which all MJPG has in common."""
    segments = list(_segments(content))
    if any(marker == TABLES for marker, _ in segments) or not segments:
        return content
    scan = next((begin for marker, (begin, _) in segments if marker == SCAN), None)
    return content if scan is None else content[:scan] + STANDARD_TABLES + content[scan:]


def _segments(content: bytes) -> list[tuple[int, tuple[int, int]]]:
    """Marker, begin and end of each segment, up to the scan."""
    found, at = [], len(BEGIN)
    while at + 4 <= len(content) and content[at] == BEGIN[0]:
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        found.append((content[at + 1], (at, end)))
        if content[at + 1] == SCAN:
            break
        at = end
    return found


def _standard_tables() -> bytes:
    """The tables of the JPEG standard, which an encoder that does not optimise writes."""
    picture = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    return b"".join(picture[begin:end] for marker, (begin, end) in _segments(picture) if marker == TABLES)


STANDARD_TABLES = _standard_tables()
