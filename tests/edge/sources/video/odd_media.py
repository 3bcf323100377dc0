"""Odd videos and images, made by the system's ffmpeg when a test asks for them; and those that failed before."""

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

CASES = Path(__file__).parents[5] / "shared/cases"  # beside the repository, where it is
SCENE = "testsrc=size=320x240:rate=50:duration=1"
INTERLACE = ("-vf", "tinterlace=interleave_top", "-flags", "+ilme+ildct")
X265 = "keyint=10:info=0:log-level=none"
SQUASH = ("-vf", "setsar=2/1")


def make_video(file: Path, *options: str, scene: str = SCENE) -> Path:
    """A test picture as a video; skips where there is no ffmpeg."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs ffmpeg, to make odd videos")
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", scene, *options, str(file)]
    subprocess.run(command, check=True, timeout=60)
    return file


def case(name: str) -> Path:
    """A file that failed once; skips where the folder is not there."""
    file = CASES / name
    if not file.exists():
        pytest.skip(f"needs {name} in ../shared/cases")
    return file


def encoded(file: Path, codec: str) -> Path:
    """Blocks that move, 30 frames of which every tenth is complete in itself."""
    blocks = np.random.default_rng(1).integers(0, 255, (30, 40, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(str(file), "w") as film:
        stream: Any = film.add_stream(codec, rate=10, options={"g": "10", "x265-params": X265})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for n in range(30):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(blocks, n * 6, axis=1), format="bgr24")))
        film.mux(stream.encode())
    return file


def spoiled(file: Path, number: int, spoil: Callable[[bytes], bytes], to: Path) -> Path:
    """The same file with other bytes in one packet."""
    with av.open(str(file)) as film:
        packet = bytes([bytes(packet) for packet in film.demux(video=0)][number])
    to.write_bytes(file.read_bytes().replace(packet, spoil(packet)))
    return to


def noise(content: bytes) -> bytes:
    """Up to 60 other bytes in the middle."""
    middle = len(content) // 2
    return content[:middle] + random.Random(3).randbytes(len(content[middle:][:60])) + content[middle + 60 :]


def zeros(content: bytes) -> bytes:
    """Nothing in the second half."""
    middle = len(content) // 2
    return content[:middle] + bytes(len(content) - middle)
