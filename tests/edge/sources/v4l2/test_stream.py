"""USB cameras as the kernel shows them: found, negotiated with, read, and told why not. No camera is needed."""

import errno
import logging
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.config.settings import Settings
from camera.config.source_spec import DeviceSpec
from camera.sources.frame import Frame, Image, SourceError
from camera.sources.v4l2 import stream as device
from camera.sources.v4l2.camera import V4l2Camera
from camera.sources.v4l2.decode import STANDARD_TABLES, add_huffman_tables, decode, is_complete_jpeg
from camera.sources.v4l2.discovery import DeviceRegistry
from camera.sources.v4l2.errors import explain_os_error
from tests.edge.sources.v4l2.fake_v4l2 import FakeCamera, FakeMachine

STOP = threading.Event()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[FakeMachine]:
    machine = FakeMachine(tmp_path)
    yield machine
    assert not machine.open_nodes  # whatever a test did, nothing is left open


def attached(
    here: FakeMachine, source: str = "auto", registry: DeviceRegistry | None = None, /, **settings: object
) -> V4l2Camera:
    """`registry`: what several cameras of one process have in common."""
    small = {"frame_width": 320, "frame_height": 240, "frame_rate": 30}
    given = Settings.model_validate({"camera_source": source, **small, **settings})
    assert isinstance(given.source, DeviceSpec)
    return V4l2Camera(given.source, given, registry or here.registry)


def trouble(camera: V4l2Camera) -> str:
    with pytest.raises(SourceError) as caught:
        camera.open(STOP)
    return str(caught.value)


def one_frame(camera: V4l2Camera) -> Frame:
    source = camera.open(STOP)
    source.grab()
    frame = source.retrieve()
    source.close()
    assert frame is not None
    return frame


