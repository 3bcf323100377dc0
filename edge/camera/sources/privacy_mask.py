"""What must not be seen: polygons, blacked out before anything processes the frame."""

from collections.abc import Sequence

import cv2
import numpy as np

from camera.config.polygons import Polygon
from camera.sources.frame import Image

BLACK = (0, 0, 0)


class PrivacyMask:
    """Blacks out the same areas in every frame."""

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        """The areas, in shares of the frame."""
        self._polygons = polygons

    def __bool__(self) -> bool:
        """Whether there is anything to black out."""
        return bool(self._polygons)

    def apply(self, image: Image) -> None:
        """Black them out in the frame itself, so that nothing sees more by mistake."""
        height, width = image.shape[:2]
        for polygon in self._polygons:
            corners = np.array([(round(x * width), round(y * height)) for x, y in polygon], np.int32)
            cv2.fillPoly(image, [corners], BLACK)
