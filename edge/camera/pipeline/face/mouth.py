"""What mouth and chin look like, to notice a hand before them: compared with other moments of the same visit only.

No measure of one picture told a hand from a beard, an open mouth or bad light (measured).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.pipeline.tracking.detector import Detection, eye_angle
from camera.sources.frame import Image

CELLS = 8  # across and down
# What is looked at, in heights of the face's box from the middle of the eyes: down from the nose to below the chin.
TOP, HEIGHT, WIDTH = 0.22, 0.41, 0.44
OVERSAMPLING = 3
FLAT = 4.0  # grey levels of contrast: less is noise

Mouth = NDArray[np.float32]  # grey cells, their mean 0 and their length about 1


def mouth_of(image: Image, detection: Detection) -> Mouth | None:
    """The mouth of a face, level and at one size whatever the light; None without landmarks."""
    if len(detection.landmarks) < 2:  # noqa: PLR2004 (both eyes)
        return None
    right, left = detection.landmarks[:2]
    eyes, height = ((right[0] + left[0]) / 2, (right[1] + left[1]) / 2), max(1, detection.box.height)
    side = CELLS * OVERSAMPLING
    to_cells = cv2.getRotationMatrix2D(eyes, eye_angle(detection), side / height)
    to_cells[0] /= WIDTH
    to_cells[1] /= HEIGHT
    to_cells[:, 2] = side * np.array([0.5, -TOP / HEIGHT]) - to_cells[:, :2] @ np.array(eyes)
    seen = cv2.cvtColor(
        cv2.warpAffine(image, to_cells, (side, side), borderMode=cv2.BORDER_REPLICATE), cv2.COLOR_BGR2GRAY
    )
    cells = cv2.resize(seen, (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    cells -= cells.mean()
    return cells / (float(np.linalg.norm(cells)) + FLAT)


def usual(mouths: list[Mouth]) -> Mouth:
    """What most of them look like."""
    return np.asarray(np.median(np.stack(mouths), axis=0), np.float32)


def likeness(mouth: Mouth, other: Mouth) -> float:
    """1 for the same, about 0 for what has nothing in common."""
    lengths = float(np.linalg.norm(mouth) * np.linalg.norm(other))
    return float(mouth @ other) / max(lengths, 1e-6)
