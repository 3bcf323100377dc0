"""Whatever the uploader takes as a picture, the gallery can show small."""

import io
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from gallery.pictures.pixel_budget import PixelBudget
from gallery.pictures.shrinking import SIDE, NoImageError, shrink
from tests.support.paths import ROOT
from uploader.ingest.image import NotAnImageError, validate_image

PIXELS = 50_000_000
CASES = ROOT.parent / "shared" / "cases"
COLOURS = {
    (0, 1): 1,
    (0, 8): 1,
    (0, 16): 1,
    (2, 8): 3,
    (2, 16): 3,
    (3, 8): 1,
    (4, 8): 2,
    (4, 16): 2,
    (6, 8): 4,
    (6, 16): 4,
}
ODD_CHUNKS = (
    b"acTL",
    b"fcTL",
    b"fdAT",
    b"eXIf",
    b"iCCP",
    b"tEXt",
    b"zTXt",
    b"iTXt",
    b"pHYs",
    b"cHRM",
    b"gAMA",
    b"sRGB",
)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def ramp(colour: int, depth: int, *between: bytes) -> bytes:
    """Draw a PNG that goes from dark on the left to bright on the right."""
    width, channels = 64, COLOURS[colour, depth]
    if depth == 1:
        row = bytes([0] * (width // 16) + [255] * (width // 16))
    else:
        row = b"".join((x * 4).to_bytes(1) * (depth // 8 * channels) for x in range(width))
    palette = [chunk(b"PLTE", bytes(x for x in range(256) for _ in range(3)))] if colour == 3 else []
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, width, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + row) * width))
    return b"".join([b"\x89PNG\r\n\x1a\n", header, *palette, *between, pixels, chunk(b"IEND", b"")])


def jpeg(exif: bytes) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((64, 32)).save(out, "JPEG", exif=b"Exif\0\0" + exif)
    return out.getvalue()


def good_exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "maker"
    exif[0x011A] = 72.0
    exif.get_ifd(0x8769).update({0x9204: -1.5, 0x829A: 0.01, 0x9286: b"comment"})
    return exif.tobytes().removeprefix(b"Exif\0\0")


def odd_jpegs() -> Iterator[bytes]:
    chance, good = random.Random(15), good_exif(6)
    for _ in range(300):
        damaged = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.choice((0, 1, 2, 4, 5, 10, 12, 255, chance.randrange(256)))
        yield jpeg(bytes(damaged[: chance.choice((len(damaged), chance.randrange(1, len(damaged))))]))


def odd_pngs() -> Iterator[bytes]:
    chance = random.Random(15)
    for kind in ODD_CHUNKS:
        for length in (0, 1, 4, 8, 25, 26, 27, 40):
            content = chance.randbytes(length)
            yield ramp(2, 8, chunk(kind, content))
            yield ramp(0, 8, chunk(b"acTL", struct.pack(">II", 2, 0)), chunk(kind, content))


def shown(image: bytes) -> Image.Image:
    small = Image.open(io.BytesIO(shrink(image, PixelBudget(PIXELS))))
    small.load()
    return small


@pytest.mark.parametrize("odd", [odd_jpegs, odd_pngs], ids=["exif", "chunks"])
def test_a_picture_with_odd_descriptions_is_shown_if_the_uploader_takes_it(odd: type[Iterator[bytes]]) -> None:
    taken = 0
    for image in odd():
        try:
            validate_image(image, PIXELS)
        except NotAnImageError:
            continue
        taken += 1
        assert max(shown(image).size) <= SIDE
    assert taken > 50


@pytest.mark.parametrize(("colour", "depth"), COLOURS)
def test_dark_stays_dark_and_bright_stays_bright_at_any_depth(colour: int, depth: int) -> None:
    image = ramp(colour, depth)
    validate_image(image, PIXELS)

    small = shown(image).convert("L")

    dark, middle, bright = (small.crop((x, 32, x + 1, 33)).tobytes()[0] for x in (1, 30, 62))
    assert dark < 30
    assert bright > 220
    assert depth == 1 or 100 < middle < 150


@pytest.mark.parametrize("orientation", range(10))
def test_a_picture_is_turned_as_its_camera_was_held(orientation: int) -> None:
    assert shown(jpeg(good_exif(orientation))).size == ((32, 64) if orientation in {5, 6, 7, 8} else (64, 32))


def test_what_is_no_picture_is_called_so() -> None:
    whole = ramp(2, 8)

    for image in (b"", b"GIF89a", whole[:20], whole[:60], jpeg(good_exif(1))[:100], whole[:8] + b"\xff" * 100):
        with pytest.raises(NoImageError):
            shrink(image, PixelBudget(PIXELS))


@pytest.mark.skipif(not CASES.is_dir(), reason="the collected cases are not beside this folder")
def test_the_collected_cases_are_shown() -> None:
    for file in (*Path(CASES / "exif").iterdir(), CASES / "grey16_ramp.png"):
        validate_image(file.read_bytes(), PIXELS)
        assert max(shown(file.read_bytes()).size) <= SIDE
    assert shown((CASES / "grey16_ramp.png").read_bytes()).convert("L").resize((1, 1)).getpixel((0, 0)) in range(
        90, 160
    )
