"""The latest frame wins, and a source that fails is opened again."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from camera.frames import Cadence, Frame, LatestFrame, Patience, Source, SourceEndedError, SourceError

SECONDS = 10.0  # no test waits this long


class Scripts:
    """A camera that is opened as a function says."""

    patience = Patience()

    def __init__(self, opener: Callable[[], Source]) -> None:
        self.opener = opener

    def open(self, _stop: threading.Event) -> Source:
        return self.opener()

    def returned(self) -> bool:
        return False


class Script:
    """A source that does what a list says: give a frame, wait for the test, fail or end."""

    def __init__(self, steps: Iterator[object]) -> None:
        self.steps = steps
        self.number = -1
        self.closed = False

    def grab(self) -> float:
        step = next(self.steps, SourceEndedError())
        if isinstance(step, threading.Event):
            step.wait(SECONDS)
        if isinstance(step, Exception):
            raise step
        self.number += 1
        return float(self.number)

    def retrieve(self) -> Frame | None:
        return Frame(np.zeros((1, 1, 3), np.uint8), datetime.now(UTC), float(self.number), self.number)

    def close(self) -> None:
        self.closed = True


def test_the_latest_frame_wins_and_what_is_passed_over_is_counted() -> None:
    stop = threading.Event()
    frames = LatestFrame(Scripts(lambda: Script(iter([1, 1, 1, 1]))), rate=100, stop=stop)
    assert frames.ended.wait(SECONDS)

    frame = frames.take(SECONDS)

    assert frame is not None
    assert frame.number == 3
    assert (frames.grabbed, frames.passed_over) == (4, 3)
    assert frames.take(0.01) is None


def test_a_source_that_fails_is_opened_again_and_the_reason_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()
    scripts = [Script(iter([1, SourceError("It broke.")])), Script(iter([SourceError("It broke.")])), Script(iter([1]))]
    opened = iter(scripts)

    with caplog.at_level(logging.INFO):
        frames = LatestFrame(Scripts(lambda: next(opened)), rate=100, stop=stop)
        assert frames.ended.wait(SECONDS)

    assert frames.grabbed == 2
    assert all(script.closed for script in scripts)
    assert [record.message for record in caplog.records] == ["camera: It broke.", "camera: frames arrive again"]
    assert frames.trouble is None


def test_opening_that_fails_is_tried_again_too() -> None:
    stop = threading.Event()
    attempts: Iterator[SourceError | Script] = iter([SourceError("Not there."), Script(iter([1]))])

    def open_source() -> Script:
        attempt = next(attempts)
        if isinstance(attempt, Exception):
            raise attempt
        return attempt

    frames = LatestFrame(Scripts(open_source), rate=100, stop=stop)

    assert frames.take(SECONDS) is not None


def test_a_cadence_picks_evenly_and_at_most_at_its_rate() -> None:
    cadence = Cadence(10)

    due = [n for n in range(30) if cadence.due(n / 30)]

    assert due == list(range(0, 30, 3))


def test_a_cadence_does_not_catch_up_after_a_pause() -> None:
    cadence = Cadence(1)

    assert [cadence.due(seconds) for seconds in (0.0, 0.5, 10.0, 10.1, 11.0)] == [True, False, True, False, True]
