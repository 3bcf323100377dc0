"""Sound images that carry what seldom belongs to an image: taken, shown, and cheap to both."""

import struct
import zlib
from collections.abc import Callable

from storage.structure.jpeg import jpeg_segments
from tests.support.images.hostile_images import jpeg, png_of, rows
from tests.support.images.pictures import chunk

DHT = 0xC4
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def with_segments(marker: int, body: bytes, count: int = 1) -> bytes:
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
    plain = jpeg(9, 9)
    return plain[:2] + segment * count + plain[2:]


def huffman_tables() -> bytes:
    plain = jpeg(9, 9)
    start, end = next((start, end) for marker, start, end in jpeg_segments(plain) if marker == DHT)
    return with_segments(DHT, plain[start:end], 900)


def animated(frames: int, size: int) -> bytes:
    """An APNG whose further frames are as large as they claim to be, or not there."""
    control = chunk(b"acTL", struct.pack(">II", frames, 0))
    frame = struct.pack(">IIIIHHBB", size, size, 0, 0, 1, 1, 0, 0)
    data = zlib.compress(bytes(1000))
    more = b"".join(
        chunk(b"fcTL", struct.pack(">I", 2 * number) + frame) + chunk(b"fdAT", struct.pack(">I", 2 * number + 1) + data)
        for number in range(frames)
    )
    return png_of(9, 9, rows(9, 9), before=control, after=more)


def exif(entry: Callable[[int], bytes], following: int) -> bytes:
    entries = b"".join(entry(number) for number in range(5000))
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 5000) + entries + struct.pack(">I", following)


def described_at_length(tiff: bytes) -> bytes:
    """Describe a picture by Exif of more than one segment, and by nothing else: then Pillow reads all of it at once."""
    plain = jpeg(9, 9)
    parts = [tiff[at : at + 65_000] for at in range(0, len(tiff), 65_000)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part for part in parts)
    return plain[:2] + segments + plain[20:]


def rationals() -> bytes:
    """Tell the resolution by a quarter of a million fractions."""
    entries = struct.pack(">HHHII", 2, 0x11A, 5, 250_000, 38) + struct.pack(">HHIHH", 0x128, 3, 1, 2, 0)
    return b"MM\0*\0\0\0\x08" + entries + bytes(4) + struct.pack(">II", 3, 7) * 250_000


def interlaced() -> bytes:
    size = sum((1 + 3 * -(-(9 - x) // dx)) * -(-(9 - y) // dy) for x, y, dx, dy in ADAM7)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 1))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(size))) + chunk(b"IEND", b"")


ODD: dict[str, Callable[[], bytes]] = {
    "a thousand empty IDAT": lambda: png_of(9, 9, rows(9, 9), after=chunk(b"IDAT", b"") * 1_000),
    "hundreds of frames": lambda: animated(200, 9),
    "a frame of 60,000 pixels a side": lambda: animated(1, 60_000),
    "interlaced": interlaced,
    "deep JSON": lambda: png_of(9, 9, rows(9, 9), before=chunk(b"iTXt", b"usbcam\0\0\0\0\0" + b"[" * 1_000_000)),
    "a long number": lambda: png_of(
        9, 9, rows(9, 9), before=chunk(b"iTXt", b'usbcam\0\0\0\0\0{"captured_at": ' + b"9" * 1_000_000 + b"}")
    ),
    "private chunks": lambda: png_of(9, 9, rows(9, 9), before=chunk(b"prVt", bytes(10)) * 500),
    "a transparency of 1 MB": lambda: png_of(9, 9, rows(9, 9), before=chunk(b"tRNS", bytes(1_000_000))),
    "a restart after each block": lambda: jpeg(800, 800, restart_marker_blocks=1),
    "quantization tables": lambda: with_segments(0xDB, b"\0" + b"\1" * 64, 900),
    "16-bit quantization": lambda: with_segments(0xDB, b"\x10" + b"\0\1" * 64),
    "Huffman tables": huffman_tables,
    "Exif that points to itself": lambda: with_segments(0xE1, exif(lambda _: struct.pack(">HHII", 0x8769, 4, 1, 8), 8)),
    "Exif of 300 MB": lambda: with_segments(0xE1, exif(lambda number: struct.pack(">HHII", number, 7, 60_000, 8), 0)),
    "a thumbnail in Exif": lambda: with_segments(0xE1, exif(lambda _: struct.pack(">HHII", 0x201, 4, 1, 8), 8), 30),
    "Exif of fractions": lambda: described_at_length(rationals()),
    "Exif of every tag": lambda: described_at_length(
        b"MM\0*\0\0\0\x08\xff\xff"
        + b"".join(struct.pack(">HHI4s", tag, 7, 4, b"abcd") for tag in range(65_535))
        + bytes(4)
    ),
    "profiles in parts": lambda: with_segments(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(3984), 500),
    "more pictures than there are": lambda: with_segments(
        0xE2, b"MPF\0MM\0*\0\0\0\x08\0\1" + struct.pack(">HHII", 0xB001, 4, 1, 0xFFFFFFFF) + bytes(4)
    ),
    "Photoshop's resources": lambda: with_segments(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\0\0" * 300, 400),
    "unclosed XML": lambda: with_segments(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<a " * 20_000, 30),
}
