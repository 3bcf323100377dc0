"""How open eyes are, by MediaPipe's iris model in OpenCV's own dnn. The face mesh does not tell (measured)."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.pipeline.face.landmarks import light_gain, model_path
from camera.pipeline.tracking.detector import Detection, eye_angle
from camera.sources.frame import Image

MODEL = "iris_landmark.tflite"
INPUT_PX = 64
SURROUNDINGS = 1.03  # side of the square around an eye, in distances of the eyes
CORNERS, LIDS = (0, 8), ((11, 3), (12, 4), (13, 5))  # points of the contour; upper and lower ones
LEAST = 0.01

Point = tuple[float, float]


class EyeReader:
    """Measures how open eyes are, about 4.6 ms a face. One per thread; the model is loaded at the first face."""

    def __init__(self) -> None:
        self._net: cv2.dnn.Net | None = None

    def opening(self, image: Image, detection: Detection) -> float:
        """Height over width of both eyes: 0.25 to 0.4 when open, below 0.15 when shut; 0 if unknown."""
        if len(detection.landmarks) < 2:  # noqa: PLR2004 (both eyes)
            return 0.0
        net = self._net = self._net or cv2.dnn.readNetFromTFLite(str(model_path(MODEL)))
        right, left = detection.landmarks[:2]
        side, angle = SURROUNDINGS * max(1.0, math.dist(right, left)), eye_angle(detection)
        eyes = _eye(image, right, side, angle), np.ascontiguousarray(_eye(image, left, side, angle)[:, ::-1])
        return max(LEAST, sum(_measure(net, eye) for eye in eyes) / 2)


def _measure(net: cv2.dnn.Net, eye: Image) -> float:
    """One eye that looks like a right one."""
    net.setInput(cv2.dnn.blobFromImage(eye, light_gain(eye) / 255, swapRB=True))
    outputs = [np.asarray(output, np.float64).ravel() for output in net.forward(net.getUnconnectedOutLayersNames())]
    contour: NDArray[np.float64] = max(outputs, key=len).reshape(-1, 3)[:, :2]
    width = float(np.linalg.norm(contour[CORNERS[0]] - contour[CORNERS[1]]))
    height = float(np.mean([np.linalg.norm(contour[upper] - contour[lower]) for upper, lower in LIDS]))
    return height / max(width, 1.0)


def _eye(image: Image, centre: Point, side: float, angle: float) -> Image:
    to_input = cv2.getRotationMatrix2D(centre, angle, INPUT_PX / side)
    to_input[:, 2] += np.array([INPUT_PX / 2 - centre[0], INPUT_PX / 2 - centre[1]])
    return np.asarray(cv2.warpAffine(image, to_input, (INPUT_PX, INPUT_PX), borderMode=cv2.BORDER_REPLICATE))
