"""How good a shot of a face is: its size, sharpness, exposure, completeness, where it looks, and its eyes.

YuNet's score does not tell: it is 0.92 for a blurred face, and for one in the dark (measured).
"""

import math
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from camera.pipeline.face.mouth import Mouth, mouth_of
from camera.pipeline.tracking.detector import Detection, eye_angle
from camera.sources.frame import Image
from common.contract.capture import Box

FULL_HEIGHT = 160.0  # pixels: a taller face is no better
SIDE = 112  # faces are compared at this size
NOISE = 25.0  # variance that is noise in any frame
HALF_SHARPNESS = 8.0  # a webcam's face of 70 pixels has about 7, a sharp photograph 20
MIN_MEAN, MAX_MEAN, MIN_RANGE = 50.0, 205.0, 60.0  # mean and 5 to 95 % range of grey levels
MARGIN = 0.15  # of the face's size; this much around it belongs to a complete shot
TOUCHING = 0.02  # of the face's size: the box of a face that is cut may end so far inside (measured)
MIN_FACTOR = 0.01  # a factor of nothing would make all bad shots equal
WEIGHTS = (1.0, 4.0, 1.0, 2.0, 2.0, 1.0)  # of the factors below
GOOD_QUALITY = 0.5
AWAY_DEGREES = 60.0  # a face that is turned so far shows nothing of itself
HELD_DEGREES, LYING_DEGREES = 30.0, 80.0  # of tilt: as heads are held, and beyond
OPEN_EYES, SHUT_EYES = 0.8, 0.45  # of what is usual in the same visit


@dataclass(frozen=True, slots=True)
class Quality:
    """Factors from 0 (useless) to 1 (could not be better), and the score that they make together."""

    size: float
    sharpness: float
    exposure: float
    completeness: float
    pose: float  # by the detector's five points; by the landmarks once they are known
    eyes: float = 1.0  # unknown without landmarks
    eye_opening: float = 0.0  # height over width; 0 if unknown
    turn: float = 0.0  # degrees; 0 if unknown
    brightness: float = 1.0  # mean of the face, a share of white
    tilt: float = 0.0  # degrees, of the eyes in the picture; 0 if unknown
    gaze: float | None = None  # of the eyes, to a side; compared within a visit, as the mouth is
    mouth: Mouth | None = field(default=None, compare=False, repr=False)
    score: float = field(init=False)  # their weighted geometric mean: one bad factor sinks the shot

    def __post_init__(self) -> None:
        """Compute the score once; it is read several times a face."""
        if self.turn:
            pose = max(0.0, 1 - self.turn / AWAY_DEGREES) * _uprightness(self.tilt)
            object.__setattr__(self, "pose", pose)
        factors = (self.size, self.sharpness, self.exposure, self.completeness, self.pose, self.eyes)
        logs = (weight * math.log(max(value, MIN_FACTOR)) for weight, value in zip(WEIGHTS, factors, strict=True))
        object.__setattr__(self, "score", math.exp(sum(logs) / sum(WEIGHTS)))

    @property
    def worst_factor(self) -> str:
        """The word for the worst factor."""
        words = {
            "small": self.size,
            "blurred": self.sharpness,
            "dark": self.exposure,
            "cut": self.completeness,
            "turned": self.pose,
            "eyes shut": self.eyes,
        }
        return min(words, key=lambda word: words[word])

    def with_eyes(self, opening: float, usual: float) -> "Quality":
        """The same shot, its eyes compared with those of its visit."""
        share = opening / usual if opening > 0 else 1.0  # 0: nobody asked
        eyes = float(np.clip((share - SHUT_EYES) / (OPEN_EYES - SHUT_EYES), MIN_FACTOR, 1.0))
        return replace(self, eyes=eyes, eye_opening=opening)


def assess(image: Image, detection: Detection) -> Quality:
    """Assess a face in its frame, (height, width, 3) BGR."""
    box = detection.box
    face = image[box.y : box.y + box.height, box.x : box.x + box.width]
    grey = cv2.resize(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return Quality(
        size=min(1.0, box.height / FULL_HEIGHT),
        sharpness=_saturated(edge_contrast(grey)),
        exposure=_exposure(grey),
        completeness=_completeness(box, image.shape[1], image.shape[0]),
        pose=_pose(detection) * _uprightness(eye_angle(detection)),
        brightness=float(grey.mean()) / 255,
        mouth=mouth_of(image, detection),
    )


def edge_contrast(grey: Image) -> float:
    """Edges relative to contrast: neither light nor, much, noise changes it; about 20 for a sharp face."""
    laplacian = cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 1), cv2.CV_32F)
    return _variance(laplacian) * 1000 / (_variance(grey) + NOISE)


def _variance(values: Image) -> float:
    """A quarter of the time that numpy's takes."""
    return float(cv2.meanStdDev(values)[1][0, 0]) ** 2


def _saturated(sharpness: float) -> float:
    """Never quite 1, so that of two sharp shots the sharper one wins."""
    return sharpness / (sharpness + HALF_SHARPNESS)


def _exposure(grey: Image) -> float:
    low, high = np.percentile(grey, (5, 95))
    mean = float(grey.mean())
    off = max(0.0, MIN_MEAN - mean, mean - MAX_MEAN)
    return max(0.0, min(1.0, float(high - low) / MIN_RANGE) * (1 - off / MIN_MEAN))


def _completeness(box: Box, width: int, height: int) -> float:
    """The share of the face with its margin that is in the frame; 0 if the face itself touches the border."""
    near = max(box.width, box.height) * TOUCHING
    if min(box.x, box.y, width - box.x - box.width, height - box.y - box.height) <= near:
        return 0.0
    across, down = box.width * MARGIN, box.height * MARGIN
    visible_width = min(width, box.x + box.width + across) - max(0.0, box.x - across)
    visible_height = min(height, box.y + box.height + down) - max(0.0, box.y - down)
    return float(visible_width * visible_height / ((box.width + 2 * across) * (box.height + 2 * down)))


def _uprightness(tilt: float) -> float:
    """1 for a head that is held as people hold it, 0 for one that lies or hangs upside down."""
    return float(np.clip((LYING_DEGREES - abs(tilt)) / (LYING_DEGREES - HELD_DEGREES), 0, 1))


def _pose(detection: Detection) -> float:
    """1 from the front, 0 from the side: how far the nose is from the middle of the eyes."""
    (right_x, _), (left_x, _), (nose_x, _) = detection.landmarks[:3]
    distance = max(abs(left_x - right_x), 1.0)
    return float(np.clip(1 - 2 * abs(nose_x - (left_x + right_x) / 2) / distance, 0, 1))
