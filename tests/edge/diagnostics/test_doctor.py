"""The doctor: a line for each thing, and how to fix what failed; and snapshots."""

import errno
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.config.settings import Settings
from camera.diagnostics.broker import BrokerSnapshot, check_broker, read_retained
from camera.diagnostics.devices import check_devices
from camera.sources.v4l2.device import fourcc_name
from common.runtime.check_result import CheckResult, Status, failed, info, passed, warned
from dev.harness.process import LOOPBACK, Process, free_port, start, until_up
from dev.harness.services import EDGE_FILES, answers_mqtt
from tests.edge.rig import Run
from tests.edge.sources.v4l2.fake_v4l2 import FakeCamera, FakeMachine
from tests.support.mqtt import Client

DAY = 86400
START = "sh mosquitto/edge/start.sh"  # the tests' parts are plain processes
Retain = Callable[[str, bytes], None]


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


@pytest.fixture
def retain(tmp_path: Path, edge_port: int) -> Retain:
    """Leaves a retained message with the broker, as the bridge's start script or the camera would."""
    folder = tmp_path / "edge-broker"

    def publish(topic: str, payload: bytes) -> None:
        start_secret = (folder / "mosquitto_pub").read_text(encoding="ascii").split()[-1]
        camera_secret = (folder / "camera-password").read_text(encoding="ascii").strip()
        client = Client(edge_port)
        client.login(*(("start", start_secret) if topic.startswith("usbcam-bridge/") else ("camera", camera_secret)))
        with client:
            client.publish(topic, payload, retain=True)

    return publish


def asked(port: int) -> Settings:
    return Settings(edge_broker_host=LOOPBACK, edge_broker_port=port)


def shape(path: Path) -> tuple[int, ...]:
    image = cv2.imread(str(path))
    assert image is not None
    return tuple(image.shape)


def results(printed: str) -> list[CheckResult]:
    """Read what was printed."""
    return [CheckResult(Status(line[:9].strip()), line[9:25].strip(), line[27:]) for line in printed.splitlines()]


def test_the_doctor_says_a_line_for_each_thing_and_what_is_wrong(
    tmp_path: Path, edge_port: int, run_camera: Run
) -> None:
    (tmp_path / "spool").mkdir()

    done = run_camera(
        "doctor", "--shot", "shot.jpg", CAMERA_SOURCE="demo", EDGE_BROKER_PORT=str(edge_port), SPOOL_DIR="spool"
    )

    said = results(done.stdout)
    assert done.returncode == 1
    assert done.stderr == ""
    for expected in (
        info("service", "The camera service does not run."),
        passed("camera", "A test shot of 1280x720, brightness "),
        passed("model", "The face detector's model is there: "),
        passed("broker", f"The edge broker at 127.0.0.1:{edge_port} answers."),
        failed("bridge", "The bridge to the cloud is down, captures wait: "),
        failed("token", "There is no token: on the cloud host run "),
        passed("spool", "The spool spool holds 0 captures (0 MB); "),
    ):
        (found,) = (result for result in said if result.message.startswith(expected.message))
        assert (found.status, found.subject) == (expected.status, expected.subject)
    assert any(result.message.startswith(f"The clock says {datetime.now(UTC):%Y-%m-%d}") for result in said)
    assert shape(tmp_path / "shot.jpg") == (720, 1280, 3)


def test_nothing_fails_on_a_healthy_edge(tmp_path: Path, edge_port: int, retain: Retain, run_camera: Run) -> None:
    token = {"name": "porch", "host": "cloud.example", "port": 8883, "expires": int(time.time()) + 900 * DAY}
    retain("usbcam-bridge/state", b"1")
    retain("usbcam-bridge/token", json.dumps(token).encode())

    done = run_camera("doctor", CAMERA_SOURCE="demo", EDGE_BROKER_PORT=str(edge_port), SPOOL_DIR=str(tmp_path))

    assert "FAIL" not in done.stdout
    assert passed("token", "The token of porch for cloud.example:8883 is valid until 20").line() in done.stdout
    assert done.returncode == 0


