"""A heartbeat says whether a process works."""

import json
import logging
from pathlib import Path
from time import monotonic

import pytest

from common.runtime.heartbeat import STALE_SECONDS, Heartbeat, health_problem, is_running


def test_a_running_process_is_as_healthy_as_it_says(tmp_path: Path) -> None:
    file = tmp_path / "beat.json"
    heartbeat = Heartbeat(file, "HEARTBEAT_FILE")

    heartbeat.write({"problem": None})
    assert (is_running(file), health_problem(file, "uploader")) == (True, None)
    heartbeat.write({"problem": "S3 is unavailable"})
    assert (is_running(file), health_problem(file, "uploader")) == (True, "S3 is unavailable")
    heartbeat.remove()
    problem = f"No heartbeat in {file}: the uploader has not started."
    assert (is_running(file), health_problem(file, "uploader")) == (False, problem)


@pytest.mark.parametrize(
    ("age_seconds", "problem"),
    [
        (STALE_SECONDS + 10, "The last heartbeat is 40 s old: the uploader is stuck or has stopped."),
        (-9000, "No heartbeat in {file}: the uploader has not started."),  # from before this machine was restarted
    ],
)
def test_a_heartbeat_of_another_time_does_not_count(tmp_path: Path, age_seconds: float, problem: str) -> None:
    file = tmp_path / "beat.json"
    file.write_text(json.dumps({"written_at": monotonic() - age_seconds, "problem": None}))

    assert not is_running(file)
    assert health_problem(file, "uploader") == problem.format(file=file)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"written_at": "x"}'])
def test_a_damaged_heartbeat_is_a_problem(tmp_path: Path, content: str) -> None:
    file = tmp_path / "beat.json"
    file.write_text(content)

    assert not is_running(file)
    assert "cannot be read" in str(health_problem(file, "uploader"))


def test_a_file_that_cannot_be_written_is_logged_once_until_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "later"
    heartbeat = Heartbeat(folder / "beat.json", "HEARTBEAT_FILE")

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            heartbeat.write({"problem": None})
        folder.mkdir()
        heartbeat.write({"problem": None})

    (line,) = caplog.messages
    assert (
        line
        == f"HEARTBEAT_FILE={folder / 'beat.json'} cannot be written (No such file or directory); choose another file"
    )
