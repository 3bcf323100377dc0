"""What the camera must not see: polygons, blacked out before anything looks."""

import cv2
import numpy as np
from cv2.typing import MatLike

LEAST_CORNERS = 3

Point = tuple[float, float]  # shares of the frame's width and height, 0 to 1


class PrivacyMask:
    """Blacks out the same places in every frame."""

    def __init__(self, text: str) -> None:
        """`text`: as MASKS has it, such as `0,0:0.3,0:0.3,1:0,1`; raises ValueError."""
        self._polygons = [_polygon(words) for words in text.split(";") if words.strip()]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._polygons)

    def apply(self, image: MatLike) -> None:
        """Black them out in the frame itself, (height, width, 3), so that nobody sees more by mistake."""
        height, width = image.shape[:2]
        for polygon in self._polygons:
            corners = np.array([(round(x * width), round(y * height)) for x, y in polygon], np.int32)
            cv2.fillPoly(image, [corners], (0, 0, 0))


def checked_masks(text: str) -> str:
    """Return a text that can be parsed; raises ValueError."""
    PrivacyMask(text)
    return text


def _polygon(words: str) -> list[Point]:
    points = [_point(word) for word in words.strip().split(":")]
    if len(points) < LEAST_CORNERS:
        raise ValueError(f"{words} has fewer than {LEAST_CORNERS} corners")
    return points


def _point(word: str) -> Point:
    x, y = (float(number) for number in word.split(","))
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ValueError(f"{word} is not within the frame, 0 to 1")
    return x, y