def test_without_a_broker_it_still_says_the_rest(run_camera: Run) -> None:
    done = run_camera("doctor", CAMERA_SOURCE="7", EDGE_BROKER_PORT="1", SPOOL_DIR="/proc/no/spool")

    assert done.returncode == 1
    silent = "The edge broker at 127.0.0.1:1 does not answer"
    failures = [result for result in results(done.stdout) if result.status is Status.FAIL]
    assert [(result.subject, result.message.split(" (")[0]) for result in failures[1:]] == [
        ("camera", "Cannot use the camera /dev/video7"),
        (
            "broker",
            f"{silent}: {START} starts it, and the output of {START} says why it stopped.",
        ),
        ("spool", "The spool SPOOL_DIR=/proc/no/spool cannot be used"),
    ]


def test_several_cameras_are_checked_one_after_the_other(tmp_path: Path, run_camera: Run) -> None:
    done = run_camera("doctor", "--shot", "shot.jpg", CAMERAS="front=demo back=demo", EDGE_BROKER_PORT="1")

    assert [result.subject for result in results(done.stdout) if "test shot" in result.message] == ["front", "back"]
    assert {path.name for path in tmp_path.glob("shot*")} == {"shot-front.jpg", "shot-back.jpg"}


def test_a_dark_image_fails(tmp_path: Path, run_camera: Run) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "dark.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    for _ in range(5):
        writer.write(np.zeros((240, 320, 3), np.uint8))
    writer.release()

    done = run_camera("doctor", CAMERA_SOURCE="dark.avi", EDGE_BROKER_PORT="1")

    message = "A test shot of 320x240, brightness 0 of 255, faces 0. It is dark: is the lens covered?"
    assert failed("camera", message) in results(done.stdout)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (
            {"online": True, "state": "running", "problem": None, "frames_per_second": 9.9},
            passed("camera", "The camera service has it and processes 9.9"),
        ),
        ({"online": True, "state": "reconnecting", "problem": "It hangs."}, failed("camera", "It hangs.")),
    ],
)
def test_a_camera_that_the_service_has_is_not_taken_from_it(
    edge_port: int, retain: Retain, run_camera: Run, status: dict[str, object], expected: CheckResult
) -> None:
    retain("usbcam/status/camera", json.dumps(status).encode())

    done = run_camera("doctor", EDGE_BROKER_PORT=str(edge_port), SPOOL_DIR=".")

    assert passed("service", "The camera service runs elsewhere and uses camera.") in results(done.stdout)
    assert f"\n{expected.line()}" in done.stdout
    assert "No camera is plugged in: plug one in, or" not in done.stdout  # which the test shot would have said


def test_a_service_in_the_same_container_is_known_by_its_heartbeat(tmp_path: Path, run_camera: Run) -> None:
    now = time.monotonic()
    cameras = {"camera": {"frame_at": now, "problem": None}}
    heartbeat = {"written_at": now, "broker_answered_at": now, "spool_problem": None, "waiting": 0, "cameras": cameras}
    (tmp_path / "beat.json").write_text(json.dumps(heartbeat))

    done = run_camera("doctor", CAMERA_SOURCE="demo", EDGE_BROKER_PORT="1", HEARTBEAT_FILE="beat.json")

    assert done.stdout.startswith(passed("service", "The camera service runs. A frame was processed ").line())


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (
            -1,
            failed(
                "token", "The token of porch expired on {date}: make a new one on the cloud host: ./usbcam renew porch."
            ),
        ),
        (
            7.1,
            warned(
                "token", "The token of porch expires in 7 days: make a new one on the cloud host: ./usbcam renew porch."
            ),
        ),
        (900, passed("token", "The token of porch for h:8883 is valid until {date}.")),
    ],
)
def test_a_token_is_judged_by_its_days(edge_port: int, days: float, expected: CheckResult) -> None:
    expires = int(time.time() + days * DAY)
    snapshot = BrokerSnapshot(answers=True, bridge="1")
    snapshot.token = json.dumps({"name": "porch", "host": "h", "port": 8883, "expires": expires})

    said = list(check_broker(asked(edge_port), snapshot))[-1]

    assert (said.status, said.subject) == (expected.status, expected.subject)
    assert said.message == expected.message.format(date=f"{datetime.fromtimestamp(expires, UTC):%Y-%m-%d}")


