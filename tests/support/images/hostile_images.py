"""Images that are made to cost CPU or memory: some within the limits of structure, most beyond."""

import functools
import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image

from storage.structure.jpeg import jpeg_segments
from storage.structure.limits import MAX_JPEG_SCANS, MAX_JPEG_SEGMENTS, MAX_METADATA_PARTS, MAX_SMALL_CHUNKS
from tests.support.images import pictures

chunk = pictures.chunk


def jpeg(width: int, height: int, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((width, height), 40).convert("RGB").save(file, "JPEG", **options)
    return file.getvalue()


def png_of(width: int, height: int, data: bytes, *, before: bytes = b"", after: bytes = b"", colour: int = 2) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    return pictures.PNG_START + header + before + data + after + chunk(b"IEND", b"")


@functools.cache
def bomb() -> bytes:
    """64 MiB, deflated to a thousandth."""
    return zlib.compress(bytes(64 << 20))


def rows(width: int, height: int) -> bytes:
    return chunk(b"IDAT", zlib.compress(bytes((1 + 3 * width) * height)))


def plain_jpeg(width: int, height: int) -> bytes:
    """A progressive JPEG that takes little to make."""
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "JPEG", progressive=True)
    return file.getvalue()


def with_scans(count: int, whole: bytes) -> bytes:
    """A progressive JPEG with its last scan repeated, empty."""
    start, end = [(start, end) for marker, start, end in jpeg_segments(whole) if marker == 0xDA][-1]
    return whole[:-2] + (whole[start - 4 : end] + b"\0") * count + b"\xff\xd9"


# A block of deflate that holds nothing but two tables, which take a decoder 14 us; eight of them are whole bytes.
TABLES, TABLES_BITS = 0x23DB9B6DB6DB8DB6DB6DB6DB6DB6DB6DB6DB6DB6CB0000000184003C1EC, 235


