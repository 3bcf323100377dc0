"""The part of a picture that is searched for faces: all of it, or what surrounds those that are known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from common.contract.capture import Box

STEP_PX = 32  # of YuNet's coarsest grid: on it a part gives the scores that the whole picture gives
ROOM = 0.75  # on each side of a face, in sizes of it: nobody turns so fast between two frames


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the detector's input, in its pixels; `of` is the input's own width and height."""

    left: int
    top: int
    right: int
    bottom: int
    of: tuple[int, int]

    @classmethod
    def whole(cls, size: tuple[int, int]) -> "Region":
        """All of an input of this width and height."""
        return cls(0, 0, *size, size)

    @classmethod
    def around(cls, boxes: Sequence[Box], scale: NDArray[np.float64], size: tuple[int, int]) -> "Region":
        """What surrounds these boxes of the frame; `scale`: frame pixels for one of the input, across and down."""
        room = [ROOM * max(box.width, box.height) for box in boxes]
        left = min(box.x - space for box, space in zip(boxes, room, strict=True)) / scale[0]
        top = min(box.y - space for box, space in zip(boxes, room, strict=True)) / scale[1]
        right = max(box.x + box.width + space for box, space in zip(boxes, room, strict=True)) / scale[0]
        bottom = max(box.y + box.height + space for box, space in zip(boxes, room, strict=True)) / scale[1]
        part = cls(_down(left), _down(top), _up(right, size[0]), _up(bottom, size[1]), size)
        return part if min(part.size) > 0 else cls.whole(size)  # they are expected outside

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top

    def cut(self, image: MatLike) -> MatLike:
        """Give what of the input lies in it."""
        return image[self.top : self.bottom, self.left : self.right]

    def halves(self, x: float, y: float, width: float, height: float) -> bool:
        """Whether a box, in pixels of this part, goes over an edge behind which the picture goes on."""
        return bool(
            (x < 0 and self.left > 0)
            or (y < 0 and self.top > 0)
            or (x + width > self.size[0] and self.right < self.of[0])
            or (y + height > self.size[1] and self.bottom < self.of[1])
        )


def _down(number: float) -> int:
    return max(0, math.floor(number / STEP_PX) * STEP_PX)


def _up(number: float, most: int) -> int:
    return min(most, math.ceil(number / STEP_PX) * STEP_PX)
