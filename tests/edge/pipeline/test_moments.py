"""The best moment of a visit: eyes that look here, and nothing before the mouth."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from camera.pipeline.face.eyes import EyeReader
from camera.pipeline.face.moments import LIKE, VisitMoments
from camera.pipeline.face.mouth import likeness, mouth_of
from camera.pipeline.face.quality import Quality
from camera.pipeline.tracking.detector import Detection, FaceDetector
from camera.sources.frame import Image
from camera.sources.synthetic.scene import Scene
from common.contract.capture import Box

GOOD = Quality(size=1.0, sharpness=0.5, exposure=1.0, completeness=1.0, pose=1.0, turn=5.0)


@pytest.fixture(scope="module")
def image() -> Image:
    return Scene(640, 480, seed=1, visits=1).draw(3.0)


@pytest.fixture(scope="module")
def face(image: Image) -> Detection:
    (face,) = FaceDetector(40, 0.6).detect(image)
    return face


def looking(image: Image, face: Detection, aside: float) -> Image:
    """The same face, its irises painted so far to the picture's right, in distances of the eyes."""
    shown = image.copy()
    apart = face.landmarks[1][0] - face.landmarks[0][0]
    for x, y in face.landmarks[:2]:
        inside = (round(x), round(y))
        cv2.ellipse(shown, inside, (round(0.17 * apart), round(0.075 * apart)), 0, 0, 360, (226, 226, 222), -1)
        cv2.circle(shown, (round(x + aside * apart), round(y)), round(0.08 * apart), (40, 45, 50), -1)
    return shown


def with_a_hand(image: Image, face: Detection) -> Image:
    """Three fingers from below over chin and mouth."""
    shown, skin = image.copy(), image[round(face.landmarks[2][1]), round(face.landmarks[2][0])]
    (x, y), width = face.landmarks[2], face.box.width
    for finger in (-1, 0, 1):
        at = (round(x + finger * 0.16 * width), round(y + 0.45 * width))
        cv2.ellipse(shown, at, (round(0.09 * width), round(0.32 * width)), 0, 0, 360, (0.6 * skin).tolist(), -1)
        cv2.ellipse(shown, at, (round(0.06 * width), round(0.3 * width)), 0, 0, 360, (1.05 * skin).tolist(), -1)
    return shown


def with_an_open_mouth(image: Image, face: Detection) -> Image:
    shown, (right, left) = image.copy(), face.landmarks[3:]
    at, width = (round((right[0] + left[0]) / 2), round((right[1] + left[1]) / 2)), left[0] - right[0]
    cv2.ellipse(shown, at, (round(0.35 * width), round(0.2 * width)), 0, 0, 360, (40, 35, 70), -1)
    return shown


def test_a_look_aside_is_told_from_one_ahead_by_its_side(image: Image, face: Detection) -> None:
    gazes = [EyeReader().read(looking(image, face, aside), face).gaze for aside in (-0.08, 0.0, 0.08)]

    left, ahead, right = (gaze for gaze in gazes if gaze is not None)
    assert left < ahead - 0.04 < ahead + 0.04 < right


def test_where_the_eyes_of_a_small_face_look_is_not_known(image: Image) -> None:
    small = cv2.resize(image, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    (face,) = FaceDetector(20, 0.6).detect(small)

    assert EyeReader().read(small, face).gaze is None


@pytest.mark.parametrize("usual", [0.0, 0.1])
def test_a_look_aside_is_worth_less_than_where_these_eyes_usually_look(usual: float) -> None:
    moments = VisitMoments()
    for _ in range(10):
        moments.add(GOOD)
        moments.add_look(_gaze(usual))

    assert moments.merit(_gaze(usual)) == moments.merit(_gaze(usual + 0.02)) == moments.merit(GOOD)
    assert moments.merit(_gaze(usual + 0.12)) < moments.merit(_gaze(usual - 0.07)) < moments.merit(GOOD)


def _gaze(gaze: float) -> Quality:
    return Quality(size=1.0, sharpness=0.5, exposure=1.0, completeness=1.0, pose=1.0, turn=5.0, gaze=gaze)


@pytest.mark.parametrize(
    "changed",
    [
        lambda image: cv2.convertScaleAbs(image, alpha=0.4, beta=20),
        lambda image: cv2.GaussianBlur(image, (0, 0), 2),
        lambda image: cv2.warpAffine(image, cv2.getRotationMatrix2D((320, 240), 15, 1), (640, 480)),
        lambda image: cv2.resize(image, None, fx=2, fy=2),
    ],
    ids=["darker", "blurred", "tilted", "nearer"],
)
def test_a_mouth_is_the_same_in_other_light_and_wherever_it_is(
    image: Image, face: Detection, changed: Callable[[Image], Image]
) -> None:
    (found,) = FaceDetector(40, 0.6).detect(changed(image))

    before, after = mouth_of(image, face), mouth_of(changed(image), found)

    assert before is not None
    assert after is not None
    assert likeness(before, after) > LIKE


def test_a_hand_before_the_mouth_is_worth_less_and_an_open_mouth_is_not(image: Image, face: Detection) -> None:
    moments = VisitMoments()
    plain = _mouth(image, face)
    covered, spoken = (_mouth(shown, face) for shown in (with_a_hand(image, face), with_an_open_mouth(image, face)))
    for _ in range(9):
        moments.add(plain)

    assert moments.merit(plain) == moments.merit(GOOD)
    assert moments.merit(spoken) > 0.9 * moments.merit(GOOD)
    assert moments.merit(covered) < 0.5 * moments.merit(GOOD)


def _mouth(image: Image, face: Detection) -> Quality:
    mouth = mouth_of(image, face)
    return Quality(size=1.0, sharpness=0.5, exposure=1.0, completeness=1.0, pose=1.0, turn=5.0, mouth=mouth)


def test_the_usual_mouth_is_that_of_the_whole_visit_not_of_its_last_seconds(image: Image, face: Detection) -> None:
    moments, plain, covered = VisitMoments(), _mouth(image, face), _mouth(with_a_hand(image, face), face)
    for number in range(400):
        moments.add(plain if number < 250 else covered)

    assert moments.merit(covered) < 0.5 * moments.merit(plain)


def test_a_face_without_points_has_no_mouth() -> None:
    assert mouth_of(np.zeros((9, 9, 3), np.uint8), Detection(Box(0, 0, 4, 4), 0.9)) is None
