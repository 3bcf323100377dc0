"""Images made to cost CPU or memory are refused before a decoder sees them; honest ones of every size pass."""

import functools
import io
import random
import zlib
from types import SimpleNamespace
from typing import Any

import pytest
from isal import isal_zlib
from PIL import Image

from common.contract.embedded import embed_metadata
from storage.structure import png
from storage.structure.jpeg import check_jpeg
from storage.structure.limits import ImageStructureError
from storage.structure.png import check_png
from tests.support.images import pictures
from tests.support.images.hostile_images import HOSTILE, chunk, jpeg, png_of, stream_of_tables

MAX_PIXELS = 50_000_000
INPUTS = 3_000


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_cost_is_refused(name: str) -> None:
    payload = HOSTILE[name]()
    check = check_png if payload.startswith(pictures.PNG_START) else check_jpeg

    with pytest.raises(ImageStructureError):
        check(payload, MAX_PIXELS)


@pytest.mark.parametrize(("rows", "text"), [(8_000_000, 0), (0, 2_000_000)])
def test_tables_that_hold_nothing_cost_no_more_than_what_they_could_hold(rows: int, text: int) -> None:
    payload = png_of(
        9, 9, chunk(b"IDAT", stream_of_tables(rows)), before=chunk(b"zTXt", b"a\0\0" + stream_of_tables(text))
    )

    with pytest.raises(ImageStructureError, match="takes more CPU than"):
        check_png(payload, MAX_PIXELS)


def test_a_few_bytes_between_segments_pass() -> None:
    plain = jpeg(30, 20)
    padded = plain[:2] + b"\xff" * 5000 + plain[2:20] + bytes(5000) + plain[20:]

    assert check_jpeg(padded, MAX_PIXELS).width == 30


@functools.cache
def noise(size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.effect_noise(size, 40).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (7, 640), (1920, 1080)])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": b"Exif\0\0" + bytes(50_000)}])
def test_honest_images_pass(size: tuple[int, int], options: dict[str, Any]) -> None:
    picture = noise(size)

    assert check_png(picture, MAX_PIXELS).width == check_jpeg(jpeg(*size, **options), MAX_PIXELS).width == size[0]
    assert check_png(embed_metadata(picture, "{}"), MAX_PIXELS).height == size[1]


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


def test_the_fast_inflate_judges_damaged_rows_as_zlib_does(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(5)

    def verdict(payload: bytes, library: object) -> str:
        monkeypatch.setattr(png, "zlib", library)
        try:
            check_png(payload, MAX_PIXELS)
        except ImageStructureError as error:
            return str(error)
        return "sound"

    verdicts = set()
    for _ in range(INPUTS):
        rows = b"".join(b"\0" + chance.choice((chance.randbytes(30), bytes(30))) for _ in range(9))
        encoder = zlib.compressobj(chance.choice((0, 1, 9)), wbits=chance.choice((9, 15)), strategy=chance.randrange(5))
        stream = bytearray(encoder.compress(rows) + encoder.flush())
        if chance.randrange(4):
            stream[chance.choice((0, 1, 2, -1, chance.randrange(len(stream))))] ^= 1 << chance.randrange(8)
        if not chance.randrange(4):
            del stream[chance.randrange(len(stream)) :]
        payload = png_of(10, 9, chunk(b"IDAT", bytes(stream) + chance.randbytes(chance.randrange(3))))
        ours, theirs = verdict(payload, isal_zlib), verdict(payload, zlib)
        assert (ours == "sound") == (theirs == "sound")
        verdicts.add(ours)
    assert len(verdicts) > 2


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
