"""Odd videos and images, made by the system's ffmpeg when a test asks for them; and those that failed before."""

import shutil
import subprocess
from pathlib import Path

import pytest

CASES = Path(__file__).parents[5] / "shared/cases"  # beside the repository, where it is
SCENE = "testsrc=size=320x240:rate=50:duration=1"
INTERLACE = ("-vf", "tinterlace=interleave_top", "-flags", "+ilme+ildct")
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