def stream_of_tables(size: int) -> bytes:
    """A zlib stream that inflates to nothing, at a great cost."""
    eight = sum(TABLES << TABLES_BITS * number for number in range(8)).to_bytes(TABLES_BITS, "little")
    return b"\x78\x9c" + eight * (size // len(eight))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty chunks": lambda: png_of(9, 9, chunk(b"IDAT", b"") * (2 * MAX_SMALL_CHUNKS)),
    "text chunks": lambda: png_of(9, 9, rows(9, 9), before=chunk(b"tEXt", b"a\0b") * (MAX_METADATA_PARTS + 1)),
    "text behind the rows": lambda: png_of(9, 9, rows(9, 9), after=chunk(b"tEXt", b"a\0" + bytes(1 << 20)) * 3),
    "text bomb": lambda: png_of(9, 9, rows(9, 9), before=chunk(b"zTXt", b"a\0\0" + bomb())),
    "text bomb of iTXt": lambda: png_of(9, 9, rows(9, 9), before=chunk(b"iTXt", b"a\0\1\0\0\0" + bomb())),
    "profile bomb behind the rows": lambda: png_of(9, 9, rows(9, 9), after=chunk(b"iCCP", b"a\0\0" + bomb())),
    "a row too few": lambda: png_of(9, 9, rows(9, 8)),
    "an unknown filter": lambda: png_of(9, 1, chunk(b"IDAT", zlib.compress(b"\x05" + bytes(27)))),
    "no zlib stream": lambda: png_of(9, 9, chunk(b"IDAT", b"not a stream")),
    "millions of rows of a pixel": lambda: png_of(1, 1_000_000, rows(1, 1_000_000)),
    "millions of pixels in a row": lambda: png_of(1_000_000, 1, rows(1_000_000, 1)),
    "a palette as large as a picture": lambda: png_of(
        9, 9, chunk(b"IDAT", zlib.compress(bytes(90))), before=chunk(b"PLTE", bytes(1_500_000)), colour=3
    ),
    "more IDAT chunks than bytes of a picture": lambda: png_of(9, 9, rows(9, 9), after=chunk(b"IDAT", b"\0") * 16_000),
    "twelve bits": lambda: (whole := jpeg(9, 9)).replace(
        whole[(at := whole.index(b"\xff\xc0")) : at + 5], b"\xff\xc0\0\x11\x0c"
    ),
    "255 components": lambda: (whole := jpeg(9, 9)).replace(
        whole[(at := whole.index(b"\xff\xc0")) : at + 19],
        b"\xff\xc0" + struct.pack(">HBHHB", 8 + 3 * 255, 8, 9, 9, 255) + b"\1\x44\0" * 255,
    ),
    "a height that comes later": lambda: (
        (whole := jpeg(9, 9))[:-2].replace(whole[(at := whole.index(b"\xff\xc0")) : at + 7], b"\xff\xc0\0\x11\x08\0\0")
        + b"\xff\xdc\0\4\0\x09\xff\xd9"
    ),
    "too many pixels": lambda: png_of(50_000, 50_000, chunk(b"IDAT", b"")),
    "a depth of three": lambda: pictures.PNG_START + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 3, 2, 0, 0, 0)),
    "a chunk as long as the world": lambda: pictures.PNG_START + b"\xff\xff\xff\xffIHDR" + bytes(40),
    "scans without end": lambda: with_scans(65_000, plain_jpeg(64, 64)),
    "few scans of many pixels": lambda: with_scans(MAX_JPEG_SCANS - 10, plain_jpeg(4000, 2500)),
    "tiny Exif segments": lambda: b"\xff\xd8" + b"\xff\xe1\x00\x02" * 100_000 + jpeg(9, 9)[2:],
    "tiny tables": lambda: b"\xff\xd8" + b"\xff\xdb\x00\x02" * (MAX_JPEG_SEGMENTS + 1) + jpeg(9, 9)[2:],
    "tables of megabytes": lambda: (
        b"\xff\xd8" + (b"\xff\xdb\xff\xde" + (b"\0" + b"\1" * 64) * 1008) * 120 + jpeg(9, 9)[2:]
    ),
    "comments": lambda: b"\xff\xd8" + (b"\xff\xfe\xff\xff" + bytes(65_533)) * 40 + jpeg(9, 9)[2:],
    "two frames": lambda: (whole := jpeg(9, 9))[:-2] + whole[2:],
    "fill bytes between segments": lambda: b"\xff\xd8" + b"\xff" * 1_000_000 + jpeg(9, 9)[2:],
    "nothing between segments": lambda: b"\xff\xd8" + bytes(1_000_000) + jpeg(9, 9)[2:],
    "restarts before the frame": lambda: b"\xff\xd8" + b"\xff\xd0" * 500_000 + jpeg(9, 9)[2:],
    "tables of rows without rows": lambda: png_of(9, 9, chunk(b"IDAT", stream_of_tables(4_000_000))),
    "a text bomb under another flag": lambda: png_of(9, 9, rows(9, 9), before=chunk(b"iTXt", b"a\0\2\0\0\0" + bomb())),
    "no end": lambda: jpeg(9, 9)[:-2] + b"\xff" * 1_000_000,
    "restarts without end": lambda: jpeg(9, 9)[:-2] + b"\xff\xd0" * 1_000_000,
    "a scan before its frame": lambda: b"\xff\xd8\xff\xda\x00\x02\x00\xff\xd9",
    "arithmetic coding": lambda: jpeg(9, 9).replace(b"\xff\xc0", b"\xff\xc9"),
    "a segment of no length": lambda: b"\xff\xd8\xff\xe1\x00\x00",
}


def interlaced_zeros() -> bytes:
    """Return 25 megapixels of 16 bits in four channels, which inflate to 200 MB."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 5000, 5000, 16, 6, 0, 0, 1))
    deflate, rows_bytes = zlib.compressobj(9), 5000 * 5000 * 8 + 20_000
    data = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(rows_bytes // (1 << 20) + 1)) + deflate.flush()
    return pictures.PNG_START + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


# Sound, and as costly as the limits allow.
COSTLY: dict[str, Callable[[], bytes]] = {
    "many scans of many pixels": lambda: with_scans(MAX_JPEG_SCANS - 14, jpeg(3000, 2000, progressive=True)),
    "interlaced rows of 200 MB": interlaced_zeros,
}
