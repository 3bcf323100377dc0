"""A file that somebody replaces is noticed, and not asked for more often than that takes."""

import os
from pathlib import Path
from unittest import mock

import pytest

from common.runtime.files import LOOK_SECONDS, WatchedFile, atomic_write


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "watched"


def test_each_change_is_told_once(file: Path, clock: Clock) -> None:
    watched = WatchedFile(file, clock)

    def write() -> None:
        atomic_write(file, b"1")

    def leave_alone() -> None:
        return

    told = []
    for change in (write, leave_alone, write, file.unlink):
        change()
        clock.now += 2 * LOOK_SECONDS
        told.append(watched.has_changed())

    assert told == [True, False, True, True]
    assert not watched.has_changed()


def test_it_is_asked_for_no_more_often_than_that(file: Path, clock: Clock) -> None:
    watched = WatchedFile(file, clock)
    atomic_write(file, b"1")

    with mock.patch.object(os, "stat", wraps=os.stat) as asked:
        for _ in range(1000):
            watched.has_changed()
        assert asked.call_count == 0
        clock.now += 2 * LOOK_SECONDS
        assert [watched.has_changed() for _ in range(3)] == [True, False, False]
        assert asked.call_count == 1
