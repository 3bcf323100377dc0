"""Which bytes are valid images."""

import io
import struct
import zlib

import pytest
from PIL import Image

from common.contract.embedded import PNG_SIGNATURE, png_chunks
from tests.support.images import pictures
from uploader.ingest.image import NotAnImageError, validate_image

LIMIT = 1_000_000


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_taken_and_missed_when_a_row_is_missing(mode: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (37, 23)).save(file, "PNG")

    assert validate_image(file.getvalue(), LIMIT).content_type == "image/png"
    with pytest.raises(NotAnImageError, match="last rows"):
        validate_image(_without_the_last_byte(file.getvalue()), LIMIT)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 3), (5, 1), (9, 17), (64, 40)])
@pytest.mark.parametrize(("depth", "colour"), [(1, 0), (4, 3), (8, 2), (16, 6)])
def test_interlaced_pictures_are_taken(width: int, height: int, depth: int, colour: int) -> None:
    payload = pictures.interlaced_png(width, height, depth, colour)

    assert Image.open(io.BytesIO(payload)).size == (width, height)
    assert validate_image(payload, LIMIT).content_type == "image/png"
    with pytest.raises(NotAnImageError, match="last rows"):
        validate_image(_without_the_last_byte(payload), LIMIT)


@pytest.mark.parametrize("options", [{"progressive": True}, {"quality": 5}, {"comment": b"usbcam"}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_is_taken(mode: str, options: dict[str, object]) -> None:
    file = io.BytesIO()
    Image.new(mode, (2100, 2000)).save(file, "JPEG", **options)

    assert validate_image(file.getvalue(), 5_000_000).metadata is None


@pytest.mark.parametrize("size", [(1, 1), (640, 6), (7, 480), (8, 8)])
def test_a_thin_jpeg_is_taken(size: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "JPEG")

    assert validate_image(file.getvalue(), LIMIT).content_type == "image/jpeg"


@pytest.mark.parametrize("marker", [b"\xff\x01", b"\xff\xd8"])
def test_a_jpeg_that_readers_understand_differently_is_refused(marker: bytes) -> None:
    """One reader sees a segment; another sees a marker without a length, and then what stands in the segment."""
    plain = pictures.jpeg(1)
    content = struct.pack(">H", 65_000) + bytes(64_998) + b"\xff\xe1\xff\xff"
    forked = plain[:2] + marker + b"\xff\xe1" + content.ljust(0xFFE1 - 2, b"\xff") + plain[2:]

    with pytest.raises(NotAnImageError, match="nobody decodes"):
        validate_image(forked, LIMIT)


@pytest.mark.parametrize("where", [33, -12])
def test_the_text_is_found_before_and_after_the_pixels(where: int) -> None:
    plain = pictures.png(1)
    text = pictures.chunk(b"iTXt", b"usbcam\0\0\0\0\0" + "caf\u00e9".encode())

    assert validate_image(plain[:where] + text + plain[where:], LIMIT).metadata == "caf\u00e9"


def _without_the_last_byte(payload: bytes) -> bytes:
    """Return the picture with sound chunks, but with one byte of pixels less."""
    result = PNG_SIGNATURE
    chunks = [(name, payload[start:end]) for name, start, end in png_chunks(payload)]
    data = b"".join(content for name, content in chunks if name == b"IDAT")
    for name, content in chunks:
        if name == b"IEND":
            result += pictures.chunk(b"IDAT", zlib.compress(zlib.decompress(data)[:-1]))
        if name != b"IDAT":
            result += pictures.chunk(name, content)
    return result
