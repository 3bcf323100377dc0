"""What FFmpeg's decoders give becomes BGR, whatever came before it, and without threads for it."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

from camera.sources.decoding.bgr import BgrConverter

THREADS = Path("/proc/self/task")
FRAMES = [("yuvj420p", 64, 48), ("yuv422p", 320, 240), ("gray", 64, 48), ("nv12", 62, 46), ("yuvj420p", 64, 48)]


def frame(pixel_format: str, width: int, height: int) -> av.VideoFrame:
    """One with a slope in it."""
    slope = np.add.outer(np.arange(height), np.arange(width))[:, :, None] * np.array([1, 2, 3])
    return av.VideoFrame.from_ndarray((slope % 256).astype(np.uint8), "bgr24").reformat(format=pixel_format)


def test_one_converter_takes_frames_of_any_kind_in_turn() -> None:
    converter = BgrConverter()

    for given in FRAMES:
        image = converter.convert(frame(*given))

        assert image.flags.c_contiguous
        assert image.flags.writeable  # masks are drawn into it
        assert np.array_equal(image, frame(*given).to_ndarray(format="bgr24")), given


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="FFmpeg starts no threads for one CPU")
def test_a_conversion_starts_no_threads() -> None:
    converter, given = BgrConverter(), frame("yuvj420p", 1280, 720)
    before = len(list(THREADS.iterdir()))

    converter.convert(given)

    assert len(list(THREADS.iterdir())) == before
