"""What the camera's tests share: drawn frames, made videos, and the command line."""

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.sources.frame import Image
from camera.sources.synthetic.scene import Scene
from common.contract.capture import Box, Capture, CaptureMetadata
from tests.edge.rig import Run
from tests.support.programs import launcher


@pytest.fixture
def run_camera(tmp_path: Path) -> Run:
    """`python -m camera ARGUMENTS` with nothing but these settings."""

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        # Another test's service may have the usual port: each asks that of its own, or none.
        environment = {"PATH": os.environ["PATH"], "LIVE_PORT": "0", **settings}
        return launcher.run("camera", *arguments, folder=tmp_path, environment=environment)

    return run


@pytest.fixture(scope="session")
def face_frame() -> Image:
    """A frame of the synthetic scene with one whole face in it, 640 by 480."""
    return Scene(640, 480, seed=1, visits=1).draw(3.0)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two visits, at 10 frames a second, 640 by 480."""
    path = tmp_path_factory.mktemp("video") / "two-visits.avi"
    scene = Scene(640, 480, seed=2, visits=2)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (640, 480))
    seconds = 0.0
    while not scene.ended(seconds):
        writer.write(scene.draw(seconds))
        seconds += 0.1
    writer.release()
    return path


@pytest.fixture
def make_capture() -> Callable[[int], Capture]:
    """A small, real capture; another number gives other bytes and a later time."""

    def make(number: int) -> Capture:
        noise = np.random.default_rng(number).integers(0, 255, (16, 16, 3), np.uint8)
        captured_at = datetime(2026, 11, 22, 6, number // 60 % 60, number % 60, 123000, UTC)
        metadata = CaptureMetadata("porch", captured_at, Box(1, 2, 3, 4), 0.934)
        return Capture.create(metadata, cv2.imencode(".png", noise)[1].tobytes())

    return make
