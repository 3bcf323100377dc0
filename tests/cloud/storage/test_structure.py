"""Images made to cost CPU or memory are refused before a decoder sees them; honest ones of every size pass."""

import io
import random
import struct
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from common.contract.embedded import embed_metadata
from storage.structure import png
from storage.structure.jpeg import check_jpeg, jpeg_segments
from storage.structure.limits import (
    MAX_JPEG_SCANS,
    MAX_JPEG_SEGMENTS,
    MAX_METADATA_PARTS,
    MAX_PNG_CHUNKS,
    ImageStructureError,
)
from storage.structure.png import check_png
from tests.support import pictures

MAX_PIXELS = 50_000_000
INPUTS = 3_000
chunk = pictures.chunk


def jpeg(width: int, height: int, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((width, height), 40).convert("RGB").save(file, "JPEG", **options)
    return file.getvalue()


def png_of(width: int, height: int, data: bytes, *, before: bytes = b"", after: bytes = b"", colour: int = 2) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    return pictures.PNG_START + header + before + data + after + chunk(b"IEND", b"")


def rows(width: int, height: int) -> bytes:
    return chunk(b"IDAT", zlib.compress(bytes((1 + 3 * width) * height)))


def with_scans(count: int, width: int, height: int) -> bytes:
    """A progressive JPEG whose last scan is repeated, empty."""
    whole = jpeg(width, height, progressive=True)
    start, end = [(start, end) for marker, start, end in jpeg_segments(whole) if marker == 0xDA][-1]
    return whole[:-2] + (whole[start - 4 : end] + b"\0") * count + b"\xff\xd9"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty chunks": lambda: png_of(9, 9, chunk(b"IDAT", b"") * (MAX_PNG_CHUNKS + 1)),
    "text chunks": lambda: png_of(9, 9, rows(9, 9), before=chunk(b"tEXt", b"a\0b") * (MAX_METADATA_PARTS + 1)),
    "text behind the rows": lambda: png_of(9, 9, rows(9, 9), after=chunk(b"tEXt", b"a\0" + bytes(1 << 20)) * 3),
    "text bomb": lambda: png_of(9, 9, rows(9, 9), before=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(64 << 20)))),
    "text bomb of iTXt": lambda: png_of(
        9, 9, rows(9, 9), before=chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(64 << 20)))
    ),
    "profile bomb behind the rows": lambda: png_of(
        9, 9, rows(9, 9), after=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(64 << 20)))
    ),
    "a row too few": lambda: png_of(9, 9, rows(9, 8)),
    "an unknown filter": lambda: png_of(9, 1, chunk(b"IDAT", zlib.compress(b"\x05" + bytes(27)))),
    "no zlib stream": lambda: png_of(9, 9, chunk(b"IDAT", b"not a stream")),
    "too many pixels": lambda: png_of(50_000, 50_000, chunk(b"IDAT", b"")),
    "a depth of three": lambda: pictures.PNG_START + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 3, 2, 0, 0, 0)),
    "a chunk as long as the world": lambda: pictures.PNG_START + b"\xff\xff\xff\xffIHDR" + bytes(40),
    "scans without end": lambda: with_scans(65_000, 64, 64),
    "few scans of many pixels": lambda: with_scans(MAX_JPEG_SCANS - 10, 4000, 2500),
    "tiny Exif segments": lambda: b"\xff\xd8" + b"\xff\xe1\x00\x02" * 100_000 + jpeg(9, 9)[2:],
    "tiny tables": lambda: b"\xff\xd8" + b"\xff\xdb\x00\x02" * (MAX_JPEG_SEGMENTS + 1) + jpeg(9, 9)[2:],
    "comments": lambda: b"\xff\xd8" + (b"\xff\xfe\xff\xff" + bytes(65_533)) * 40 + jpeg(9, 9)[2:],
    "two frames": lambda: (whole := jpeg(9, 9))[:-2] + whole[2:],
    "no end": lambda: jpeg(9, 9)[:-2] + b"\xff" * 1_000_000,
    "restarts without end": lambda: jpeg(9, 9)[:-2] + b"\xff\xd0" * 1_000_000,
    "a scan before its frame": lambda: b"\xff\xd8\xff\xda\x00\x02\x00\xff\xd9",
    "arithmetic coding": lambda: jpeg(9, 9).replace(b"\xff\xc0", b"\xff\xc9"),
    "a segment of no length": lambda: b"\xff\xd8\xff\xe1\x00\x00",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_cost_is_refused(name: str) -> None:
    payload = HOSTILE[name]()
    check = check_png if payload.startswith(pictures.PNG_START) else check_jpeg

    with pytest.raises(ImageStructureError):
        check(payload, MAX_PIXELS)


@pytest.mark.parametrize("size", [(1, 1), (7, 640), (1920, 1080)])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": b"Exif\0\0" + bytes(50_000)}])
def test_honest_images_pass(size: tuple[int, int], options: dict[str, Any]) -> None:
    file = io.BytesIO()
    Image.effect_noise(size, 40).save(file, "PNG")

    assert (
        check_png(file.getvalue(), MAX_PIXELS).width,
        check_jpeg(jpeg(size[0], size[1], **options), MAX_PIXELS).width,
    ) == (
        size[0],
        size[0],
    )
    assert check_png(embed_metadata(file.getvalue(), "{}"), MAX_PIXELS).height == size[1]


def test_what_stands_behind_the_rows_is_neither_inflated_nor_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    fed = 0
    inflate = zlib.decompressobj

    class Counting:
        def __init__(self) -> None:
            self._real = inflate()

        def __getattr__(self, name: str) -> object:
            return getattr(self._real, name)

        def decompress(self, piece: bytes, limit: int) -> bytes:
            nonlocal fed
            fed += len(piece)
            return self._real.decompress(piece, limit)

    monkeypatch.setattr(png, "zlib", SimpleNamespace(decompressobj=Counting, error=zlib.error, crc32=zlib.crc32))
    stream = zlib.compress(bytes((1 + 3 * 2000) * 2000), 9)
    payload = png_of(2000, 2000, chunk(b"IDAT", stream + random.Random(1).randbytes(4_000_000)))

    assert check_png(payload, MAX_PIXELS).width == 2000
    assert fed < 60 * png.FEED_BYTES


def test_whatever_comes_is_accepted_or_refused() -> None:
    """A fuzz of the walkers: flips, cuts and doublings of good images end in a verdict, never in another error."""
    chance = random.Random(11)
    good = [pictures.png(1, "{}"), pictures.interlaced_png(9, 9, 8, 2), jpeg(30, 20), jpeg(30, 20, progressive=True)]
    for _ in range(INPUTS):
        payload = bytearray(chance.choice(good))
        for _ in range(chance.randrange(1, 5)):
            place = chance.randrange(2, max(3, len(payload)))
            match chance.randrange(4):
                case 0:
                    payload[place : place + 1] = chance.randbytes(1)
                case 1:
                    del payload[place:]
                    payload += b"\0" * chance.randrange(2)
                case 2:
                    payload[place:place] = payload[place : place + chance.randrange(60)]
                case _:
                    payload[place : place + 2] = b"\xff" + bytes([chance.randrange(0xC0, 0x100)])
        check = check_png if payload[:2] == b"\x89P" else check_jpeg
        try:
            check(bytes(payload), MAX_PIXELS)
        except ImageStructureError:
            continue
