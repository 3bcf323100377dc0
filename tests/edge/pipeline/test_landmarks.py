"""Landmarks: what two looks at a face agree on."""

import cv2
import numpy as np
import pytest

from camera.pipeline.detector import Detection
from camera.pipeline.face.landmarks import FaceLandmarker
from camera.sources.frame import Image
from camera.sources.synthetic.scene import Scene
from common.contract.capture import Box
from tests.edge.pipeline.test_quality import detected


def mirrored(image: Image, face: Detection) -> tuple[Image, Detection]:
    width, box = image.shape[1], face.box
    points = [(width - 1 - x, y) for x, y in face.landmarks]
    swapped = tuple(points[index] for index in (1, 0, 2, 4, 3))
    return cv2.flip(image, 1), Detection(Box(width - box.x - box.width, box.y, box.width, box.height), 0.9, swapped)


@pytest.mark.parametrize(("later", "tilt"), [(0.0, 0.0), (0.5, 20.0)])
def test_a_face_looks_as_far_to_the_left_as_its_mirror_image_to_the_right(later: float, tilt: float) -> None:
    scene = cv2.resize(Scene(1280, 720, seed=3, visits=1).draw(3.0 + later), (640, 360), interpolation=cv2.INTER_AREA)
    rotation = cv2.getRotationMatrix2D((320, 180), tilt, 1)
    image = np.asarray(cv2.warpAffine(scene, rotation, (640, 360), borderMode=cv2.BORDER_REPLICATE))
    face, landmarker = detected(image), FaceLandmarker()

    def look_twice(shown: Image, at: Detection) -> tuple[float, ...]:
        found = landmarker.find(shown, at).averaged(landmarker.find(shown, at, mirrored=True))
        return found.yaw, found.roll, found.pitch, found.eye_opening, found.presence

    yaw, roll, *rest = look_twice(image, face)
    mirror_yaw, mirror_roll, *mirror_rest = look_twice(*mirrored(image, face))

    assert [mirror_yaw, mirror_roll] == pytest.approx([-yaw, -roll], abs=1.0)
    assert mirror_rest == pytest.approx(rest, abs=2.0)
    assert mirror_rest[1:] == pytest.approx(rest[1:], abs=0.02)
