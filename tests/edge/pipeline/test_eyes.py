"""Eyes: whether they are open is measured, also at the first moment of a visit."""

import re
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from camera.config.settings import Settings
from camera.pipeline.analyzer import FrameAnalyzer
from camera.pipeline.face import eyes, landmarks
from camera.pipeline.face.eyes import EyeReader
from camera.pipeline.tracking.detector import FaceDetector
from camera.sources.frame import Frame, Image
from camera.sources.synthetic.scene import Scene
from common.contract.capture import Capture
from tests.support.paths import ROOT

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RATE = 10


@pytest.fixture(scope="module")
def awake() -> Image:
    return Scene(640, 480, seed=1, visits=1).draw(3.0)


@pytest.fixture(scope="module")
def asleep(awake: Image) -> Image:
    return with_shut_eyes(awake)


def with_shut_eyes(image: Image) -> Image:
    """Lids over the eyes, and lashes below."""
    (face,) = FaceDetector(40, 0.6).detect(image)
    right, left, nose = (np.array(point) for point in face.landmarks[:3])
    apart, lids, lashes = left[0] - right[0], np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
    for x, y in (right.round().astype(int), left.round().astype(int)):
        width = round(0.32 * apart)
        cv2.ellipse(lids, (int(x), int(y)), (width, round(0.6 * width)), 0, 0, 360, 1.0, -1)
        at, size = (int(x), int(y + 0.1 * apart)), (round(0.22 * apart), round(0.04 * apart))
        cv2.ellipse(lashes, at, size, 0, 0, 180, 0.8, 1)
    shut, skin = image.astype(float), 0.9 * image[round(nose[1]), round(nose[0])]
    for mask, colour, blur in ((lids, skin, 2.0), (lashes, (40, 40, 60), 0.7)):
        share = cv2.GaussianBlur(mask, (0, 0), blur)[..., np.newaxis]
        shut = shut * (1 - share) + share * np.array(colour)
    return shut.astype(np.uint8)


@pytest.mark.parametrize("light", [1.0, 0.3])
@pytest.mark.parametrize("tilt", [0.0, 20.0])
def test_open_eyes_are_told_from_shut_ones(awake: Image, asleep: Image, light: float, tilt: float) -> None:
    def opening(image: Image) -> float:
        turned = cv2.warpAffine(image, cv2.getRotationMatrix2D((320, 240), tilt, 1), (640, 480))
        shown = cv2.convertScaleAbs(turned, alpha=light)
        (face,) = FaceDetector(40, 0.6).detect(shown)
        return EyeReader().read(shown, face).opening

    assert opening(asleep) < 0.6 * opening(awake)
    assert opening(awake) > 0.25


def test_the_image_keeps_the_models_that_are_loaded() -> None:
    kept = re.findall(r"! -name (\S+)", (ROOT / "edge" / "Dockerfile").read_text(encoding="utf-8"))

    assert sorted(kept) == sorted([eyes.MODEL, landmarks.MODEL])


@pytest.mark.parametrize(("shut", "opened"), [(4, 20), (15, 10), (8, 3)])
def test_who_comes_with_shut_eyes_is_kept_with_open_ones(awake: Image, asleep: Image, shut: int, opened: int) -> None:
    analyzer = FrameAnalyzer(Settings(motion="off"))
    captures: list[Capture] = []
    for number in range(shut + opened):
        image = (asleep if number < shut else awake).copy()
        seconds = number / RATE
        captures += analyzer.process(Frame(image, NOON + timedelta(seconds=seconds), seconds, number)).captures
    captures += analyzer.flush().captures

    assert captures
    assert all(capture.frame >= shut and not capture.metadata.poor for capture in captures)


def test_who_never_opens_the_eyes_is_kept_once_and_marked(asleep: Image) -> None:
    analyzer = FrameAnalyzer(Settings(motion="off"))
    for number in range(30):
        seconds = number / RATE
        assert not analyzer.process(Frame(asleep.copy(), NOON + timedelta(seconds=seconds), seconds, number)).captures

    (capture,) = analyzer.flush().captures

    assert capture.metadata.poor == "eyes shut"
