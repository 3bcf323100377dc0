"""JPEGs that are damaged, incomplete, or without their Huffman tables."""

import cv2
import numpy as np

from camera.sources.frame import Image
from camera.sources.v4l2.decode import STANDARD_TABLES, add_huffman_tables, decode, is_complete_jpeg


def test_an_image_needs_its_beginning_and_its_end(face_frame: Image) -> None:
    jpeg = cv2.imencode(".jpg", face_frame)[1].tobytes()

    assert is_complete_jpeg(jpeg)
    assert is_complete_jpeg(jpeg + b"\0\0\0")
    assert not is_complete_jpeg(jpeg[:-1])
    assert not is_complete_jpeg(jpeg[1:])
    assert not is_complete_jpeg(b"")


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
