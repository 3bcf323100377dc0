"""The crop that people see: 3:4, level eyes, the whole face, and gently brightened."""

import cv2
import numpy as np
import pytest

from camera.pipeline.face.landmarks import FaceLandmarker
from camera.pipeline.face.portrait import brighten, portrait
from camera.pipeline.face.quality import assess
from camera.pipeline.tracking.detector import FaceDetector
from camera.sources.frame import Image
from camera.sources.synthetic.scene import Scene
from common.contract.capture import Box

MARGIN = 0.3


@pytest.mark.parametrize("margin", [0, 0.3, 1.0])
@pytest.mark.parametrize("tilt", [0, 20, -20])
def test_a_crop_is_3_to_4_and_shows_more_below_than_above(margin: float, tilt: float) -> None:
    frame = np.zeros((2000, 2000, 3), np.uint8)
    frame[900:1000, 960:1040] = 255

    crop = portrait(frame, Box(960, 900, 80, 100), tilt, margin)

    assert crop.shape[1] / crop.shape[0] == pytest.approx(0.75, abs=0.01)
    rows, columns = np.nonzero(crop[:, :, 0] > 128)
    assert rows.mean() <= crop.shape[0] / 2
    assert columns.mean() == pytest.approx(crop.shape[1] / 2, abs=2)


@pytest.mark.parametrize("margin", [0, 0.3, 1.0])
def test_the_margin_is_a_share_of_the_face_on_each_side(margin: float) -> None:
    frame = np.zeros((2000, 2000, 3), np.uint8)
    frame[900:1000, 960:1035] = 255  # 3:4, as the crop

    crop = portrait(frame, Box(960, 900, 75, 100), 0, margin)

    rows, columns = np.nonzero(crop[:, :, 0] > 128)
    above, left = 100 * margin, 75 * margin
    assert (rows.min(), crop.shape[0] - 1 - rows.max()) == (above, above)
    assert (columns.min(), crop.shape[1] - 1 - columns.max()) == pytest.approx((left, left), abs=1)


@pytest.mark.parametrize("tilt", [-40, -12, 0, 12, 40])
@pytest.mark.parametrize("corner", [(0, 0), (240, 0), (0, 180), (240, 180), (120, 90)])
def test_a_face_that_is_whole_in_the_frame_is_whole_in_its_crop(corner: tuple[int, int], tilt: float) -> None:
    frame = np.zeros((280, 320, 3), np.uint8)
    box = Box(*corner, 80, 100)
    frame[box.y : box.y + box.height, box.x : box.x + box.width] = 255

    crop = portrait(frame, box, tilt, MARGIN)

    assert np.count_nonzero(crop[:, :, 0] > 128) >= 0.97 * box.width * box.height
    assert crop.shape[1] / crop.shape[0] == pytest.approx(0.75, abs=0.01)


def test_a_crop_of_a_face_as_large_as_the_frame_is_the_frame() -> None:
    assert portrait(np.zeros((100, 200, 3), np.uint8), Box(50, 0, 120, 100), 0, MARGIN).shape[0] == 100


@pytest.mark.parametrize("tilt", [-25, -10, 10, 25])
def test_the_eyes_of_a_tilted_head_are_level_in_its_crop(tilt: float) -> None:
    turn = cv2.getRotationMatrix2D((640, 400), tilt, 1)
    frame = cv2.warpAffine(Scene(1280, 720, seed=3, visits=1).draw(3.0), turn, (1280, 720))
    (face,) = FaceDetector(56, 0.6).detect(frame)

    found = FaceLandmarker().find(frame, face)
    crop = portrait(frame, face.box, found.roll, 0.6)
    (level,) = FaceDetector(56, 0.6).detect(crop)

    assert found.roll == pytest.approx(-tilt, abs=12)  # of a drawn face
    assert abs(FaceLandmarker().find(crop, level).roll) < max(5, abs(tilt) / 2)


def test_a_face_upside_down_is_worse_than_one_that_is_upright(face_frame: Image) -> None:
    (upright,) = FaceDetector(56, 0.6).detect(face_frame)
    points = tuple((-x, -y) for x, y in upright.landmarks)

    turned = assess(face_frame, type(upright)(upright.box, upright.score, points))

    assert turned.score < assess(face_frame, upright).score / 1.5


def test_a_dark_face_is_brightened_gently_and_a_light_one_left_alone(face_frame: Image) -> None:
    dark = cv2.convertScaleAbs(face_frame, alpha=0.2)

    brightened, gain = brighten(dark, dark.mean() / 255)

    assert 1.3 < gain < 3
    assert brightened.mean() / dark.mean() == pytest.approx(gain, rel=0.2)
    assert brighten(face_frame, 0.5)[0] is face_frame
