"""The commands that users tune their settings with, and wrong settings."""

import json
import os
import struct
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import pytest

from camera.sources.frame import Image
from common.contract.capture import Capture, TrackInfo
from tests.edge.rig import Run
from tests.edge.sources.video.odd_media import case
from tests.support.programs import launcher

Line = dict[str, Any]  # about a capture


def test_detect_prints_a_line_per_image(tmp_path: Path, face_frame: Image, run_camera: Run) -> None:
    cv2.imwrite(str(tmp_path / "face.png"), face_frame)
    cv2.imwrite(str(tmp_path / "empty.png"), face_frame * 0)

    done = run_camera("detect", "face.png", "empty.png")

    face, empty = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0
    assert empty == {"image": "empty.png", "faces": []}
    assert face["image"] == "face.png"
    assert len(face["faces"][0]["box"]) == 4
    assert face["faces"][0]["score"] > 0.85


def test_detect_goes_on_after_what_is_no_image(tmp_path: Path, face_frame: Image, run_camera: Run) -> None:
    cv2.imwrite(str(tmp_path / "face.png"), face_frame)
    (tmp_path / "notes.txt").write_text("no image")

    done = run_camera("detect", "notes.txt", "missing.png", "face.png")

    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr.splitlines() == [
        "camera: notes.txt is not an image that can be read.",
        "camera: missing.png is not an image that can be read.",
    ]


def test_detect_goes_on_after_what_the_decoder_refuses_and_takes_small_images(
    tmp_path: Path, face_frame: Image, run_camera: Run
) -> None:
    header = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 200, 0, 0, 54, 40, 2_000_000, 1, 1, 24, 0, 0, 0, 0, 0, 0)
    (tmp_path / "wide.bmp").write_bytes(header + bytes(146))
    for width in range(1, 8):
        cv2.imwrite(str(tmp_path / f"{width}.jpg"), face_frame[:6, :width])
    cv2.imwrite(str(tmp_path / "face.png"), face_frame)
    small = [f"{width}.jpg" for width in range(1, 8)]

    done = run_camera("detect", "wide.bmp", *small, "face.png")

    assert done.stderr == "camera: wide.bmp is not an image that can be read.\n"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["image"] for line in lines] == [*small, "face.png"]
    assert lines[-1]["faces"]


def tracks_in_turn(lines: list[Line]) -> list[str]:
    """Name the tracks by the order of their captures, each as often as another came between."""
    return [track for track, _ in groupby(sorted(lines, key=lambda line: line["frame"]), lambda line: line["track"])]


@pytest.mark.parametrize(
    ("visits", "settings"),
    [
        (5, {"FRAME_WIDTH": "320", "FRAME_HEIGHT": "240", "MIN_FACE_PX": "24"}),
        (2, {"FRAME_WIDTH": "640", "FRAME_HEIGHT": "480", "DEMO_VISITS": "2"}),
    ],
)
def test_captures_of_the_demo_end_and_each_of_its_visits_is_captured(
    tmp_path: Path, run_camera: Run, visits: int, settings: dict[str, str]
) -> None:
    done = run_camera("captures", "demo", "--out", "kept", **settings)

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    tracks = tracks_in_turn(lines)
    assert done.returncode == 0
    assert f"The synthetic camera showed {visits} visits" in done.stderr
    assert len(tracks) == len(set(tracks)) == visits  # one after the other
    assert len(list((tmp_path / "kept").iterdir())) == len(lines)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, video: Path) -> tuple[Path, list[Line]]:
    """Return what a video gave, and the lines about it."""
    folder = tmp_path_factory.mktemp("captures")
    environment = {"PATH": os.environ["PATH"]}
    done = launcher.run("camera", "captures", str(video), "--out", "kept", folder=folder, environment=environment)
    assert done.returncode == 0
    return folder, [json.loads(line) for line in done.stdout.splitlines()]


def test_captures_writes_what_would_be_published(kept: tuple[Path, list[Line]]) -> None:
    folder, lines = kept

    assert len({line["track"] for line in lines}) == 2
    assert set(lines[0]) == {"file", "id", "captured_at", "frame", "box", "score", "quality", "track", "shot"}
    for line in lines:
        capture = Capture.parse((folder / line["file"]).read_bytes())
        assert capture.id == line["id"]
        assert str(capture.metadata.box) == ",".join(str(number) for number in line["box"])
        assert capture.metadata.track == TrackInfo(line["track"], line["shot"], line["quality"])


def test_the_contact_sheet_shows_what_was_kept_and_what_was_not_and_why_and_ids_stay_the_same(
    tmp_path: Path, video: Path, kept: tuple[Path, list[Line]], run_camera: Run
) -> None:
    done = run_camera("captures", str(video), "--report", "sheet")

    sheet = (tmp_path / "sheet" / "contact-sheet.html").read_text()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert [line["id"] for line in lines] == [line["id"] for line in kept[1]]
    assert not any("file" in line for line in lines)
    assert sheet.count('<figure class="kept"') == len(lines)
    assert all(f"{line['shot']}, quality {line['quality']:.2f}" in sheet for line in lines)
    assert '<figure class="not"' in sheet
    assert sheet.count("<h2>") == 2


