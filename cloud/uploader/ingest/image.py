"""Whether bytes are an image: decided by Pillow, at a bounded cost."""

import io
import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from PIL import ImageFile, JpegImagePlugin, PngImagePlugin

from common.contract.embedded import PNG_SIGNATURE, extract_metadata
from uploader.ingest import png

JPEG_SIGNATURE = b"\xff\xd8\xff"
LARGE_PIXELS = 4_000_000

# For all compressed text of one image; Pillow's default is 64 MiB for each thread.
PngImagePlugin.MAX_TEXT_MEMORY = PngImagePlugin.MAX_TEXT_CHUNK

# A progressive JPEG of 50 megapixels takes 300 MB: the container has memory for one such image,
# not for one in each thread.
_one_large_at_a_time = threading.Lock()

# Pillow warns about oddities that do not matter here, and a warning is not a log line.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class NotAnImageError(Exception):
    """These bytes are not an image that we store; the message says why."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the bytes themselves say."""

    content_type: str
    metadata: str | None  # the JSON that the camera embedded


def validate_image(payload: bytes, max_pixels: int) -> ImageInfo:
    """Read the whole image, so that nothing truncated or damaged passes."""
    read = _reader(payload)
    try:
        return read(payload, max_pixels)
    except (NotAnImageError, MemoryError):
        raise
    except Exception as error:  # hostile bytes make decoders raise nearly anything
        raise NotAnImageError(f"the image is damaged: {error}") from error


def _reader(payload: bytes) -> Callable[[bytes, int], ImageInfo]:
    # The two formats by name: Image.open would try every format that Pillow knows.
    if payload.startswith(PNG_SIGNATURE):
        return _read_png
    if payload.startswith(JPEG_SIGNATURE):
        return _read_jpeg
    raise NotAnImageError("neither a PNG nor a JPEG" if payload else "the message is empty")


def _read_png(payload: bytes, max_pixels: int) -> ImageInfo:
    image = PngImagePlugin.PngImageFile(io.BytesIO(payload))
    _check_pixel_limit(image, max_pixels)
    image.verify()  # the checksums
    if not png.is_complete(payload):
        raise NotAnImageError("the image is damaged: its last rows are missing")
    return ImageInfo("image/png", extract_metadata(payload))


def _read_jpeg(payload: bytes, max_pixels: int) -> ImageInfo:
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(payload))
    _check_pixel_limit(image, max_pixels)
    large = image.width * image.height > LARGE_PIXELS
    with _one_large_at_a_time if large else nullcontext():
        # To its end, but at an eighth of its size and in grey.
        image.draft("L", (image.width // 8, image.height // 8))
        image.load()
        image.close()
    return ImageInfo("image/jpeg", extract_metadata(payload))


def _check_pixel_limit(image: ImageFile.ImageFile, max_pixels: int) -> None:
    pixels = image.width * image.height
    if pixels > max_pixels:
        size = f"{image.width}x{image.height}"
        raise NotAnImageError(f"{size} is more than MAX_IMAGE_PIXELS={max_pixels} pixels")
