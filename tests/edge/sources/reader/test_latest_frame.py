"""The latest frame wins, and a source that fails is opened again."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from camera.sources.frame import Frame, FrameSource, SourceEndedError, SourceError, Timeouts
from camera.sources.reader.latest_frame import LatestFrame

SECONDS = 10.0  # no test waits this long


class Scripts:
    """A camera that is opened as a function says."""

    timeouts = Timeouts()

    def __init__(self, opener: Callable[[], FrameSource]) -> None:
        self.opener = opener

    def open(self, _stop: threading.Event) -> FrameSource:
        return self.opener()

    def should_retry_now(self) -> bool:
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


def test_the_latest_frame_wins_and_skipped_frames_are_counted() -> None:
    stop = threading.Event()
    frames = LatestFrame(Scripts(lambda: Script(iter([1, 1, 1, 1]))), rate=100, stop=stop)
    assert frames.join(SECONDS)

    frame = frames.take(SECONDS)

    assert frame is not None
    assert frame.number == 3
    assert (frames.counters.grabbed, frames.counters.skipped) == (4, 3)
    assert frames.take(0.01) is None


def test_a_source_that_fails_is_opened_again_and_the_reason_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()
    scripts = [Script(iter([1, SourceError("It broke.")])), Script(iter([SourceError("It broke.")])), Script(iter([1]))]
    opened = iter(scripts)

    with caplog.at_level(logging.INFO):
        frames = LatestFrame(Scripts(lambda: next(opened)), rate=100, stop=stop, name="broken")
        assert frames.join(SECONDS)

    assert frames.counters.grabbed == 2
    assert all(script.closed for script in scripts)
    # Another test's reader may still be ending.
    said = [record.message for record in caplog.records if record.message.startswith("broken: ")]
    assert said == ["broken: It broke.", "broken: frames arrive again"]
    assert frames.status.problem is None


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


def test_a_source_that_is_long_unavailable_is_still_tried_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("camera.sources.reader.reader.INITIAL_RETRY_SECONDS", 2.0)  # as after a while
    stop, opened = threading.Event(), list[float]()

    def open_source() -> Script:
        opened.append(time.monotonic())
        if len(opened) == 3:
            stop.set()
        raise SourceError("Not there.")

    frames = LatestFrame(Scripts(open_source), rate=100, stop=stop)

    assert frames.join(SECONDS)
    assert max(later - earlier for earlier, later in pairwise(opened)) < 4


def test_a_source_that_breaks_is_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    broken: Iterator[object] = iter([ZeroDivisionError()])
    scripts = iter([Script(broken), Script(iter([1]))])

    frames = LatestFrame(Scripts(lambda: next(scripts)), rate=100, stop=threading.Event())

    assert frames.take(SECONDS) is not None
    assert "Reading a camera broke" in caplog.text
    assert frames.join(SECONDS)


def test_a_source_with_a_clock_of_its_own_never_steps_back_when_it_is_opened_again() -> None:
    stop = threading.Event()
    steps: Iterator[object] = iter([1, 1, SourceError("It broke.")])
    scripts = iter([Script(steps), Script(iter([1]))])
    frames = LatestFrame(Scripts(lambda: next(scripts)), rate=1000, stop=stop)

    first = frames.take(SECONDS)
    assert frames.join(SECONDS)
    last = frames.take(SECONDS)

    assert first is not None
    assert last is not None
    assert first.seconds < last.seconds
    assert frames.counters.reopened == 1
