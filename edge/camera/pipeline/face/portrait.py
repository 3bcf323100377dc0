"""The picture that people see: head and a little shoulder, 3:4, eyes level, and brightened gently where it is dark."""

import math

import cv2
import numpy as np

from camera.sources.frame import Image
from common.contract.capture import Box

ASPECT = 3 / 4
MIN_TURN, MAX_TURN = 3.0, 45.0  # degrees that are levelled; less is not seen, more is how somebody lies
DARK_MEAN, TARGET_MEAN = 0.25, 0.36  # mean of the face, shares of white
MIN_GAMMA = 0.55  # gently: noise grows, too


def portrait(image: Image, box: Box, tilt: float, margin: float) -> Image:
    """Crop a face with a margin, in shares of its size; the rest that 3:4 asks for is below. Always a copy.

    `image`: (height, width, 3) BGR; `tilt`: degrees by which the eyes are not level.
    """
    width, height = _size(image, box, margin)
    if width < box.width or height < box.height:  # the frame has no more
        return _upright(image, box, (max(width, box.width), max(height, box.height)), margin)
    level = _level(image, box, (width, height), margin, tilt) if MIN_TURN <= abs(tilt) <= MAX_TURN else None
    return _upright(image, box, (width, height), margin) if level is None else level


def brighten(image: Image, brightness: float) -> tuple[Image, float]:
    """Brighten an image whose face has this mean, 0 to 1; also return by which factor that grows, 1 if it is light."""
    if brightness >= DARK_MEAN or brightness <= 0:
        return image, 1.0
    gamma = max(MIN_GAMMA, math.log(TARGET_MEAN) / math.log(brightness))
    table = np.round(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table)), brightness ** (gamma - 1)


def _size(image: Image, box: Box, margin: float) -> tuple[int, int]:
    """Width and height of the crop, no more than the frame has."""
    height = max(box.height, box.width / ASPECT) * (1 + 2 * margin)
    scale = min(1.0, image.shape[0] / height, image.shape[1] / (height * ASPECT))
    return round(height * ASPECT * scale), round(height * scale)


def _centre(box: Box, height: int, margin: float) -> tuple[float, float]:
    """The middle of the crop: the margin lies above the face."""
    return box.x + box.width / 2, box.y - margin * box.height + height / 2


def _upright(image: Image, box: Box, size: tuple[int, int], margin: float) -> Image:
    (x, y), (height, width) = _centre(box, size[1], margin), image.shape[:2]
    left = round(min(max(0.0, x - size[0] / 2), max(0, width - size[0])))
    top = round(min(max(0.0, y - size[1] / 2), max(0, height - size[1])))
    return image[top : top + size[1], left : left + size[0]].copy()


def _level(image: Image, box: Box, size: tuple[int, int], margin: float, tilt: float) -> Image | None:
    """The crop, turned so that the eyes are level; None if a corner of it would be outside the frame."""
    cosine, sine = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    x, y = box.x + box.width / 2, box.y + box.height / 2
    down = _centre(box, size[1], margin)[1] - y
    reach_x = (size[0] * cosine + size[1] * abs(sine)) / 2
    reach_y = (size[0] * abs(sine) + size[1] * cosine) / 2
    height, width = image.shape[:2]
    if 2 * reach_x > width or 2 * reach_y > height:
        return None
    centre = _clamp(x - down * sine, reach_x, width), _clamp(y + down * cosine, reach_y, height)
    off_x, off_y = x - centre[0], y - centre[1]
    across, along = abs(off_x * cosine + off_y * sine), abs(off_y * cosine - off_x * sine)
    if across + box.width / 2 > size[0] / 2 or along + box.height / 2 > size[1] / 2:
        return None
    turn = cv2.getRotationMatrix2D(centre, tilt, 1)
    turn[:, 2] += np.array(size) / 2 - np.array(centre)
    return np.asarray(cv2.warpAffine(image, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def _clamp(value: float, reach: float, limit: int) -> float:
    return min(max(value, reach), limit - reach)
