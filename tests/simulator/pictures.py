"""What a simulated camera sends: the frames of images around any bytes, and their descriptions."""

import struct
import zlib
from datetime import datetime
from random import Random

from common.contract.capture import Box, CaptureMetadata, TrackInfo
from common.contract.embedded import JPEG_SIGNATURE, PNG_SIGNATURE


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(pixels: bytes) -> bytes:
    """The frame of a PNG around any bytes."""
    return PNG_SIGNATURE + chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg(pixels: bytes) -> bytes:
    """The frame of a JPEG around any bytes."""
    return JPEG_SIGNATURE + b"\xff\xda\0\2" + pixels + b"\xff\xd9"


def picture(rng: Random, pixels: bytes) -> bytes:
    return rng.choice([png, jpeg])(pixels)


def describe(rng: Random, captured_at: datetime) -> CaptureMetadata:
    """Each word that may be missing is there in some."""
    return CaptureMetadata(
        "front",
        captured_at,
        Box(1, 2, 3, 4),
        0.9,
        track=rng.choice([None, TrackInfo("a", "first", rng.choice([0.0, 0.5]))]),
        poor=rng.choice([None, "dark"]),
        brightened=rng.choice([None, 1.8]),
        timezone=rng.choice([None, "Europe/Berlin"]),
        picture=rng.choice([None, "frame"]),
    )
