"""The writing half of the contract."""

import hashlib
import io
import json
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from camera.pipeline.tracking.detector import Detection
from camera.pipeline.visits.encoder import CaptureEncoder
from camera.sources.frame import Frame, Image
from camera.sources.synthetic.scene import Scene
from common.contract.capture import Box, Capture, NotACaptureError, ShotKind
from common.contract.visit import Visit

NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, UTC)


@pytest.fixture(scope="module")
def face_frame() -> Image:
    """A frame of the synthetic scene with one whole face in it."""
    return Scene(640, 480, seed=1, visits=1).draw(3.0)


def captured(image_format: str, frame: Image, score: float, track: str = "20261122T120000.000Z-1") -> Capture:
    """Make a capture as the analyzer does."""
    encoder = CaptureEncoder(camera="porch", whole_frame=False, margin=0.3, image_format=image_format)
    detection = Detection(Box(200, 100, 80, 100), score)
    return encoder.encode(encoder.crop(Frame(frame, NOON, 0.0, 7), detection, 0.61234, track), ShotKind.FIRST)


def test_the_id_is_the_time_and_the_first_digits_of_the_bytes(face_frame: Image) -> None:
    capture = captured("png", face_frame, 0.93456)

    assert capture.id == f"20261122T120000.123Z-{hashlib.sha256(capture.image).hexdigest()[:8]}"


def test_the_properties_are_those_of_the_contract(face_frame: Image) -> None:
    capture = captured("png", face_frame, 0.93456)

    assert capture.properties() == [
        ("schema", "1"),
        ("id", capture.id),
        ("camera", "porch"),
        ("captured_at", "2026-11-22T12:00:00.123Z"),
        ("box", "200,100,80,100"),
        ("score", "0.935"),
        ("quality", "0.612"),
        ("track", "20261122T120000.000Z-1"),
        ("shot", "first"),
    ]


def test_a_face_without_a_track_names_no_visit(face_frame: Image) -> None:
    capture = captured("png", face_frame, 0.9, track="")

    assert [name for name, _ in capture.properties()] == ["schema", "id", "camera", "captured_at", "box", "score"]
    assert Capture.parse(capture.image).metadata.track is None


def test_a_visit_names_its_best_and_its_last_capture() -> None:
    visit = Visit("20261122T120000.123Z-1", "porch", NOON, NOON, ("a", "b", "c"), "b")

    assert json.loads(visit.to_json()) == {
        "schema": 1,
        "track": "20261122T120000.123Z-1",
        "camera": "porch",
        "began_at": "2026-11-22T12:00:00.123Z",
        "ended_at": "2026-11-22T12:00:00.123Z",
        "captures": ["a", "b", "c"],
        "best": "b",
        "last": "c",
    }


def test_a_png_carries_its_metadata_where_pillow_finds_it(face_frame: Image) -> None:
    capture = captured("png", face_frame, 0.93456)

    image = Pillow.open(io.BytesIO(capture.image))
    image.load()
    described = json.loads(image.text["usbcam"])  # type: ignore[attr-defined]

    assert described == {key: value if key != "schema" else 1 for key, value in capture.properties() if key != "id"}
    assert capture.content_type == "image/png"


def test_a_jpeg_carries_its_metadata_in_a_comment(face_frame: Image) -> None:
    capture = captured("jpeg", face_frame, 0.93456)

    image = Pillow.open(io.BytesIO(capture.image))
    image.load()

    assert json.loads(image.info["comment"].removeprefix(b"usbcam "))["box"] == "200,100,80,100"
    assert capture.content_type == "image/jpeg"


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_a_capture_is_read_back_from_its_own_bytes(face_frame: Image, image_format: str) -> None:
    capture = captured(image_format, face_frame, 0.935)

    again = Capture.parse(capture.image)

    assert again == capture
    assert again.id == capture.id


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_cut_or_foreign_bytes_are_no_capture(face_frame: Image, image_format: str) -> None:
    whole = captured(image_format, face_frame, 0.935).image
    foreign = cv2.imencode({"png": ".png", "jpeg": ".jpg"}[image_format], face_frame)[1].tobytes()

    for length in (0, 1, 2, 7, 8, 20, 40, 60, 80):
        with pytest.raises(NotACaptureError):
            Capture.parse(whole[:length])
    with pytest.raises(NotACaptureError):
        Capture.parse(foreign)


def test_the_metadata_changes_no_pixel(face_frame: Image) -> None:
    capture = captured("png", face_frame, 0.935)

    with_margin = face_frame[70:241, 176:304]  # 3:4, the rest of it below

    decoded = cv2.imdecode(np.frombuffer(capture.image, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert np.array_equal(decoded, with_margin)


@pytest.mark.parametrize("unlisted", [-1, 1.5, True, "7", None, 10**9, float("inf"), [], int("9" * 4000)])
def test_a_visit_that_has_no_number_of_captures_more_is_no_visit(unlisted: object) -> None:
    content = json.loads(Visit("1", "porch", NOON, NOON, ("a",), "a", 7).to_json())
    assert Visit.parse(json.dumps(content).encode()).count == 8

    with pytest.raises(ValueError, match="not a visit"):
        Visit.parse(json.dumps(content | {"unlisted": unlisted}).encode())
