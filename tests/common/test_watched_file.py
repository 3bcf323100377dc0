"""A file that somebody replaces is followed, and not asked for more often than that takes."""

import os
import threading
from pathlib import Path
from unittest import mock

import pytest

from common.runtime.files import LOOK_SECONDS, WatchedFile, atomic_write


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self) -> None:
        self.now += 2 * LOOK_SECONDS


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "watched"


def parse(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b"none"


def test_what_is_written_replaced_or_deleted_is_followed(file: Path, clock: Clock) -> None:
    watched = WatchedFile(file, parse, clock)
    seen = [watched.content]
    for content in (b"1", b"2", b"2"):
        atomic_write(file, content)
        clock.pass_by()
        seen.append(watched.content)
    file.unlink()
    clock.pass_by()

    assert [*seen, watched.content] == [b"none", b"1", b"2", b"2", b"none"]


def test_it_is_asked_for_no_more_often_than_that_and_read_only_when_it_is_new(file: Path, clock: Clock) -> None:
    reads: list[Path] = []
    watched = WatchedFile(file, reads.append, clock)
    atomic_write(file, b"1")

    with mock.patch.object(os, "stat", wraps=os.stat) as asked:
        for _ in range(5):
            for _ in range(1000):
                assert watched.content is None
            clock.pass_by()

    assert asked.call_count == 4
    assert len(reads) == 2


def test_who_has_replaced_it_need_not_wait(file: Path, clock: Clock) -> None:
    watched = WatchedFile(file, parse, clock)
    atomic_write(file, b"1")
    watched.read_now()

    assert watched.content == b"1"


def test_an_old_content_that_took_its_time_does_not_replace_a_new_one(file: Path, clock: Clock) -> None:
    atomic_write(file, b"1")
    is_read, may_go_on = threading.Event(), threading.Event()

    def parse_slowly(file: Path) -> bytes:
        content = file.read_bytes()
        if content == b"2":
            is_read.set()
            may_go_on.wait(20)
        return content

    watched = WatchedFile(file, parse_slowly, clock)
    atomic_write(file, b"2")
    clock.pass_by()
    slow = threading.Thread(target=lambda: watched.content)
    slow.start()
    assert is_read.wait(20)
    atomic_write(file, b"3")
    clock.pass_by()
    assert watched.content == b"1"  # nobody waits for whoever reads
    may_go_on.set()
    slow.join()
    clock.pass_by()

    assert watched.content == b"3"
