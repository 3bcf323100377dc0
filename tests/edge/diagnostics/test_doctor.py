"""The doctor: a line for each thing, what is wrong with its mend; and snapshots."""

import errno
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.config.settings import Settings
from camera.diagnostics import broker
from camera.diagnostics import devices as inventory
from camera.diagnostics.broker import Word
from camera.diagnostics.finding import Finding, ill, known, well
from dev.harness.process import LOOPBACK, Process, free_port, start, until_up
from dev.harness.services import EDGE_FILES, answers_mqtt
from tests.edge.rig import Run
from tests.edge.sources.v4l2.fake_v4l2 import FakeCamera, FakeMachine
from tests.support.mqtt import Client

DAY = 86400


@pytest.fixture
def edge_port(tmp_path: Path) -> Iterator[int]:
    """The shipped edge broker without a token."""
    port, folder = free_port(), tmp_path / "edge-broker"
    folder.mkdir()
    settings = {"EDGE_BROKER_PORT": str(port), "EDGE_BROKER_LISTEN": LOOPBACK, "EDGE_BROKER_DATA": str(folder)}
    process: Process = start("edge", ["sh", str(EDGE_FILES / "start.sh")], folder, settings | {"RUN_DIR": str(folder)})
    until_up(process, lambda: answers_mqtt(port))
    with Client(port) as client:
        client.subscribe("usbcam-bridge/token")
        client.wait_for(1)
    yield port
    process.kill()


def asked(port: int) -> Settings:
    return Settings(edge_broker_host=LOOPBACK, edge_broker_port=port)


def shape(path: Path) -> tuple[int, ...]:
    image = cv2.imread(str(path))
    assert image is not None
    return tuple(image.shape)


def lines(printed: str) -> dict[str, str]:
    """Each line's text, and the sign before it."""
    return {line[2:]: line[0] for line in printed.splitlines()}


def test_the_doctor_says_a_line_for_each_thing_and_what_is_wrong(
    tmp_path: Path, edge_port: int, run_camera: Run
) -> None:
    (tmp_path / "spool").mkdir()

    done = run_camera(
        "doctor", "--shot", "shot.jpg", CAMERA_SOURCE="demo", EDGE_BROKER_PORT=str(edge_port), SPOOL_DIR="spool"
    )

    said = lines(done.stdout)
    assert done.returncode == 1
    assert done.stderr == ""
    for sign, beginning in (
        ("•", "The camera service does not run."),
        ("✔", "camera: a test shot of 1280x720, brightness "),
        ("✔", "The face detector's model is there: "),
        ("✔", f"The edge broker at 127.0.0.1:{edge_port} answers."),
        ("✘", "The bridge to the cloud is down, captures wait: "),
        ("✘", "There is no token: on the cloud host run "),
        ("✔", "The spool spool holds 0 captures (0 MB); "),
    ):
        assert [said[line] for line in said if line.startswith(beginning)] == [sign], beginning
    assert any(line.startswith(f"The clock says {datetime.now(UTC):%Y-%m-%d}") for line in said)
    assert shape(tmp_path / "shot.jpg") == (720, 1280, 3)


def test_an_edge_where_all_is_well_is_told_so(tmp_path: Path, edge_port: int, run_camera: Run) -> None:
    token = {"name": "porch", "host": "cloud.example", "port": 8883, "expires": int(time.time()) + 900 * DAY}
    with Client(edge_port) as client:
        client.publish("usbcam-bridge/state", b"1", retain=True)
        client.publish("usbcam-bridge/token", json.dumps(token).encode(), retain=True)

    done = run_camera("doctor", CAMERA_SOURCE="demo", EDGE_BROKER_PORT=str(edge_port), SPOOL_DIR=str(tmp_path))

    assert "✘" not in done.stdout
    assert "✔ The token of porch for cloud.example:8883 is good until 20" in done.stdout
    assert done.returncode == 0


def test_without_a_broker_it_still_says_the_rest(run_camera: Run) -> None:
    done = run_camera("doctor", CAMERA_SOURCE="7", EDGE_BROKER_PORT="1", SPOOL_DIR="/proc/no/spool")

    said = lines(done.stdout)
    assert done.returncode == 1
    wrong = [line for line, sign in said.items() if sign == "✘"]
    assert [line.split(" (")[0] for line in wrong[1:]] == [
        "camera: Cannot use the camera /dev/video7",
        f"The edge broker at 127.0.0.1:1 does not answer: start it, and see why it ended: {broker.LOGS}",
        "The spool SPOOL_DIR=/proc/no/spool cannot be used",
    ]


def test_several_cameras_are_looked_through_one_after_the_other(tmp_path: Path, run_camera: Run) -> None:
    done = run_camera("doctor", "--shot", "shot.jpg", CAMERAS="front=demo back=demo", EDGE_BROKER_PORT="1")

    assert [line.split(":")[0] for line in lines(done.stdout) if "test shot" in line] == ["front", "back"]
    assert {path.name for path in tmp_path.glob("shot*")} == {"shot-front.jpg", "shot-back.jpg"}


def test_a_dark_picture_is_told(tmp_path: Path, run_camera: Run) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "dark.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    for _ in range(5):
        writer.write(np.zeros((240, 320, 3), np.uint8))
    writer.release()

    done = run_camera("doctor", CAMERA_SOURCE="dark.avi", EDGE_BROKER_PORT="1")

    assert (
        "✘ camera: a test shot of 320x240, brightness 0 of 255, faces 0. It is dark: is the lens covered?"
        in done.stdout
    )