def test_captures_without_a_place_to_write_to_is_a_sentence(video: Path, run_camera: Run) -> None:
    done = run_camera("captures", str(video))

    assert done.returncode == 2
    assert "--report DIR" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_captures_into_a_folder_that_cannot_be_written_is_a_sentence_with_the_option(
    tmp_path: Path, video: Path, run_camera: Run, option: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    others = ("--out", "kept") if option == "--report" else ()

    done = run_camera("captures", str(video), *others, option, "file/below")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"camera: {option} file/below cannot be written: Not a directory."


def test_captures_can_keep_whole_frames_as_jpeg(tmp_path: Path, video: Path, run_camera: Run) -> None:
    run_camera("captures", str(video), "--out", "kept", CAPTURE="frame", IMAGE_FORMAT="jpeg")

    kept = list((tmp_path / "kept").glob("*.jpg"))

    assert kept
    assert cv2.imread(str(kept[0])).shape == (480, 640, 3)  # type: ignore[union-attr]


def test_captures_of_what_is_no_video_is_a_sentence(tmp_path: Path, run_camera: Run) -> None:
    (tmp_path / "notes.txt").write_text("no video")

    done = run_camera("captures", "notes.txt", "--out", "kept")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "camera: notes.txt is not a video that can be read: name a video file (MP4, MKV, AVI, ...).\n"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MIN_SCORE", "7"),
        ("EDGE_BROKER_HOST", "a..b"),
        ("MIN_FACE_PX", "small"),
        ("CAMERA_NAME", "front door"),
        ("CAPTURE", "nose"),
        ("IMAGE_FORMAT", "gif"),
        ("CAPTURE_POLICY", "worst"),
        ("CAPTURES_PER_MINUTE", "0"),
        ("MOTION", "maybe"),
        ("MASKS", "0,0:1,1"),
        ("MASKS", "0,0:2,0:1,1"),
        ("SCHEDULE", "never"),
        ("TIMEZONE", "Mars/Olympus"),
        ("EDGE_BROKER_PORT", "0"),
        ("MQTT_QOS", "3"),
        ("SPOOL_MAX_MB", "-1"),
        ("FILE_AT_END", "explode"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_its_name(run_camera: Run, name: str, value: str) -> None:
    done = run_camera(**{name: value})

    assert done.returncode == 2
    assert done.stderr.startswith(f"camera: {name}={value} must be ")
    assert done.stderr.endswith("; change it in .env\n")
    assert done.stderr.count("\n") == 1


def test_settings_come_from_the_env_file_and_empty_means_default(tmp_path: Path, run_camera: Run) -> None:
    (tmp_path / ".env").write_text("MIN_SCORE=9\nCAPTURE=\nS3_BUCKET=not-mine\n")

    done = run_camera()

    assert done.stderr == "camera: MIN_SCORE=9 must be a number between 0.1 and 1; change it in .env\n"


def test_a_text_file_as_source_is_one_sentence(tmp_path: Path, run_camera: Run) -> None:
    (tmp_path / "notes.txt").write_text("no video")

    done = run_camera(CAMERA_SOURCE="notes.txt")

    assert done.returncode == 2
    assert done.stderr == (
        "camera: CAMERA_SOURCE=notes.txt is not a video that can be read: name a video file (MP4, MKV, AVI, ...).\n"
    )


def test_health_without_a_camera_says_so(tmp_path: Path, run_camera: Run) -> None:
    done = run_camera("health", HEARTBEAT_FILE=str(tmp_path / "none.json"))

    assert done.returncode == 1
    assert done.stdout == f"No heartbeat in {tmp_path}/none.json: the camera has not started.\n"


@pytest.mark.parametrize(
    "name", ["interlaced_testsrc.mp4", "2026-11-22T06:33:25.mp4", "jump_back_1h.ts", "jump_forward_1h.ts"]
)
def test_odd_videos_are_read_to_their_end(name: str, run_camera: Run) -> None:
    done = run_camera("captures", str(case(name)), "--out", "kept")

    assert (done.returncode, done.stderr) == (0, "")


def test_odd_images_each_have_a_line_or_a_sentence(run_camera: Run) -> None:
    images = sorted(str(file) for file in case("exif").parent.rglob("*") if file.suffix in {".jpg", ".png", ".bmp"})

    done = run_camera("detect", *images)

    refused = [line for line in done.stderr.splitlines() if line.endswith("is not an image that can be read.")]
    assert len(refused) == len(done.stderr.splitlines())
    assert len(done.stdout.splitlines()) + len(refused) == len(images)
    assert len(refused) == 1  # the one that claims to be two million wide
