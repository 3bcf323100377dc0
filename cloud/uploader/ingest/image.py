"""Whether bytes are an image: by structure in any case, then by decoding at a bounded cost.

Where the ID matches, the hash in it proves that these bytes are what the camera encoded: of such images a sample is
decoded. Nor is one decoded whose edge has used up its CPU.
"""

import struct
import threading
import warnings
from dataclasses import dataclass
from typing import Protocol

from PIL import JpegImagePlugin

from common.contract.embedded import PNG_SIGNATURE, extract_metadata
from storage.structure.jpeg import JPEG_SIGNATURE, JpegFrame, check_jpeg, pixels_of_jpeg
from storage.structure.limits import ImageStructureError
from storage.structure.metered import MeteredFile
from storage.structure.png import PngHeader, check_png

LARGE_PIXELS = 4_000_000
DECODE_STEP_BYTES = 16_384
# What is set aside for an image before its cost is known: slower than any machine on which this runs.
INFLATED_BYTES_PER_SECOND = 200_000_000
JPEG_BYTES_PER_SECOND = 40_000_000
SCANNED_PIXELS_PER_SECOND = 1_000_000_000

# A progressive JPEG of 50 megapixels takes 300 MB: the container has memory for one such image,
# not for one in each thread.
_one_large_at_a_time = threading.Lock()
_few_at_a_time = threading.BoundedSemaphore(8)  # of 4 megapixels take 24 MB, and many threads may wait for the bucket

# Pillow warns about oddities that do not matter here, and a warning is not a log line.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class NotAnImageError(Exception):
    """These bytes are not an image that we store; the message says why."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the bytes themselves say."""

    content_type: str
    metadata: str | None  # the JSON that the camera embedded


class DecodeMeter(Protocol):
    """Decides whether an image may be decoded."""

    def reserve(self, seconds: float, /) -> bool:
        """Set so much CPU aside, if it may be used; return whether."""

    def take_sample(self) -> bool:
        """Count an image whose ID proves it; return whether it is decoded all the same."""


class _Unlimited:
    def reserve(self, _seconds: float) -> bool:
        return True

    def take_sample(self) -> bool:
        return True


class _Proven:
    def reserve(self, _seconds: float) -> bool:
        return False

    def take_sample(self) -> bool:
        return False


UNLIMITED, PROVEN = _Unlimited(), _Proven()


def validate_image(payload: bytes, max_pixels: int, meter: DecodeMeter = UNLIMITED) -> ImageInfo:
    """Check the whole image, so that nothing truncated or damaged passes; raises NotAnImageError."""
    try:
        if payload.startswith(PNG_SIGNATURE):
            check_png(payload, max_pixels, lambda header: meter.reserve(_png_seconds(header)))
            return ImageInfo("image/png", _metadata(payload))
        if payload.startswith(JPEG_SIGNATURE):
            frame = check_jpeg(payload, max_pixels)
            if meter.reserve(_jpeg_seconds(payload, frame)):
                _decode_jpeg(payload, frame)
            return ImageInfo("image/jpeg", _metadata(payload))
    except ImageStructureError as error:
        raise NotAnImageError(f"the image is damaged: {error}") from error
    raise NotAnImageError("neither a PNG nor a JPEG" if payload else "the message is empty")


def _png_seconds(header: PngHeader) -> float:
    return header.inflated_bytes() / INFLATED_BYTES_PER_SECOND


def _jpeg_seconds(payload: bytes, frame: JpegFrame) -> float:
    scanned = frame.width * frame.height * frame.scans
    return len(payload) / JPEG_BYTES_PER_SECOND + scanned / SCANNED_PIXELS_PER_SECOND


def _metadata(payload: bytes) -> str | None:
    try:
        return extract_metadata(payload)
    except struct.error:  # made to be understood in two ways: who looks for text runs past the end
        return None


def _decode_jpeg(payload: bytes, frame: JpegFrame) -> None:
    """Decode to the end, but at an eighth of the size and in grey; raises NotAnImageError."""
    large = frame.width * frame.height > LARGE_PIXELS
    try:
        with _one_large_at_a_time if large else _few_at_a_time:
            image = JpegImagePlugin.JpegImageFile(MeteredFile(pixels_of_jpeg(payload)))
            image.decodermaxblock = DECODE_STEP_BYTES
            image.draft("L", (max(1, image.width // 8), max(1, image.height // 8)))
            image.load()
            image.close()
    except (ImageStructureError, MemoryError):
        raise
    except Exception as error:  # hostile bytes make decoders raise nearly anything
        raise NotAnImageError(f"the image is damaged: {error}") from error
