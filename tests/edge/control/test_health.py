"""The health check judges progress."""

import json
import time
from pathlib import Path

import pytest

from camera.control.health_check import HealthReport, health, is_running


def heartbeat(path: Path, **changes: object) -> Path:
    """A heartbeat of just now, with changes; ages are in seconds."""
    now = time.monotonic()
    content: dict[str, object] = {"spool_problem": None, "waiting": 0}
    camera: dict[str, object] = {"problem": changes.pop("problem", None)}
    for key, where in (("written_at", content), ("frame_at", camera), ("broker_answered_at", content)):
        age = changes.pop(key, 0)
        where[key] = None if age is None else now - float(str(age))
    path.write_text(json.dumps({"cameras": {"front": camera}} | content | changes))
    return path


def test_a_camera_that_makes_progress_is_healthy(tmp_path: Path) -> None:
    report = health(heartbeat(tmp_path / "beat.json", waiting=3))

    assert report.healthy
    assert report.message.endswith("3 wait.")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"written_at": 60, "frame_at": 60}, "the camera is stuck"),
        ({"frame_at": 60}, "No frame was processed for 60 s: check CAMERA_SOURCE"),
        ({"frame_at": None}, "No frame was processed for as long as it runs: check CAMERA_SOURCE"),
        ({"broker_answered_at": None}, "The broker has not answered for as long as it runs"),
        ({"frame_at": 60, "problem": "No camera is there."}, "No camera is there."),
        ({"broker_answered_at": 60}, "The broker has not answered for 60 s"),
        ({"spool_problem": "The disk is full."}, "The disk is full."),
    ],
)
def test_a_camera_without_progress_is_not_healthy_and_says_why(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    report = health(heartbeat(tmp_path / "beat.json", **changes))

    assert not report.healthy
    assert message in report.message


def test_a_heartbeat_from_before_the_machine_was_restarted_does_not_count(tmp_path: Path) -> None:
    assert health(heartbeat(tmp_path / "beat.json", written_at=-9000)) == HealthReport(
        f"No heartbeat in {tmp_path / 'beat.json'}: the camera has not started.",
    )


def test_only_a_fresh_heartbeat_says_that_a_camera_runs(tmp_path: Path) -> None:
    path = tmp_path / "beat.json"

    assert is_running(heartbeat(path), "front")
    assert not is_running(heartbeat(path), "back")
    assert not is_running(heartbeat(path, written_at=37), "front")
    assert not is_running(tmp_path / "none.json", "front")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"written_at": "x"}'])
def test_a_damaged_heartbeat_is_not_healthy(tmp_path: Path, content: str) -> None:
    path = tmp_path / "beat.json"
    path.write_text(content)

    assert health(path).healthy is False


def test_one_camera_of_two_without_frames_is_named(tmp_path: Path) -> None:
    now = time.monotonic()
    fine = {"frame_at": now, "problem": None}
    away = {"frame_at": None, "problem": "No camera is there."}
    path = heartbeat(tmp_path / "beat.json", cameras={"front": fine, "porch": away})

    assert health(path) == HealthReport("porch: No camera is there.")
