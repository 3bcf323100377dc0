"""What the played cameras show: a colour that tells the camera, noise, and something that moves."""

import cv2
import numpy as np

from camera.sources.frame import Image

NUMBER = 8
COLOR = (60, 140, 200)  # BGR


def pictures(fourcc: str, width: int, height: int) -> list[bytes]:
    """Some frames in one pixel format."""
    return [_encoded(picture(number, width, height), fourcc) for number in range(NUMBER)]


def picture(number: int, width: int, height: int) -> Image:
    image: Image = np.full((height, width, 3), COLOR, np.uint8)
    noise = np.random.default_rng(number).integers(0, 12, image.shape, np.uint8)
    at = width // 8 + number * width // 20, height // 4
    return cv2.circle(cv2.add(image, noise), at, height // 10, (255, 255, 255), -1)


def _encoded(image: Image, fourcc: str) -> bytes:
    if fourcc == "MJPG":
        return cv2.imencode(".jpg", image)[1].tobytes()
    return cv2.cvtColor(image, cv2.COLOR_BGR2YUV_YUYV).tobytes()
