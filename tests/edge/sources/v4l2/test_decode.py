"""JPEGs that are damaged, incomplete, or without their Huffman tables."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.sources.frame import Image
from camera.sources.v4l2.decode import PIXEL_FORMATS, FrameDecoder
from camera.sources.v4l2.device import CaptureFormat, fourcc_name, fourcc_number
from camera.sources.v4l2.jpeg import STANDARD_TABLES, add_huffman_tables, complete, decode
from camera.sources.v4l2.raw import RAW
from camera.sources.video.container import VideoContainer
from tests.edge.sources.v4l2.fake_v4l2 import as_sent
from tests.edge.sources.video.odd_media import make_video


@pytest.mark.parametrize(
    "spoil",
    [
        lambda jpeg: jpeg[:-2],
        lambda jpeg: jpeg[:-1],
        lambda jpeg: jpeg[:-2] + bytes(40),
        lambda jpeg: jpeg + bytes(3),
        lambda jpeg: jpeg + b"\1\2\3\4",
        lambda jpeg: jpeg + b"\xff" * 500,
        lambda jpeg: jpeg + b"\xff\xd9",
        lambda jpeg: jpeg + b"behind\xff\xd9\0\0",
        lambda jpeg: b"\0\0" + jpeg,
        lambda jpeg: jpeg[:2] + b"\xff\xff" + jpeg[2:],
        lambda jpeg: jpeg[:2] + b"\xff\xe1\x00\x0athumb\xff\xd8\xff\xd9"[:12] + jpeg[2:-2],
    ],
)
def test_what_decodes_whole_is_an_image_whatever_its_form(face_frame: Image, spoil: Callable[[bytes], bytes]) -> None:
    jpeg = cv2.imencode(".jpg", face_frame)[1].tobytes()

    image, whole = decode(spoil(jpeg)), decode(jpeg)

    assert image is not None
    assert whole is not None
    assert np.array_equal(image, whole)
    assert complete(spoil(jpeg)).startswith(b"\xff\xd8\xff")
    assert complete(spoil(jpeg)).endswith(b"\xff\xd9")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda jpeg: jpeg[: len(jpeg) // 2],
        lambda jpeg: jpeg[: len(jpeg) // 2] + b"\xff\xd9",
        lambda jpeg: jpeg[: len(jpeg) // 2] + bytes(len(jpeg) // 2 - 2) + b"\xff\xd9",
        lambda jpeg: jpeg[:20000] + jpeg[30000:],
        lambda jpeg: jpeg[1:],
        lambda jpeg: jpeg[:2] + b"\xff\xe0" + jpeg[2:],
        lambda _: b"",
    ],
)
def test_an_image_of_which_something_is_missing_is_refused(face_frame: Image, spoil: Callable[[bytes], bytes]) -> None:
    assert decode(spoil(cv2.imencode(".jpg", face_frame)[1].tobytes())) is None


@pytest.mark.parametrize("fourcc", [*RAW, "MJPG", "JPEG"])
@pytest.mark.parametrize("padding", [0, 64])
def test_each_format_shows_the_same_scene(face_frame: Image, fourcc: str, padding: int) -> None:
    content, stride = as_sent(face_frame, fourcc, padding)
    decoder = FrameDecoder(CaptureFormat(fourcc, 640, 480, 30, stride))

    image = decoder.decode(content)

    assert image is not None
    gray = fourcc in {"GREY", "Y16 "}
    wanted = cv2.cvtColor(cv2.cvtColor(face_frame, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR) if gray else face_frame
    assert np.abs(image.astype(float) - wanted).mean() < 8
    assert decoder.decode(content[: len(content) * 2 // 3]) is None


def test_h264_is_decoded_from_its_first_whole_image_on(tmp_path: Path) -> None:
    film = VideoContainer(
        str(make_video(tmp_path / "film.h264", "-c:v", "libx264", "-tune", "zerolatency", "-g", "10"))
    )
    packets = film.packets()
    decoder = FrameDecoder(CaptureFormat("H264", 320, 240, 30))

    images = [decoder.decode(packet) for packet in packets]
    film.close()

    assert decoder.needs_every_frame
    assert sum(image is not None for image in images) > 40
    assert all(image.shape == (240, 320, 3) for image in images if image is not None)


@pytest.mark.parametrize(
    "number", [fourcc_number(name) for name in PIXEL_FORMATS] + [0xA0363159, 0, 1, 0xFFFFFFFF, 0x32317830, 0x45422D59]
)
def test_the_name_of_any_format_leads_back_to_it(number: int) -> None:
    assert fourcc_number(fourcc_name(number)) == number


def test_a_big_endian_format_is_named_as_the_kernel_does() -> None:
    assert fourcc_name(0xA0363159) == "Y16 -BE"


def test_an_image_without_huffmans_tables_is_decoded_and_completed(face_frame: Image) -> None:
    whole = cv2.imencode(".jpg", face_frame)[1].tobytes()
    short = without_tables(whole)
    assert len(whole) - len(short) == len(STANDARD_TABLES) > 400

    completed = add_huffman_tables(short)

    assert completed != short
    assert completed.count(b"\xff\xc4") == whole.count(b"\xff\xc4")
    image, reference = decode(short), decode(whole)
    assert image is not None
    assert reference is not None
    assert np.array_equal(image, reference)
    assert add_huffman_tables(whole) == whole


def without_tables(jpeg: bytes) -> bytes:
    """What many webcams send."""
    while (at := jpeg.find(b"\xff\xc4")) >= 0:
        jpeg = jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]
    return jpeg


def test_nothing_that_can_be_read_as_an_image_breaks_it() -> None:
    for rubbish in (b"", b"\xff\xd8", b"\xff\xd8\xff\xc4", b"\xff" * 300, b"\xff\xd8\xff\xe0\0\0" * 99):
        assert add_huffman_tables(rubbish) == rubbish
        assert decode(rubbish) is None
