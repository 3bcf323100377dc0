"""Posters are captured once and then ignored; people who hardly move are not taken for posters."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from camera.config.settings import Settings
from camera.pipeline.analyzer import FrameAnalyzer
from camera.sources.frame import Frame, Image
from camera.sources.synthetic.scene import Scene

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOISE = 3.0  # grey levels, of a webcam in a lit room


@pytest.fixture(scope="module")
def room() -> Image:
    """A small face on a wall."""
    return cv2.resize(Scene(640, 480, seed=1, visits=1).draw(3.0), (320, 240), interpolation=cv2.INTER_AREA)


class Viewing:
    """An analyzer that is shown two frames a second."""

    def __init__(self) -> None:
        self.analyzer = FrameAnalyzer(Settings(min_face_px=40, detections_per_second=2))
        self.noise = np.random.default_rng(7).normal(0, NOISE, (17, 240, 320, 3)).astype(np.float32)
        self.step, self.captures, self.still = 0, Counter[str](), 0

    def show(self, image: Image, seconds: float, *, moved: float = 0.0) -> None:
        for _ in range(round(seconds * 2)):
            shift = np.array([[1, 0, moved * np.sin(self.step)], [0, 1, moved * np.cos(self.step * 0.7)]])
            shown = cv2.warpAffine(image, shift, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
            noisy = np.clip(shown + self.noise[self.step % len(self.noise)], 0, 255).astype(np.uint8)
            at = self.step / 2
            result = self.analyzer.process(Frame(noisy, NOON + timedelta(seconds=at), at, self.step))
            self.captures += Counter(str(c.metadata.track.shot) for c in result.captures if c.metadata.track)
            self.still = sum(face.rejected == "still" for face in result.faces)
            self.step += 1


@pytest.mark.long
def test_a_poster_is_captured_once_and_then_ignored_also_when_the_lamp_goes_off_and_on(room: Image) -> None:
    viewing = Viewing()

    viewing.show(room, 75)
    assert viewing.captures.total() == 1
    assert viewing.still == 1
    assert not viewing.analyzer.has_active_tracks
    viewing.show(cv2.convertScaleAbs(room, alpha=0.03), 10)
    viewing.show(cv2.convertScaleAbs(room, alpha=0.5), 10)
    viewing.show(room, 80)

    assert viewing.captures.total() == 1
    assert not viewing.analyzer.has_active_tracks


@pytest.mark.long
def test_a_poster_that_changes_is_captured_again(room: Image) -> None:
    other = cv2.resize(Scene(640, 480, seed=9, visits=1).draw(3.0), (320, 240), interpolation=cv2.INTER_AREA)
    viewing = Viewing()

    viewing.show(room, 70)
    viewing.show(other, 15)

    assert viewing.captures.total() == 2


@pytest.mark.long
@pytest.mark.parametrize("moved", [0.8, 2.0])
def test_who_sits_nearly_still_is_no_poster(room: Image, moved: float) -> None:
    viewing = Viewing()

    viewing.show(room, 75, moved=moved)

    assert viewing.still == 0
    assert viewing.captures["dwell"] == 1
    assert viewing.analyzer.has_active_tracks
