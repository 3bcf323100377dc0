"""Images from raw pixels, in the formats that cameras use."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from camera.sources.frame import Image
from camera.sources.v4l2.device import CaptureFormat


@dataclass(frozen=True, slots=True)
class Layout:
    """How pixels lie in memory."""

    to_bgr: Callable[[Image], Image]
    bytes_a_pixel: int = 1  # of the first plane
    half_planes: int = 0  # planes behind it, with half the lines each
    half_width: bool = False  # and half the width


def _by(code: int) -> Callable[[Image], Image]:
    return lambda pixels: cv2.cvtColor(pixels, code)


def _from_16_bits(pixels: Image) -> Image:
    """The eight bits that matter: many sensors fill 10 or 12 of the 16."""
    values = pixels.reshape(pixels.shape[0], -1).view("<u2")
    shift = max(0, int(values.max()).bit_length() - 8)
    return cv2.cvtColor((values >> shift).astype(np.uint8), cv2.COLOR_GRAY2BGR)


RAW = {
    "YUYV": Layout(_by(cv2.COLOR_YUV2BGR_YUYV), 2),
    "UYVY": Layout(_by(cv2.COLOR_YUV2BGR_UYVY), 2),
    "YVYU": Layout(_by(cv2.COLOR_YUV2BGR_YVYU), 2),
    "NV12": Layout(_by(cv2.COLOR_YUV2BGR_NV12), half_planes=1),
    "NV21": Layout(_by(cv2.COLOR_YUV2BGR_NV21), half_planes=1),
    "YU12": Layout(_by(cv2.COLOR_YUV2BGR_I420), half_planes=2, half_width=True),
    "YV12": Layout(_by(cv2.COLOR_YUV2BGR_YV12), half_planes=2, half_width=True),
    "BGR3": Layout(np.ndarray.copy, 3),
    "RGB3": Layout(_by(cv2.COLOR_RGB2BGR), 3),
    "GREY": Layout(_by(cv2.COLOR_GRAY2BGR)),
    "Y16 ": Layout(_from_16_bits, 2),
}


def decode_raw(content: bytes, capture_format: CaptureFormat) -> Image | None:
    """Pixels as an image, BGR; None if some are missing."""
    layout, width, height = RAW[capture_format.fourcc], capture_format.width, capture_format.height
    if layout.half_planes:
        width, height = width & ~1, height & ~1  # color is for two by two pixels
    stride = max(capture_format.stride, capture_format.width * layout.bytes_a_pixel)
    planes = [_plane(content, 0, stride, (capture_format.height, height, width * layout.bytes_a_pixel))]
    at, divisor = stride * capture_format.height, 2 if layout.half_width else 1
    for _ in range(layout.half_planes):
        planes.append(_plane(content, at, stride // divisor, (height // 2, height // 2, width // divisor)))
        at += stride // divisor * (height // 2)
    if at > len(content):
        return None
    pixels = np.concatenate([plane.reshape(-1) for plane in planes if plane is not None])
    lines = height * 3 // 2 if layout.half_planes else height
    shape = (lines, width) if layout.bytes_a_pixel == 1 else (lines, width, layout.bytes_a_pixel)
    return layout.to_bgr(pixels.reshape(shape))


def _plane(content: bytes, at: int, stride: int, shape: tuple[int, int, int]) -> Image | None:
    """The lines of one plane without the padding; `shape`: lines that it has, lines and bytes a line that are used."""
    lines, used_lines, used_bytes = shape
    if at + stride * lines > len(content):
        return None
    return np.frombuffer(content, np.uint8, stride * lines, at).reshape(lines, stride)[:used_lines, :used_bytes]
