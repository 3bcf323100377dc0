"""Metadata inside images: found where it is, and nowhere else."""

import io
import struct
import sys
from types import FrameType
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from common.contract.embedded import MAX_SEGMENTS, embed_metadata, extract_metadata
from tests.support.images import pictures

TEXT = '{"schema":1,"camera":"Tür"}'


@pytest.mark.parametrize("image", [pictures.png(1), pictures.jpeg(1)], ids=["png", "jpeg"])
def test_text_is_found_again_and_changes_no_pixel(image: bytes) -> None:
    described = embed_metadata(image, TEXT)

    assert extract_metadata(image) is None
    assert extract_metadata(described) == TEXT
    assert Image.open(io.BytesIO(described)).tobytes() == Image.open(io.BytesIO(image)).tobytes()


def test_a_language_and_a_translated_keyword_are_skipped() -> None:
    file, text = io.BytesIO(), PngInfo()
    text.add_itxt("usbcam", TEXT, lang="de", tkey="Beschreibung")
    Image.new("L", (1, 1)).save(file, "PNG", pnginfo=text)

    assert extract_metadata(file.getvalue()) == TEXT


def test_compressed_text_is_not_ours() -> None:
    file, text = io.BytesIO(), PngInfo()
    text.add_itxt("usbcam", TEXT, zip=True)
    Image.new("L", (1, 1)).save(file, "PNG", pnginfo=text)

    assert extract_metadata(file.getvalue()) is None


def test_other_comments_and_padding_before_a_marker_are_skipped() -> None:
    described = embed_metadata(pictures.jpeg(1), TEXT)
    other = b"\xff\xfe" + struct.pack(">H", 8) + b"usbcat" + b"\xff\xff\xff\xd0"

    assert extract_metadata(described[:2] + other + described[2:]) == TEXT


@pytest.mark.parametrize("padding", [b"\xff", b"\xff\xd0", b"\xff\x01", b"\xff\xd8"])
def test_megabytes_of_padding_are_skipped_at_once(padding: bytes) -> None:
    described = embed_metadata(pictures.jpeg(1), TEXT)
    lines = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        found = extract_metadata(described[:2] + padding * 1_000_000 + described[2:])
    finally:
        sys.settrace(before)

    assert found == TEXT
    assert lines < 1000


def test_segments_without_end_are_not_walked() -> None:
    described = embed_metadata(pictures.jpeg(1), TEXT)

    assert extract_metadata(described[:2] + b"\xff\xe1\x00\x02" * (MAX_SEGMENTS + 1) + described[2:]) is None


@pytest.mark.parametrize("image", [pictures.png(1), pictures.jpeg(1)], ids=["png", "jpeg"])
def test_an_image_that_is_cut_short_ends_the_search(image: bytes) -> None:
    for length in range(3, len(image) // 2):
        try:
            assert extract_metadata(image[:length]) is None
        except struct.error:
            continue


def test_anything_else_has_no_metadata() -> None:
    assert extract_metadata(b"") is None
    assert extract_metadata(b"GIF89a usbcam {}") is None
