"""Whether bytes are a picture: decided by Pillow, at a bounded price."""

import io
import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from PIL import ImageFile, JpegImagePlugin, PngImagePlugin

from uploader.ingest import png

JPEG_START = b"\xff\xd8\xff"
KEYWORD = "usbcam"  # of the PNG's iTXt chunk, and the first word of the JPEG's comment
LARGE_PIXELS = 4_000_000

# All compressed text of one picture together; Pillow's default is 64 MiB for each thread.
PngImagePlugin.MAX_TEXT_MEMORY = PngImagePlugin.MAX_TEXT_CHUNK

# A progressive JPEG of 50 megapixels takes 300 MB: the container has memory for one such picture,
# not for one in each thread.
_one_large_at_a_time = threading.Lock()

# Pillow warns of oddities that do not concern us, and a warning is no log line.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class NotAnImageError(Exception):
    """These bytes are not a picture that we store; the message says why."""


@dataclass(frozen=True, slots=True)
class Image:
    """What the bytes themselves say."""

    content_type: str
    description: str | None  # the JSON that the camera wrote into the picture


def examine(payload: bytes, max_pixels: int) -> Image:
    """Read the whole picture, so that nothing truncated or damaged passes."""
    read = _reader(payload)
    try:
        return read(payload, max_pixels)
    except (NotAnImageError, MemoryError):
        raise
    except Exception as error:  # hostile bytes make decoders raise nearly anything
        raise NotAnImageError(f"the picture is damaged: {error}") from error


def _reader(payload: bytes) -> Callable[[bytes, int], Image]:
    # The two formats by name: Image.open would try every format that Pillow knows.
    if payload.startswith(png.SIGNATURE):
        return _read_png
    if payload.startswith(JPEG_START):
        return _read_jpeg
    raise NotAnImageError("neither a PNG nor a JPEG" if payload else "the message is empty")


def _read_png(payload: bytes, max_pixels: int) -> Image:
    picture = PngImagePlugin.PngImageFile(io.BytesIO(payload))
    _limit(picture, max_pixels)
    picture.verify()  # the checksums
    if not png.has_all_pixels(payload):
        raise NotAnImageError("the picture is damaged: its last rows are missing")
    return Image("image/png", png.text(payload, KEYWORD))


def _read_jpeg(payload: bytes, max_pixels: int) -> Image:
    picture = JpegImagePlugin.JpegImageFile(io.BytesIO(payload))
    _limit(picture, max_pixels)
    large = picture.width * picture.height > LARGE_PIXELS
    with _one_large_at_a_time if large else nullcontext():
        # To its end, but at an eighth of its size and in gray.
        picture.draft("L", (picture.width // 8, picture.height // 8))
        picture.load()
        picture.close()
    return Image("image/jpeg", _comment(picture.applist))


def _limit(picture: ImageFile.ImageFile, max_pixels: int) -> None:
    pixels = picture.width * picture.height
    if pixels > max_pixels:
        size = f"{picture.width}x{picture.height}"
        raise NotAnImageError(f"{size} is more than MAX_IMAGE_PIXELS={max_pixels} pixels")


def _comment(segments: list[tuple[str, bytes]]) -> str | None:
    prefix = f"{KEYWORD} ".encode()
    for name, content in segments:
        if name == "COM" and content.startswith(prefix):
            return content.removeprefix(prefix).decode("utf-8", "replace")
    return None
