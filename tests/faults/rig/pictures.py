"""Captures made by hand, for what no camera would make often enough."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from camera.delivery.spool import Spool
from camera.pipeline.visits.encoder import encode
from common.contract.capture import Box, Capture, CaptureMetadata
from common.contract.times import whole_milliseconds

BOX = Box(10, 20, 30, 40)


def capture(captured_at: datetime, image: bytes, camera: str = "door") -> Capture:
    """Return a capture of that time; other times make other bytes."""
    return Capture.create(CaptureMetadata(camera, whole_milliseconds(captured_at), BOX, 0.9), image)


def noise(width: int, height: int, image_format: str = "png") -> bytes:
    """Return a picture that no compression makes smaller."""
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return encode(pixels, image_format)


def put_backlog(folder: Path, number: int, image: bytes) -> list[str]:
    """Fill a spool with captures of yesterday, one a second, as an outage leaves them; return their ids."""
    spool = Spool(folder, max_bytes=10**10)
    first = datetime.now(UTC) - timedelta(days=1)
    captures = [capture(first + timedelta(seconds=second), image) for second in range(number)]
    for one in captures:
        spool.put(one)
    spool.close()
    return [one.id for one in captures]