def test_another_broker_than_ours_is_no_fault(edge_port: int) -> None:
    found = list(check_broker(asked(edge_port), BrokerSnapshot(answers=True)))

    assert [result.status for result in found] == [Status.PASS, Status.INFO, Status.INFO]


def test_nonsense_that_the_broker_keeps_breaks_nothing(edge_port: int, retain: Retain) -> None:
    for topic in ("usbcam-bridge/state", "usbcam-bridge/token", "usbcam/status/porch"):
        retain(topic, b"\xff[1]")

    snapshot = read_retained(asked(edge_port))

    found = list(check_broker(asked(edge_port), snapshot))
    assert [result.status for result in found] == [Status.PASS, Status.INFO, Status.FAIL]


def test_what_a_camera_can_do_is_listed_and_why_another_is_refused(tmp_path: Path) -> None:
    here = FakeMachine(tmp_path)
    here.plug(FakeCamera())
    here.plug(FakeCamera(serial="", card="Shut", bus="usb-2", fails={"open": errno.EPERM}))

    found = list(check_devices(here.registry))

    assert found[0] == passed(
        "/dev/video0",
        "HD Webcam C615 (serial:A1B2C3, uvcvideo, usb-0000:00:14.0-1): "
        "YUYV 1280x720, 640x480, 320x240; MJPG 1280x720, 640x480, 320x240.",
    )
    assert [result.status for result in found[1:]] == [Status.FAIL, Status.FAIL]
    assert "start it with the shipped docker-compose.edge.yml" in found[1].message


def test_no_pixel_format_ends_the_doctor_or_fills_its_line(tmp_path: Path) -> None:
    here = FakeMachine(tmp_path)
    names = [fourcc_name(number) for number in (0xA0363159, 0xFFFFFFFF, 0, *range(80))]
    here.plug(FakeCamera(sizes=dict.fromkeys(names, ())))

    (found, *_) = check_devices(here.registry)

    assert found.status is Status.PASS
    assert "Y16 -BE" in found.message
    assert "more" in found.message
    assert len(found.message) < 400


def test_a_camera_that_udev_has_not_granted_yet_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("camera.sources.v4l2.discovery.GRANT_SECONDS", 60.0)
    here, camera = FakeMachine(tmp_path), FakeCamera(fails={"open": errno.EACCES})
    here.plug(camera)
    threading.Timer(0.3, camera.fails.clear).start()

    (found,) = check_devices(here.registry)

    assert found.status is Status.PASS


def test_what_a_camera_calls_itself_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    here = FakeMachine(tmp_path)
    here.plug(FakeCamera(serial="A\x1b[2J\nB"))

    (found, *_) = check_devices(here.registry)

    assert "(serial:A?[2J?B, " in found.message


def test_cameras_with_one_serial_are_told_apart_by_their_ports(tmp_path: Path) -> None:
    here = FakeMachine(tmp_path)
    (here.devices / "v4l/by-path").mkdir()
    for number in (1, 2):
        node = here.plug(FakeCamera(bus=f"usb-{number}"))
        (here.devices / f"v4l/by-path/pci-usb-{number}-index0").symlink_to(node)

    found = list(check_devices(here.registry))

    assert (
        warned(
            "devices",
            "2 cameras have the serial A1B2C3: name each by its port, "
            "/dev/v4l/by-path/pci-usb-1-index0, /dev/v4l/by-path/pci-usb-2-index0.",
        )
        in found
    )


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
