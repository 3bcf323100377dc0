"""A shot's quality: worse for what a person would call worse, the same at any size and in any light."""

import cv2
import numpy as np
import pytest

from camera.pipeline.face.quality import Quality, assess
from camera.pipeline.tracking.detector import Detection, FaceDetector
from camera.sources.frame import Image
from camera.sources.synthetic.scene import Scene


def detected(image: Image) -> Detection:
    (face,) = FaceDetector(40, 0.6).detect(image)
    return face


def judge(image: Image) -> Quality:
    return assess(image, detected(image))


@pytest.fixture(scope="module")
def sharp() -> Image:
    return Scene(1280, 720, seed=3, visits=1).draw(3.0)


@pytest.mark.parametrize("sigma", [2, 4, 6])
def test_a_blurred_shot_is_worse_the_more_it_is_blurred(sharp: Image, sigma: int) -> None:
    better = cv2.GaussianBlur(sharp, (0, 0), sigma - 1)
    blurred = cv2.GaussianBlur(sharp, (0, 0), sigma)

    assert judge(blurred).score < judge(better).score < judge(sharp).score


def test_noise_does_not_pass_for_sharpness(sharp: Image) -> None:
    blurred = cv2.GaussianBlur(sharp, (0, 0), 4)
    noise = np.random.default_rng(1).normal(0, 12, sharp.shape)
    noisy = np.clip(blurred + noise, 0, 255).astype(np.uint8)

    assert judge(noisy).sharpness < judge(sharp).sharpness


def test_the_dark_makes_a_shot_worse_but_not_less_sharp(sharp: Image) -> None:
    dark = cv2.convertScaleAbs(sharp, alpha=0.2)

    found, before = judge(dark), judge(sharp)

    assert found.exposure < 0.6 <= before.exposure
    assert found.sharpness > before.sharpness * 0.6
    assert found.worst_factor == "dark"


def test_a_face_that_is_cut_by_the_frame_is_the_worst(sharp: Image) -> None:
    (face,) = FaceDetector(40, 0.6).detect(sharp)
    cut = np.ascontiguousarray(sharp[:, face.box.x + face.box.width // 4 :])

    found = judge(cut)

    assert found.completeness == 0
    assert found.worst_factor == "cut"
    assert found.score < judge(sharp).score / 2


def test_a_far_face_is_worse_than_a_near_one(sharp: Image) -> None:
    assert judge(cv2.resize(sharp, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)).size < judge(sharp).size


def test_a_turned_head_is_worse_than_one_that_looks_here() -> None:
    landmarks = ((10.0, 0.0), (30.0, 0.0), (29.0, 10.0), (12.0, 20.0), (28.0, 20.0))
    (face,) = FaceDetector(40, 0.6).detect(Scene(640, 480, seed=1, visits=1).draw(3.0))
    turned = type(face)(face.box, face.score, landmarks)

    assert assess(Scene(640, 480, seed=1, visits=1).draw(3.0), turned).pose < 0.2
