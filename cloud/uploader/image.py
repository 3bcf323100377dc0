"""Whether bytes are a picture: decided by Pillow, at a bounded price."""

import io
import threading
import warnings
from dataclasses import dataclass

from PIL import ImageFile, JpegImagePlugin, PngImagePlugin

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"
KEYWORD = "usbcam"  # of the PNG's iTXt chunk, and the first word of the JPEG's comment
LARGE_PIXELS = 4_000_000

# All compressed text of one picture together; Pillow's default is 64 MiB for each thread.
PngImagePlugin.MAX_TEXT_MEMORY = PngImagePlugin.MAX_TEXT_CHUNK

# Decoded, 50 megapixels are 200 MB: the container has memory for one such picture, not for
# one in each thread.
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
    """Decode the whole picture, so that nothing truncated or damaged passes."""
    opener = _opener(payload)
    try:
        picture = opener(io.BytesIO(payload))
        _limit(picture, max_pixels)
        if isinstance(picture, PngImagePlugin.PngImageFile):
            picture.verify()  # the checksums, which decoding ignores
            picture = opener(io.BytesIO(payload))
        _decode(picture)
    except (NotAnImageError, MemoryError):
        raise
    except Exception as error:  # hostile bytes make decoders raise nearly anything
        raise NotAnImageError(f"the picture is damaged: {error}") from error
    return Image(_content_type(picture), _description(picture))


def _opener(payload: bytes) -> type[ImageFile.ImageFile]:
    # The two classes themselves: Image.open would try every format Pillow knows.
    if payload.startswith(PNG_START):
        return PngImagePlugin.PngImageFile
    if payload.startswith(JPEG_START):
        return JpegImagePlugin.JpegImageFile
    raise NotAnImageError("neither a PNG nor a JPEG" if payload else "the message is empty")


def _limit(picture: ImageFile.ImageFile, max_pixels: int) -> None:
    pixels = picture.width * picture.height
    if pixels > max_pixels:
        size = f"{picture.width}x{picture.height}"
        raise NotAnImageError(f"{size} is more than MAX_IMAGE_PIXELS={max_pixels} pixels")


def _decode(picture: ImageFile.ImageFile) -> None:
    # A JPEG can be checked to its end at an eighth of its size.
    picture.draft("L", (picture.width // 8, picture.height // 8))
    if picture.width * picture.height <= LARGE_PIXELS:
        picture.load()
        return
    with _one_large_at_a_time:
        picture.load()


def _content_type(picture: ImageFile.ImageFile) -> str:
    return "image/png" if isinstance(picture, PngImagePlugin.PngImageFile) else "image/jpeg"


def _description(picture: ImageFile.ImageFile) -> str | None:
    if isinstance(picture, PngImagePlugin.PngImageFile):
        text = picture.info.get(KEYWORD)
        return text if isinstance(text, str) else None
    if isinstance(picture, JpegImagePlugin.JpegImageFile):
        return _comment(picture.applist)
    return None


def _comment(segments: list[tuple[str, bytes]]) -> str | None:
    prefix = f"{KEYWORD} ".encode()
    for name, content in segments:
        if name == "COM" and content.startswith(prefix):
            return content.removeprefix(prefix).decode("utf-8", "replace")
    return None
