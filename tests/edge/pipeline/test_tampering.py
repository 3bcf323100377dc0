"""A camera that gives pictures and sees nothing: told within 10 s, and not for what only looks like it."""

import functools
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest

from camera.config.polygons import parse_polygons
from camera.pipeline.tampering.monitor import TamperingMonitor
from camera.pipeline.tampering.view import View
from camera.sources.frame import Image
from common.contract.status import Blindness
from dev.bench.rig import footage
from dev.bench.rig.blinded import blind_times
from dev.bench.rig.footage import BLINDING, HARMLESS, HEIGHT, WIDTH, Look, clip, shot

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SEED = 3
NOISE = np.random.default_rng(SEED).normal(0, 3, (7, HEIGHT, WIDTH, 1)).astype(np.float32)
EXPECTED = {
    "hand": {Blindness.COVERED},
    "cloth": {Blindness.COVERED},
    "spray": {Blindness.COVERED, Blindness.TURNED},  # clouds of paint may pass for another place
    "defocus": {Blindness.DEFOCUSED},
    "turned": {Blindness.TURNED},
    "frozen": {Blindness.FROZEN},
    "dark": {Blindness.DARK},
}


@functools.cache
def room(seed: int) -> Image:
    """A place, for reading."""
    drawn = footage.room(seed)
    drawn.flags.writeable = False
    return drawn


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    cv2.setNumThreads(1)  # as the camera has it


class Watch:
    """A monitor that is shown footage; its clock is the footage's."""

    def __init__(self, hours_file: Path | None = None, masks: str = "", at: datetime = NOON) -> None:
        self.monitor = TamperingMonitor("porch", parse_polygons(masks), hours_file)
        self._at, self._seconds = at, 0.0

    def show(self, image: Image, seconds: float = 0.5, *, still: bool = False) -> Blindness | None:
        self._seconds += seconds
        self._at += timedelta(seconds=seconds)
        return self.monitor.update(image, self._seconds, self._at, still=still).cause

    def show_for(self, seconds: float, image: Image, *, still: bool = False) -> set[Blindness | None]:
        """Show the same view with a sensor's noise."""
        noise = (NOISE[number % len(NOISE)] for number in range(int(seconds * 2)))
        return {self.show(shot(image, each), still=still) for each in noise}


def told(name: str, make: Callable[[np.random.Generator], Look], seconds: float) -> list[tuple[float, Blindness]]:
    random = np.random.default_rng(SEED)
    return list(blind_times(clip(room(SEED), make(random), seconds, random, frozen=name == "frozen")))


@pytest.mark.parametrize("name", BLINDING)
def test_what_blinds_a_camera_is_told_within_ten_seconds(name: str) -> None:
    found = told(name, BLINDING[name], 10)

    assert found
    assert found[0][0] >= 0
    assert found[-1][1] in EXPECTED[name]


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(HARMLESS.keys() - {"dusk"}))
def test_what_only_looks_like_it_is_not_told(name: str) -> None:
    assert told(name, HARMLESS[name], 20) == []


def test_a_camera_that_is_uncovered_sees_again() -> None:
    watch, view = Watch(), room(1)
    watch.show_for(6, view)

    assert Blindness.COVERED in watch.show_for(8, view * 0 + 90)
    assert watch.show_for(1, view) == {Blindness.COVERED}
    watch.show_for(3, view)

    assert watch.monitor.status.cause is None


def test_a_picture_that_stays_even_from_the_start_is_told() -> None:
    assert Blindness.COVERED in Watch().show_for(9, room(1) * 0 + 90)


def test_a_new_view_is_accepted_after_a_pause() -> None:
    watch = Watch()
    watch.show_for(6, room(1))
    assert Blindness.TURNED in watch.show_for(9, room(2))

    watch.monitor.forget()

    assert watch.show_for(9, room(2)) == {None}


def test_what_a_mask_hides_is_neither_missed_nor_proof_of_sight() -> None:
    view, covered = room(1).copy(), room(1) * 0 + 90
    for image in (view, covered):
        image[:, :320] = 0  # as the privacy mask leaves it: its edge stays when the lens is covered
    watch = Watch(masks="0,0:0.5,0:0.5,1:0,1")

    assert watch.show_for(6, view) == {None}
    assert Blindness.COVERED in watch.show_for(8, covered)


def test_a_mask_that_is_drawn_later_is_no_cover() -> None:
    mask, view = parse_polygons("0,0:0.8,0:0.8,1:0,1"), room(1)
    masked = view.copy()
    masked[:, : round(0.8 * view.shape[1])] = 0
    told, untold = Watch(), Watch()
    for watch in (told, untold):
        watch.show_for(6, view)

    told.monitor.set_masks(mask)

    assert told.show_for(9, masked) == {None}
    assert untold.show_for(9, masked) != {None}


def test_a_camera_that_sees_is_looked_at_less_often_until_something_moves_or_is_wrong() -> None:
    watch, view = Watch(), room(1)
    with mock.patch.object(View, "of", side_effect=View.of) as looks:
        watch.show_for(30, view, still=True)
        counts = [looks.call_count]
        watch.show_for(20, view, still=True)
        counts.append(looks.call_count)
        watch.show_for(20, view)  # something moves, and nothing is wrong
        counts.append(looks.call_count)
        watch.show_for(8, view * 0 + 90, still=True)
        counts.append(looks.call_count)

    assert [after - before for before, after in itertools.pairwise(counts)] == [13, 40, 14]
    assert watch.monitor.status.cause is Blindness.COVERED


def test_an_hour_at_which_lamps_go_out_is_learned_and_remembered(tmp_path: Path) -> None:
    hours, view, dark = tmp_path / "hours", room(1), room(1) * 0
    first = Watch(hours)
    first.show_for(6, view)
    assert Blindness.DARK in first.show_for(8, dark)
    for _ in range(20):
        first.show(np.random.default_rng(1).integers(0, 3, (360, 640, 3)).astype(np.uint8), 20)

    next_day = Watch(hours, at=NOON + timedelta(days=1, hours=1))
    next_day.show_for(6, view)

    assert next_day.show_for(9, dark) == {None}


def test_darkness_is_told_at_an_hour_that_was_light_on_the_days_before(tmp_path: Path) -> None:
    hours = tmp_path / "hours"
    for day in range(2):
        Watch(hours, at=NOON + timedelta(days=day)).show_for(1, room(1))

    started_in_the_dark = Watch(hours, at=NOON + timedelta(days=2))

    assert Blindness.DARK in started_in_the_dark.show_for(9, room(1) * 0)


def test_a_night_that_falls_slowly_is_not_told() -> None:
    watch, view = Watch(), room(1)
    watch.show_for(6, view)

    seen = set()
    for number in range(80):  # 40 s: faster than any dusk
        seen |= watch.show_for(0.5, view * max(0.0, 1 - number / 60))

    assert seen == {None}


def test_hours_that_cannot_be_read_are_as_none(tmp_path: Path) -> None:
    for content in (b"", b"[]", b'{"dark": {"x": 1}, "light": {}}', b"\xff", b'{"dark": 3}'):
        (tmp_path / "hours").write_bytes(content)
        assert Watch(tmp_path / "hours").show(room(1).astype(np.uint8)) is None
