"""Images from what a camera sends: complete JPEGs that any browser shows, and raw pixels."""

import cv2
import numpy as np

from camera.sources.frame import Image
from camera.sources.v4l2.device import CaptureFormat

COMPRESSED = ("MJPG", "JPEG")
RAW = {
    "YUYV": cv2.COLOR_YUV2BGR_YUYV,
    "UYVY": cv2.COLOR_YUV2BGR_UYVY,
    "NV12": cv2.COLOR_YUV2BGR_NV12,
    "GREY": cv2.COLOR_GRAY2BGR,
}
TWO_BYTES_A_PIXEL = {"YUYV", "UYVY"}

# JPEG's markers, by the standard's names
START_OF_IMAGE, END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
DEFINE_HUFFMAN_TABLES = 0xC4
START_OF_SCAN = 0xDA
MIN_JPEG_BYTES = 128  # less is never an image


def decode_frame(content: bytes, capture_format: CaptureFormat) -> Image | None:
    """A frame as an image, BGR; None if it is damaged."""
    if capture_format.fourcc in COMPRESSED:
        return decode(content) if is_complete_jpeg(content) else None
    return _decode_raw(content, capture_format)


def is_complete_jpeg(content: bytes) -> bool:
    """Whether an image has its beginning and its end; some cameras add zeros."""
    if len(content) < MIN_JPEG_BYTES or not content.startswith(START_OF_IMAGE):
        return False
    return content.rstrip(b"\0").endswith(END_OF_IMAGE)


def decode(content: bytes) -> Image | None:
    """The image as the sensor saw it, BGR; None if it is damaged."""
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None


def add_huffman_tables(content: bytes) -> bytes:
    """The same image for any browser: many cameras omit the Huffman tables, which are the same in all MJPG."""
    segments = list(_segments(content))
    if any(marker == DEFINE_HUFFMAN_TABLES for marker, _ in segments) or not segments:
        return content
    scan = next((begin for marker, (begin, _) in segments if marker == START_OF_SCAN), None)
    return content if scan is None else content[:scan] + STANDARD_TABLES + content[scan:]


def _decode_raw(content: bytes, capture_format: CaptureFormat) -> Image | None:
    fourcc, width, height = capture_format.fourcc, capture_format.width, capture_format.height
    channels = 2 if fourcc in TWO_BYTES_A_PIXEL else 1
    lines = height * 3 // 2 if fourcc == "NV12" else height
    stride = max(capture_format.stride, width * channels)
    if len(content) < stride * lines:
        return None
    rows = np.frombuffer(content, np.uint8, stride * lines).reshape(lines, stride)[:, : width * channels]
    shape = (lines, width) if channels == 1 else (lines, width, channels)
    return cv2.cvtColor(np.ascontiguousarray(rows).reshape(shape), RAW[fourcc])


def _segments(content: bytes) -> list[tuple[int, tuple[int, int]]]:
    """Marker, begin and end of each segment, up to the scan."""
    found, at = [], len(START_OF_IMAGE)
    while at + 4 <= len(content) and content[at] == START_OF_IMAGE[0]:
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        found.append((content[at + 1], (at, end)))
        if content[at + 1] == START_OF_SCAN:
            break
        at = end
    return found


def _standard_tables() -> bytes:
    """The tables of the JPEG standard, which an encoder that does not optimize writes."""
    jpeg = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    return b"".join(jpeg[begin:end] for marker, (begin, end) in _segments(jpeg) if marker == DEFINE_HUFFMAN_TABLES)


STANDARD_TABLES = _standard_tables()
