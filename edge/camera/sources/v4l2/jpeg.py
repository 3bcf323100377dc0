"""JPEGs as cameras send them: without an end, with bytes behind it, without Huffman tables, or damaged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from camera.sources.decoding.bgr import BgrConverter
from camera.sources.frame import Image

# JPEG's markers, by the standard's names
START_OF_IMAGE, END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
DEFINE_HUFFMAN_TABLES = 0xC4
START_OF_SCAN = 0xDA
MIN_JPEG_BYTES = 128  # less is never an image

_decoders = threading.local()


def decode(content: bytes) -> Image | None:
    """The image as the sensor saw it, BGR; None if anything of it is missing or damaged.

    FFmpeg's decoder, since OpenCV's gives an image with a gray remainder for one with a gap.
    """
    jpeg = complete(content)
    if len(jpeg) < MIN_JPEG_BYTES:
        return None
    av, codec, converter = _decoder()
    try:
        frames = codec.decode(av.Packet(jpeg))
    except (av.error.FFmpegError, ValueError):
        return None
    if len(frames) != 1 or frames[0].is_corrupt:
        return None
    return converter.convert(frames[0])


def complete(content: bytes) -> bytes:
    """From the beginning of the image to its last end marker, which is added where it is missing; empty if no JPEG."""
    begin = content.find(START_OF_IMAGE, 0, MIN_JPEG_BYTES)
    if begin < 0:
        return b""
    jpeg = content[begin:]
    scan = next((start for marker, (start, _) in _segments(jpeg) if marker == START_OF_SCAN), None)
    if scan is None:
        return b""
    end = jpeg.rfind(END_OF_IMAGE, scan)  # a marker before the scan is a thumbnail's
    return jpeg[: end + 2] if end >= 0 else jpeg.rstrip(b"\0\xff") + END_OF_IMAGE


def add_huffman_tables(content: bytes) -> bytes:
    """The same image for any browser: many cameras omit the Huffman tables, which are the same in all MJPG."""
    segments = list(_segments(content))
    if any(marker == DEFINE_HUFFMAN_TABLES for marker, _ in segments) or not segments:
        return content
    scan = next((begin for marker, (begin, _) in segments if marker == START_OF_SCAN), None)
    return content if scan is None else content[:scan] + STANDARD_TABLES + content[scan:]


def _decoder() -> tuple[Any, Any, BgrConverter]:
    """PyAV, and a strict decoder and a converter of this thread's own."""
    if not hasattr(_decoders, "codec"):
        import av  # noqa: PLC0415 -- loaded where it is used, it takes memory

        _decoders.av, _decoders.codec = av, av.CodecContext.create("mjpeg", "r")
        _decoders.codec.options = {"err_detect": "explode"}
        _decoders.codec.thread_count = 1
        _decoders.converter = BgrConverter()
    return _decoders.av, _decoders.codec, _decoders.converter


def _segments(content: bytes) -> Iterator[tuple[int, tuple[int, int]]]:
    """Marker, begin and end of each segment, up to the scan."""
    at = len(START_OF_IMAGE)
    while at + 4 <= len(content) and content[at] == START_OF_IMAGE[0]:
        if content[at + 1] == START_OF_IMAGE[0]:  # a marker may be padded
            at += 1
            continue
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        yield content[at + 1], (at, end)
        if content[at + 1] == START_OF_SCAN:
            break
        at = end


def _standard_tables() -> bytes:
    """The tables of the JPEG standard, which an encoder that does not optimize writes."""
    jpeg = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    return b"".join(jpeg[begin:end] for marker, (begin, end) in _segments(jpeg) if marker == DEFINE_HUFFMAN_TABLES)


STANDARD_TABLES = _standard_tables()
