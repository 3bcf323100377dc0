"""What ended the uploader three times is not read again, and nothing else is blamed for it."""

import os
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from dev.harness.process import wait_for
from tests.support.images import pictures
from uploader.ingest.parser import IncomingMessage
from uploader.ingest.poison.guard import MAX_LOSSES, PoisonGuard
from uploader.ingest.poison.in_hand import MAX_UPLOADERS

THREADS = 4
GUILTY, INNOCENT, OTHER = (pictures.message(name.encode(), {}) for name in ("guilty", "innocent", "other"))


def guard(folder: Path) -> PoisonGuard:
    return PoisonGuard(folder / "journal", THREADS)


def die_while_reading(folder: Path, *messages: IncomingMessage) -> None:
    """Run an uploader's reading in a process of its own, and kill that while it has the messages in hand."""
    child = os.fork()
    if child == 0:
        mine = guard(folder)
        with ExitStack() as stack:
            for message in messages:
                stack.enter_context(mine.reading(message))
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def test_a_message_that_is_in_hand_at_three_losses_is_poison(tmp_path: Path) -> None:
    for _ in range(MAX_LOSSES):
        assert not guard(tmp_path).is_poison(GUILTY)
        die_while_reading(tmp_path, GUILTY)

    again = guard(tmp_path)
    assert again.is_poison(GUILTY)
    assert not again.is_poison(INNOCENT)
    again.clear(GUILTY)
    assert not guard(tmp_path).is_poison(GUILTY)


def test_whoever_was_read_beside_it_is_a_suspect_until_it_was_handled(tmp_path: Path) -> None:
    die_while_reading(tmp_path, GUILTY, INNOCENT)
    for _ in range(MAX_LOSSES - 1):
        die_while_reading(tmp_path, GUILTY)

    again = guard(tmp_path)
    assert again.is_poison(GUILTY)
    assert not again.is_poison(INNOCENT)
    with again.reading(INNOCENT):
        pass
    again.clear(INNOCENT)
    die_while_reading(tmp_path, INNOCENT)
    assert not guard(tmp_path).is_poison(INNOCENT)


def test_a_suspect_is_read_alone(tmp_path: Path) -> None:
    die_while_reading(tmp_path, GUILTY)
    again = guard(tmp_path)
    steps: list[str] = []

    def read(message: IncomingMessage, name: str) -> None:
        with again.reading(message):
            steps.append(name)

    with again.reading(INNOCENT):
        suspect = threading.Thread(target=read, args=(GUILTY, "suspect"))
        suspect.start()
        wait_for(lambda: again.waiting_alone == 1, seconds=10, what="the suspect to wait")
        late = threading.Thread(target=read, args=(OTHER, "late"))
        late.start()
        steps.append("first")
    for thread in (suspect, late):
        thread.join(10)

    assert steps == ["first", "suspect", "late"]


def test_an_uploader_that_stops_or_fails_to_read_blames_nothing(tmp_path: Path) -> None:
    stopped = guard(tmp_path)
    with stopped.reading(GUILTY):
        stopped.close()
        die_while_reading(tmp_path, OTHER)
    with pytest.raises(ValueError, match="spoilt"), guard(tmp_path).reading(GUILTY):
        raise ValueError("spoilt")
    guard(tmp_path)

    assert (tmp_path / "journal" / "suspects.json").read_text().count(":") == 1


def test_what_a_thread_or_the_connection_ended_of_is_counted_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = guard(tmp_path)
    with ours.reading(GUILTY):
        ours.blame_hogs()  # in hand for a moment only
        monkeypatch.setattr("uploader.ingest.poison.guard.HOGGING_SECONDS", -1.0)
        for _ in range(MAX_LOSSES - 1):
            ours.blame_hogs()
    assert not ours.is_poison(GUILTY)
    ours.blame(GUILTY)

    assert ours.is_poison(GUILTY)


def test_uploaders_share_a_folder_and_know_who_lives(tmp_path: Path) -> None:
    first, second = guard(tmp_path), guard(tmp_path)
    with first.reading(INNOCENT):
        for _ in range(MAX_LOSSES):
            die_while_reading(tmp_path, GUILTY)

    assert guard(tmp_path).is_poison(GUILTY)
    wait_for(lambda: first.is_poison(GUILTY) and second.is_poison(GUILTY), seconds=20, what="the other uploaders")
    assert not second.is_poison(INNOCENT)


@pytest.mark.parametrize("content", [b"", b"[", b"[" * 100_000, b"[1]", b'{"a": "b"}', b"\xff", b'{"a": 1e999}'])
def test_a_damaged_journal_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal").mkdir()
    for name in ("suspects.json", "in-hand.0", "in-hand.7"):
        (tmp_path / "journal" / name).write_bytes(content)

    assert not guard(tmp_path).is_poison(GUILTY)


def test_without_a_folder_it_says_so_and_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "journal").write_text("a file")

    with guard(tmp_path).reading(GUILTY):
        pass

    assert "JOURNAL_DIR=" in caplog.text
    assert "name a folder that can be written" in caplog.text
    assert MAX_UPLOADERS >= 100  # as many as UPLOADERS may be
