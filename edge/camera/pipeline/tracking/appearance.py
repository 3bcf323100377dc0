"""What somebody looks like: the colours of hair, face and clothes. It tells people who cross apart, no more."""

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.sources.frame import Image
from common.contract.capture import Box

# The part of a person around the box of a face, in sizes of it: left, top, right, bottom; hair and collar belong to it.
PERSON = (-0.25, -0.3, 1.25, 1.5)
GRID = (6, 8)  # columns, rows
DARKEST = 0.02  # of white: below it colours are noise

Appearance = NDArray[np.float32]


def appearance_of(image: Image, box: Box) -> Appearance:
    """The colours of a coarse grid, without their common light."""
    left, top = max(0, round(box.x + PERSON[0] * box.width)), max(0, round(box.y + PERSON[1] * box.height))
    right, bottom = round(box.x + PERSON[2] * box.width), round(box.y + PERSON[3] * box.height)
    grid = cv2.resize(image[top:bottom, left:right], GRID, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.asarray(grid / (grid.mean() + DARKEST), np.float32)


def difference(one: Appearance | None, other: Appearance | None) -> float:
    """Of one person within seconds mostly below 0.1, of two mostly above (measured); 0 if one is unknown."""
    return 0.0 if one is None or other is None else float(np.mean(np.abs(one - other)))
