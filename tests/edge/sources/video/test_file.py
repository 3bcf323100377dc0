"""Video files: at their own pace, or as fast as possible."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from camera.sources.frame import FrameSource, SourceEndedError
from camera.sources.video.file import FileSource


def seconds_of(source: FrameSource) -> list[float]:
    """The time stamps of all frames until the source ends."""
    times = []
    while True:
        try:
            times.append(source.grab())
        except SourceEndedError:
            return times


def test_a_file_is_read_to_its_end_with_its_own_times(video: Path) -> None:
    times = seconds_of(FileSource(video))

    assert times[:3] == pytest.approx([0.0, 0.1, 0.2])
    assert len(times) > 80


def test_a_frame_of_a_file_that_is_read_fast_has_the_files_time(video: Path) -> None:
    recorded = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
    os.utime(video, (recorded.timestamp(),) * 2)
    source = FileSource(video)

    source.grab()
    first = source.retrieve()
    source.grab()
    second = source.retrieve()

    assert first
    assert second
    assert second.captured_at - first.captured_at == timedelta(seconds=0.1)
    assert timedelta(0) < recorded - first.captured_at < timedelta(seconds=30)


def test_a_played_file_keeps_its_own_pace(video: Path) -> None:
    source = FileSource(video, stop=threading.Event())
    began = time.monotonic()

    for _ in range(6):
        source.grab()

    assert time.monotonic() - began >= 0.5


def test_a_looped_file_goes_on_and_its_clock_never_steps_back(video: Path) -> None:
    once = len(seconds_of(FileSource(video)))
    source = FileSource(video, loop=True)

    times = [source.grab() for _ in range(once * 2 + 5)]

    assert times == sorted(times)
    assert len(set(times)) == len(times)
