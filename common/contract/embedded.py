"""How an image carries its own metadata: an iTXt chunk of a PNG, or a comment segment of a JPEG."""

import re
import struct
import zlib
from collections.abc import Iterator

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8"
KEYWORD = b"usbcam"
ITXT_START = KEYWORD + b"\0\0\0"  # not compressed, compression method 0; then language and translated keyword
COMMENT_START = KEYWORD + b" "

AFTER_IHDR = len(PNG_SIGNATURE) + 25  # length, type, 13 bytes and CRC of the header chunk
MARKER, COMMENT, START_OF_SCAN = 0xFF, 0xFE, 0xDA
# Padding (any number of 0xFF may precede a marker), and markers without a length: TEM, RST0 to RST7, SOI, EOI.
# A part at a time, as each takes memory while it is matched. A possessive one stops too late before Python 3.11.5.
WITHOUT_LENGTH = re.compile(rb"(?:\xff(?=\xff)|\xff[\x01\xd0-\xd9]){1,65536}")
MAX_SEGMENTS = 1024  # before the pixels; cameras write about ten, and ours puts its comment first


def embed_metadata(image: bytes, text: str) -> bytes:
    """Put the text into a PNG or JPEG, which must come from an encoder: only its first bytes are checked."""
    if image.startswith(PNG_SIGNATURE):
        body = b"iTXt" + ITXT_START + b"\0\0" + text.encode()
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        return image[:AFTER_IHDR] + chunk + image[AFTER_IHDR:]
    comment = COMMENT_START + text.encode()
    return image[:2] + bytes([MARKER, COMMENT]) + struct.pack(">H", len(comment) + 2) + comment + image[2:]


def extract_metadata(image: bytes) -> str | None:
    """Find that text again; None without one. Raises struct.error for an image that was cut short."""
    if image.startswith(PNG_SIGNATURE):
        for name, start, end in png_chunks(image):
            if name == b"iTXt" and image.startswith(ITXT_START, start, end):
                return image[start + len(ITXT_START) : end].split(b"\0", 2)[-1].decode("utf-8", "replace")
    elif image.startswith(JPEG_SIGNATURE):
        for marker, start, end in jpeg_segments(image):
            if marker == COMMENT and image.startswith(COMMENT_START, start, end):
                return image[start + len(COMMENT_START) : end].decode("utf-8", "replace")
    return None


def png_chunks(image: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name of each chunk, and start and end of its content. Raises struct.error if the last chunk is missing."""
    position = len(PNG_SIGNATURE)
    name = b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", image, position)
        yield name, position + 8, position + 8 + length
        position += 12 + length


def jpeg_segments(image: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker of each segment before the pixels, and start and end of its content. Raises struct.error if cut short."""
    position = len(JPEG_SIGNATURE)
    for _ in range(MAX_SEGMENTS):
        while skipped := WITHOUT_LENGTH.match(image, position):
            position = skipped.end()
        start, marker, length = struct.unpack_from(">BBH", image, position)
        if start != MARKER or marker == START_OF_SCAN:
            return
        yield marker, position + 4, position + 2 + length
        position += 2 + max(length, 2)
