"""The health check judges progress."""

import json
import time
from pathlib import Path

import pytest

from camera.control.health import beats, health


def beat(path: Path, **changes: object) -> Path:
    """A heartbeat of just now, with changes; ages are in seconds."""
    now = time.monotonic()
    content: dict[str, object] = {"no_spool": None, "waiting": 0}
    camera: dict[str, object] = {"no_frames": changes.pop("no_frames", None)}
    for key, where in (("at", content), ("handled_at", camera), ("answered_at", content)):
        age = changes.pop(key, 0)
        where[key] = None if age is None else now - float(str(age))
    path.write_text(json.dumps({"cameras": {"front": camera}} | content | changes))
    return path


def test_a_camera_that_makes_progress_is_well(tmp_path: Path) -> None:
    well, sentence = health(beat(tmp_path / "beat.json", waiting=3))

    assert well
    assert sentence.endswith("3 wait.")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"at": 60, "handled_at": 60}, "the camera is stuck"),
        ({"handled_at": 60}, "No frame was handled for 60 s: check CAMERA_SOURCE"),
        ({"handled_at": None}, "No frame was handled for as long as it runs: check CAMERA_SOURCE"),
        ({"answered_at": None}, "The broker has not answered for as long as it runs"),
        ({"handled_at": 60, "no_frames": "No camera is there."}, "No camera is there."),
        ({"answered_at": 60}, "The broker has not answered for 60 s"),
        ({"no_spool": "The disk is full."}, "The disk is full."),
    ],
)
def test_a_camera_without_progress_is_not_well_and_says_why(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    well, said = health(beat(tmp_path / "beat.json", **changes))

    assert not well
    assert sentence in said


def test_a_heartbeat_of_before_the_machine_was_started_anew_is_none(tmp_path: Path) -> None:
    assert health(beat(tmp_path / "beat.json", at=-9000)) == (
        False,
        f"No heartbeat in {tmp_path / 'beat.json'}: the camera has not started.",
    )


def test_only_a_fresh_heartbeat_says_that_a_camera_runs(tmp_path: Path) -> None:
    path = tmp_path / "beat.json"

    assert beats(beat(path), "front")
    assert not beats(beat(path), "back")
    assert not beats(beat(path, at=37), "front")
    assert not beats(tmp_path / "none.json", "front")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"at": "x"}'])
def test_a_damaged_heartbeat_is_not_well(tmp_path: Path, content: str) -> None:
    path = tmp_path / "beat.json"
    path.write_text(content)

    assert health(path)[0] is False


def test_one_camera_of_two_without_frames_is_named(tmp_path: Path) -> None:
    now = time.monotonic()
    well = {"handled_at": now, "no_frames": None}
    away = {"handled_at": None, "no_frames": "No camera is there."}
    path = beat(tmp_path / "beat.json", cameras={"front": well, "porch": away})

    assert health(path) == (False, "porch: No camera is there.")
