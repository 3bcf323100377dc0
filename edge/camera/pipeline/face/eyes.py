"""How open eyes are and where they look, by MediaPipe's iris model in OpenCV's own dnn.

The face mesh does not tell (measured).
"""

import math
from dataclasses import dataclass

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
MIN_OPENNESS = 0.01
AHEAD = -0.04  # the iris of an eye that looks ahead, in widths of the eye from its middle to the nose (measured)
# Not seen well: irises that are nearer or further apart by more than that, those beyond the eye, and small faces.
MAX_DISAGREEMENT, MAX_GAZE, MIN_DISTANCE_PX = 0.12, 0.25, 30.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Eyes:
    """Both eyes of a face."""

    opening: float = 0.0  # height over width: 0.25 to 0.4 when open, below 0.15 when shut; 0 if unknown
    gaze: float | None = None  # to the picture's right, in widths of an eye: 0.1 is a look aside; None if unknown


@dataclass(frozen=True, slots=True)
class _Eye:
    """One eye that looks like a right one."""

    opening: float
    iris: float  # from the eye's middle to the nose, in widths of the eye


class EyeReader:
    """Measures how open eyes are, about 4.6 ms a face. One per thread; the model is loaded at the first face."""

    def __init__(self) -> None:
        self._net: cv2.dnn.Net | None = None

    def read(self, image: Image, detection: Detection) -> Eyes:
        """Look at both eyes of a face."""
        if len(detection.landmarks) < 2:  # noqa: PLR2004 (both eyes)
            return Eyes()
        net = self._net = self._net or cv2.dnn.readNetFromTFLite(str(model_path(MODEL)))
        right, left = detection.landmarks[:2]
        side, angle = SURROUNDINGS * max(1.0, math.dist(right, left)), eye_angle(detection)
        seen = _measure(net, _eye(image, right, side, angle))
        mirrored = _measure(net, np.ascontiguousarray(_eye(image, left, side, angle)[:, ::-1]))
        large = math.dist(right, left) >= MIN_DISTANCE_PX
        return Eyes(max(MIN_OPENNESS, (seen.opening + mirrored.opening) / 2), _gaze(seen, mirrored) if large else None)


def _gaze(right: _Eye, left: _Eye) -> float | None:
    gaze, apart = (right.iris - left.iris) / 2, right.iris + left.iris - 2 * AHEAD
    return gaze if abs(gaze) <= MAX_GAZE and abs(apart) <= MAX_DISAGREEMENT else None


def _measure(net: cv2.dnn.Net, eye: Image) -> _Eye:
    net.setInput(cv2.dnn.blobFromImage(eye, light_gain(eye) / 255, swapRB=True))
    outputs = [np.asarray(output, np.float64).ravel() for output in net.forward(net.getUnconnectedOutLayersNames())]
    contour: NDArray[np.float64] = max(outputs, key=len).reshape(-1, 3)[:, :2]
    iris: NDArray[np.float64] = min(outputs, key=len).reshape(-1, 3)[0, :2]
    outer, inner = contour[CORNERS[0]], contour[CORNERS[1]]
    across, width = inner - outer, max(1.0, float(np.linalg.norm(inner - outer)))
    height = float(np.mean([np.linalg.norm(contour[upper] - contour[lower]) for upper, lower in LIDS]))
    return _Eye(height / width, float((iris - (outer + inner) / 2) @ across) / width**2)


def _eye(image: Image, centre: Point, side: float, angle: float) -> Image:
    to_input = cv2.getRotationMatrix2D(centre, angle, INPUT_PX / side)
    to_input[:, 2] += np.array([INPUT_PX / 2 - centre[0], INPUT_PX / 2 - centre[1]])
    return np.asarray(cv2.warpAffine(image, to_input, (INPUT_PX, INPUT_PX), borderMode=cv2.BORDER_REPLICATE))