@pytest.mark.parametrize(
    ("status", "finding"),
    [
        (
            {"online": True, "state": "running", "problem": None, "frames_per_second": 9.9},
            "✔ camera: the camera service has it and processes 9.9",
        ),
        ({"online": True, "state": "reconnecting", "problem": "It hangs."}, "✘ camera: It hangs."),
    ],
)
def test_a_camera_that_the_service_has_is_not_taken_from_it(
    edge_port: int, run_camera: Run, status: dict[str, object], finding: str
) -> None:
    with Client(edge_port) as client:
        client.publish("usbcam/status/camera", json.dumps(status).encode(), retain=True)

    done = run_camera("doctor", EDGE_BROKER_PORT=str(edge_port), SPOOL_DIR=".")

    assert "✔ The camera service runs elsewhere and looks through camera." in done.stdout
    assert f"\n{finding}" in done.stdout
    assert "No camera is plugged in: plug one in, or" not in done.stdout  # which the test shot would have said


def test_a_service_in_the_same_container_is_known_by_its_heartbeat(tmp_path: Path, run_camera: Run) -> None:
    now = time.monotonic()
    cameras = {"camera": {"handled_at": now, "no_frames": None}}
    beat = {"at": now, "answered_at": now, "no_spool": None, "waiting": 0, "cameras": cameras}
    (tmp_path / "beat.json").write_text(json.dumps(beat))

    done = run_camera("doctor", CAMERA_SOURCE="demo", EDGE_BROKER_PORT="1", HEARTBEAT_FILE="beat.json")

    assert done.stdout.startswith("✔ The camera service runs. A frame was processed ")


@pytest.mark.parametrize(
    ("days", "finding"),
    [
        (-1, ill("The token of porch expired on {date}: make a new one with enroll porch --renew.")),
        (7.1, known("The token of porch ends in 7 days: make a new one with enroll porch --renew.")),
        (900, well("The token of porch for h:8883 is good until {date}.")),
    ],
)
def test_a_token_is_judged_by_its_days(edge_port: int, days: float, finding: Finding) -> None:
    expires = int(time.time() + days * DAY)
    word = Word(answers=True, bridge="1")
    word.token = json.dumps({"name": "porch", "host": "h", "port": 8883, "expires": expires})

    said = list(broker.findings(asked(edge_port), word))[-1]

    assert said.mark == finding.mark
    assert said.text == finding.text.format(date=f"{datetime.fromtimestamp(expires, UTC):%Y-%m-%d}")


def test_another_broker_than_ours_is_no_fault(edge_port: int) -> None:
    found = list(broker.findings(asked(edge_port), Word(answers=True)))

    assert [finding.mark for finding in found] == ["well", "known", "known"]


def test_nonsense_that_the_broker_keeps_breaks_nothing(edge_port: int) -> None:
    with Client(edge_port) as client:
        for topic in ("usbcam-bridge/state", "usbcam-bridge/token", "usbcam/status/porch"):
            client.publish(topic, b"\xff[1]", retain=True)

    word = broker.ask(asked(edge_port))

    assert [finding.mark for finding in broker.findings(asked(edge_port), word)] == ["well", "known", "ill"]


def test_what_a_camera_can_do_is_listed_and_why_another_is_refused(tmp_path: Path) -> None:
    here = FakeMachine(tmp_path)
    here.plug(FakeCamera())
    here.plug(FakeCamera(serial="", card="Shut", bus="usb-2", fails={"open": errno.EPERM}))

    found = list(inventory.findings(here.registry))

    assert found[0] == well(
        "/dev/video0 is HD Webcam C615 (serial:A1B2C3, uvcvideo, usb-0000:00:14.0-1): "
        "YUYV 1280x720, 640x480, 320x240; MJPG 1280x720, 640x480, 320x240."
    )
    assert [finding.mark for finding in found[1:]] == ["ill", "ill"]
    assert "start it with the shipped docker-compose.edge.yml" in found[1].text


def test_a_snapshot_is_one_frame_in_a_file_or_on_standard_output(tmp_path: Path, run_camera: Run) -> None:
    settings = {"CAMERAS": "front=demo back=demo", "CAMERA_SETTINGS": "back.FRAME_WIDTH=640 back.FRAME_HEIGHT=480"}

    front = run_camera("snapshot", **settings)
    back = run_camera("snapshot", "--camera", "back", "--out", "back.jpg", **settings)

    assert (front.returncode, back.returncode) == (0, 0)
    assert shape(tmp_path / "snapshot.jpg") == (720, 1280, 3)
    assert shape(tmp_path / "back.jpg") == (480, 640, 3)


@pytest.mark.parametrize(
    ("arguments", "settings", "sentence"),
    [
        (
            ["--camera", "no"],
            {"CAMERAS": "front=demo"},
            "camera: --camera no: there is no such camera, there are: front.\n",
        ),
        (["--out", "/proc/no.jpg"], {"CAMERA_SOURCE": "demo"}, "camera: Cannot write /proc/no.jpg (No such file"),
        ([], {"CAMERA_SOURCE": "no.mp4"}, "camera: CAMERA_SOURCE=no.mp4 is not there: name a camera (auto)"),
        ([], {"CAMERAS": "front"}, "camera: CAMERAS: front is not NAME=SOURCE"),
    ],
)
def test_a_snapshot_that_cannot_be_is_one_sentence(
    run_camera: Run, arguments: list[str], settings: dict[str, str], sentence: str
) -> None:
    done = run_camera("snapshot", *arguments, **settings)

    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert done.returncode > 0