@pytest.mark.parametrize(
    "source", ["auto", "0", "/dev/video0", "serial:A1B2C3", "/dev/v4l/by-id/usb-HD_Webcam_C615_A1B2C3-video-index0"]
)
def test_a_camera_is_known_by_each_of_its_names(here: FakeMachine, source: str) -> None:
    here.plug(FakeCamera())
    here.plug(FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2"))
    camera = attached(here, source)

    frame = one_frame(camera)

    assert frame.image.shape == (240, 320, 3)
    assert camera.negotiated == "HD Webcam C615 (/dev/video0): MJPG 320x240 at 30 frames a second"


def test_the_second_camera_is_known_by_its_serial(here: FakeMachine) -> None:
    here.plug(FakeCamera())
    here.plug(FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2"))
    camera = attached(here, "serial:Z9")

    one_frame(camera)

    assert camera.negotiated.startswith("Other (/dev/video2)")


def test_auto_passes_over_a_camera_that_is_in_use(here: FakeMachine) -> None:
    busy = FakeCamera(fails={"set_format": errno.EBUSY})
    here.plug(busy)
    here.plug(FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2"))
    camera = attached(here)

    one_frame(camera)

    assert camera.negotiated.startswith("Other")


def test_auto_prefers_a_usb_camera_to_what_a_board_has(here: FakeMachine) -> None:
    here.plug(FakeCamera(card="rp1-cfe", bus="platform:1f00110000.csi", on_usb=False))
    here.plug(FakeCamera())
    camera = attached(here)

    one_frame(camera)

    assert camera.negotiated.startswith("HD Webcam C615 (/dev/video2)")


def test_a_metadata_node_is_refused_and_the_right_one_named(here: FakeMachine) -> None:
    here.plug(FakeCamera())

    assert trouble(attached(here, "1")) == (
        "/dev/video1 gives no images, it is for HD Webcam C615's metadata or output: set CAMERA_SOURCE=/dev/video0."
    )


def test_a_wrong_serial_is_answered_with_those_that_are_there(here: FakeMachine) -> None:
    here.plug(FakeCamera())
    here.plug(FakeCamera(card="Cheap", serial="", bus="usb-0000:00:14.0-2"))

    assert trouble(attached(here, "serial:XYZ")) == (
        "No camera with CAMERA_SOURCE=serial:XYZ is plugged in. "
        "Serials that are: /dev/video0: A1B2C3, /dev/video2: none."
    )


def test_without_any_camera_it_says_so(here: FakeMachine) -> None:
    assert trouble(attached(here)).startswith("No camera is plugged in: plug one in")
    assert "/dev/video7 (No such file or directory): no camera is plugged in there" in trouble(attached(here, "7"))


@pytest.mark.parametrize(
    ("call", "error", "mend"),
    [
        ("open", errno.EACCES, "VIDEO_GID"),
        ("open", errno.EPERM, "docker-compose.edge.yml"),
        ("open", errno.ENXIO, "plug it in again"),
        ("set_format", errno.EBUSY, "another program uses the camera; close it"),
        ("start", errno.EBUSY, "another program uses the camera; close it"),
        ("start", errno.ENODEV, "plug it in again"),
        ("dequeue", errno.EIO, "cable"),
    ],
)
def test_each_refusal_of_the_system_has_its_mend(here: FakeMachine, call: str, error: int, mend: str) -> None:
    here.plug(FakeCamera(fails={call: error}))

    said = trouble(attached(here))

    assert said.startswith(f"Cannot use the camera /dev/video0 ({os.strerror(error)})")
    assert mend in said
    assert said.count(".") <= 2 + said.count(".yml")


def test_the_group_that_the_node_has_is_named(tmp_path: Path) -> None:
    node = tmp_path / "video0"
    node.touch()
    node.chmod(0o660)
    denied = PermissionError(errno.EACCES, "Permission denied")

    assert f"set VIDEO_GID={node.stat().st_gid} in .env" in explain_os_error(denied, node, tmp_path)
    node.chmod(0o600)
    assert "only its owner may use it" in explain_os_error(denied, node, tmp_path)


def test_it_asks_for_mjpg_and_tells_what_it_got(here: FakeMachine, caplog: pytest.LogCaptureFixture) -> None:
    here.plug(FakeCamera(rates=(10.0,)))

    with caplog.at_level(logging.INFO):
        one_frame(attached(here, frame_width=800, frame_height=600, frame_rate=15))

    assert [record.message for record in caplog.records] == [
        "Opened /dev/video0: MJPG 640x480 at 10 frames a second",
        "/dev/video0 gives 640x480 and not 800x600",
    ]


@pytest.mark.parametrize(
    "camera", [FakeCamera(sizes={"YUYV": ((320, 240),)}), FakeCamera(sets_instead="YUYV")], ids=["absent", "refused"]
)
def test_a_camera_without_mjpg_gives_raw_pictures_and_a_warning(
    here: FakeMachine, caplog: pytest.LogCaptureFixture, camera: FakeCamera
) -> None:
    here.plug(camera)

    frame = one_frame(attached(here))

    assert frame.image.shape == (240, 320, 3)
    assert 10 < frame.image.mean() < 120
    assert frame.jpeg is None
    assert "/dev/video0 gives YUYV and not MJPG" in caplog.text


def test_a_camera_that_only_has_what_nobody_understands_is_refused(here: FakeMachine) -> None:
    here.plug(FakeCamera(sizes={"H264": ALL}, sets_instead="H264"))

    assert trouble(attached(here)) == "The camera /dev/video0 gives H264, none of which is understood."


ALL = ((320, 240),)


def test_without_bandwidth_it_takes_fewer_frames_and_then_smaller_ones(
    here: FakeMachine, caplog: pytest.LogCaptureFixture
) -> None:
    camera = FakeCamera(bandwidth=1280 * 720 * 8)
    here.plug(camera)
    wanted: dict[str, object] = {"frame_width": 1280, "frame_height": 720, "frame_rate": 15}
    slower, smaller = attached(here, "auto", **wanted), attached(here, "auto", **wanted)

    one_frame(slower)
    camera.bandwidth = 640 * 480 * 20
    one_frame(smaller)

    assert slower.negotiated.endswith("MJPG 1280x720 at 7.5 frames a second")
    assert smaller.negotiated.endswith("MJPG 640x480 at 15 frames a second")
    assert "no USB bandwidth for MJPG 1280x720 at 15 frames a second, trying less" in caplog.text


def test_without_any_bandwidth_it_speaks_of_the_bus_and_not_of_the_disk(here: FakeMachine) -> None:
    here.plug(FakeCamera(bandwidth=0))

    said = trouble(attached(here))

    assert "its USB bandwidth is taken by other devices (this is not about disks)" in said


def test_a_frame_has_the_drivers_time_and_the_cameras_own_jpeg(here: FakeMachine) -> None:
    here.plug(FakeCamera())
    source = attached(here).open(STOP)

    seconds = source.grab()
    now, wall = time.monotonic(), datetime.now(UTC)
    frame = source.retrieve()
    source.close()

    assert frame
    assert frame.seconds == seconds
    assert 0.019 < now - seconds < 1
    assert (wall - frame.captured_at).total_seconds() == pytest.approx(now - seconds, abs=0.01)
    assert frame.jpeg
    again = decode(frame.jpeg)
    assert again is not None
    assert np.array_equal(again, frame.image)


def test_without_the_drivers_time_the_arrival_counts(here: FakeMachine) -> None:
    here.plug(FakeCamera(clock=False))
    source = attached(here).open(STOP)

    before = time.monotonic()
    source.grab()
    seconds = source.grab()
    source.close()

    assert before <= seconds <= time.monotonic()


@pytest.mark.parametrize(
    "fault",
    [
        {"spoil": lambda jpeg: jpeg[: len(jpeg) // 2]},
        {"spoil": lambda jpeg: jpeg[:-2]},
        {"spoil": lambda _: b""},
        {"spoil": lambda jpeg: b"\xff\xd8" + bytes(200) + jpeg[-2:]},
        {"damaged": True},
    ],
    ids=["truncated", "without its end", "empty", "nonsense", "marked by the driver"],
)
def test_a_damaged_picture_is_refused(here: FakeMachine, fault: dict[str, object]) -> None:
    camera = FakeCamera()
    here.plug(camera)
    source = attached(here).open(STOP)
    source.grab()
    assert source.retrieve() is not None

    for name, value in fault.items():
        setattr(camera, name, value)
    source.grab()
    source.grab()

    assert source.retrieve() is None
    source.close()


def test_a_camera_that_sends_damaged_pictures_only_is_opened_again(
    here: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "CORRUPT_SECONDS", 0.1)
    here.plug(FakeCamera(damaged=True))
    source = attached(here).open(STOP)

    with pytest.raises(SourceError, match="sends damaged images only: try another cable"):
        look_for(source, seconds=5)
    source.close()


def test_the_frame_before_given_as_a_success_is_refused(here: FakeMachine) -> None:
    camera = FakeCamera()
    here.plug(camera)
    source = attached(here).open(STOP)
    source.grab()
    source.grab()

    camera.repeats = True

    with pytest.raises(SourceError, match="sends nothing"):
        source.grab()
    assert source.retrieve() is None
    source.close()


def test_a_silent_camera_is_given_up_after_two_seconds(here: FakeMachine) -> None:
    camera = FakeCamera()
    here.plug(camera)
    source = attached(here).open(STOP)
    source.grab()
    camera.silent = True
    began = time.monotonic()

    with pytest.raises(SourceError, match="sends nothing; opening it again"):
        source.grab()

    assert time.monotonic() - began >= device.FRAME_TIMEOUT_SECONDS
    assert source.retrieve() is None
    source.close()


def test_a_camera_may_be_silent_as_long_as_its_rate_asks(here: FakeMachine) -> None:
    assert attached(here, frame_rate=0.1).timeouts.grab_seconds > 30
    assert attached(here, frame_rate=30).timeouts.grab_seconds < 3


def test_a_frozen_picture_is_noticed_and_tried_again_once(here: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "FROZEN_SECONDS", 0.2)
    here.plug(FakeCamera(frozen=True))
    camera = attached(here)
    source = camera.open(STOP)

    with pytest.raises(SourceError, match="image of the camera /dev/video0 is frozen"):
        look_for(source, seconds=5)
    source.close()
    source = camera.open(STOP)

    look_for(source, seconds=0.5)  # a still picture then, like that of a grabber without a signal
    source.close()


def look_for(source: device.V4l2Stream, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        source.grab()
        source.retrieve()


def test_the_same_camera_is_followed_to_another_number(here: FakeMachine) -> None:
    ours, other = FakeCamera(), FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2")
    here.plug(ours)
    here.plug(other)
    by_auto, by_number, by_port = attached(here), attached(here, "0"), attached(here, "/dev/video2")
    for camera in (by_auto, by_number, by_port):
        one_frame(camera)

    for each in (ours, other):
        here.unplug(each)
    for each in (other, ours):
        here.plug(each)

    for camera in (by_auto, by_number, by_port):
        one_frame(camera)
    assert by_auto.negotiated.startswith("HD Webcam C615 (/dev/video2)")
    assert by_number.negotiated.startswith("HD Webcam C615 (/dev/video2)")
    assert by_port.negotiated.startswith("Other (/dev/video0)")


def test_two_cameras_with_the_same_serial_are_told_apart_by_their_port(here: FakeMachine) -> None:
    left, right = FakeCamera(), FakeCamera(bus="usb-0000:00:14.0-2")
    here.plug(left)
    here.plug(right)
    camera = attached(here, "2")
    one_frame(camera)

    for each in (left, right):
        here.unplug(each)
    for each in (right, left):
        here.plug(each)

    one_frame(camera)
    assert right.calls[-1] == "dequeue"
    assert left.calls.count("dequeue") == 0


def test_two_cameras_with_the_same_serial_are_never_swapped(here: FakeMachine) -> None:
    left, right, registry = FakeCamera(), FakeCamera(bus="usb-0000:00:14.0-2"), here.registry
    here.plug(left)
    here.plug(right)
    front, back = attached(here, "0", registry, camera_name="front"), attached(here, "2", registry, camera_name="back")
    for camera in (front, back):
        one_frame(camera)

    for each in (left, right):
        here.unplug(each)
    here.plug(right)

    assert trouble(front) == "The camera HD Webcam C615 is unplugged: plug it in again."
    one_frame(back)
    assert back.negotiated.startswith("HD Webcam C615 (/dev/video0)")
    here.plug(left)
    one_frame(front)
    assert front.negotiated.startswith("HD Webcam C615 (/dev/video2)")


def test_silent_nodes_of_a_board_are_soon_given_up(here: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "FIRST_FRAME_SECONDS", 60.0)
    monkeypatch.setattr(device, "FRAME_TIMEOUT_SECONDS", 0.1)
    here.plug(FakeCamera(silent=True, on_usb=False))

    assert "sends nothing" in trouble(attached(here))


def test_auto_waits_for_its_camera_before_it_takes_another(here: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = FakeCamera()
    here.plug(ours)
    here.plug(FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2"))
    camera = attached(here)
    one_frame(camera)

    here.unplug(ours)

    assert trouble(camera) == "The camera HD Webcam C615 is unplugged: plug it in again."
    monkeypatch.setattr("camera.sources.v4l2.camera.REATTACH_GRACE_SECONDS", 0.0)
    one_frame(camera)
    assert camera.negotiated.startswith("Other")


def test_a_picture_needs_its_beginning_and_its_end(face_frame: Image) -> None:
    jpeg = cv2.imencode(".jpg", face_frame)[1].tobytes()

    assert is_complete_jpeg(jpeg)
    assert is_complete_jpeg(jpeg + b"\0\0\0")
    assert not is_complete_jpeg(jpeg[:-1])
    assert not is_complete_jpeg(jpeg[1:])
    assert not is_complete_jpeg(b"")


def test_a_picture_without_huffmans_tables_is_decoded_and_completed(face_frame: Image) -> None:
    whole = cv2.imencode(".jpg", face_frame)[1].tobytes()
    short = without_tables(whole)
    assert len(whole) - len(short) == len(STANDARD_TABLES) > 400

    completed = add_huffman_tables(short)

    assert completed != short
    assert completed.count(b"\xff\xc4") == whole.count(b"\xff\xc4")
    image, reference = decode(short), decode(whole)
    assert image is not None
    assert reference is not None
    assert np.array_equal(image, reference)
    assert add_huffman_tables(whole) == whole


def without_tables(jpeg: bytes) -> bytes:
    """What many webcams send."""
    while (at := jpeg.find(b"\xff\xc4")) >= 0:
        jpeg = jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]
    return jpeg


def test_nothing_that_can_be_read_as_a_picture_breaks_it() -> None:
    for rubbish in (b"", b"\xff\xd8", b"\xff\xd8\xff\xc4", b"\xff" * 300, b"\xff\xd8\xff\xe0\0\0" * 99):
        assert add_huffman_tables(rubbish) == rubbish
        assert decode(rubbish) is None
