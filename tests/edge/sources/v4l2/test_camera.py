"""Which device is meant, recognized when it comes back, and the reason when it cannot be used."""

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from camera.sources.v4l2.errors import explain_os_error
from tests.edge.sources.v4l2.fake_v4l2 import FakeCamera, FakeMachine
from tests.edge.sources.v4l2.rig import camera_at, one_frame, problem


@pytest.mark.parametrize(
    "source", ["auto", "0", "/dev/video0", "serial:A1B2C3", "/dev/v4l/by-id/usb-HD_Webcam_C615_A1B2C3-video-index0"]
)
def test_a_camera_is_known_by_each_of_its_names(here: FakeMachine, source: str) -> None:
    here.plug(FakeCamera())
    here.plug(FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2"))
    camera = camera_at(here, source)

    frame = one_frame(camera)

    assert frame.image.shape == (240, 320, 3)
    assert camera.negotiated == "HD Webcam C615 (/dev/video0): MJPG 320x240 at 30 frames a second"


def test_the_second_camera_is_known_by_its_serial(here: FakeMachine) -> None:
    here.plug(FakeCamera())
    here.plug(FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2"))
    camera = camera_at(here, "serial:Z9")

    one_frame(camera)

    assert camera.negotiated.startswith("Other (/dev/video2)")


def test_auto_skips_a_camera_that_is_in_use(here: FakeMachine) -> None:
    busy = FakeCamera(fails={"set_format": errno.EBUSY})
    here.plug(busy)
    here.plug(FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2"))
    camera = camera_at(here)

    one_frame(camera)

    assert camera.negotiated.startswith("Other")


def test_auto_prefers_a_usb_camera_to_what_a_board_has(here: FakeMachine) -> None:
    here.plug(FakeCamera(card="rp1-cfe", bus="platform:1f00110000.csi", on_usb=False))
    here.plug(FakeCamera())
    camera = camera_at(here)

    one_frame(camera)

    assert camera.negotiated.startswith("HD Webcam C615 (/dev/video2)")


def test_a_metadata_node_is_refused_and_the_right_one_named(here: FakeMachine) -> None:
    here.plug(FakeCamera())

    assert problem(camera_at(here, "1")) == (
        "/dev/video1 gives no images, it is for HD Webcam C615's metadata or output: set CAMERA_SOURCE=/dev/video0."
    )


def test_a_wrong_serial_is_answered_with_those_that_are_there(here: FakeMachine) -> None:
    here.plug(FakeCamera())
    here.plug(FakeCamera(card="Cheap", serial="", bus="usb-0000:00:14.0-2"))

    assert problem(camera_at(here, "serial:XYZ")) == (
        "No camera with CAMERA_SOURCE=serial:XYZ is plugged in. "
        "Serials that are: /dev/video0: A1B2C3, /dev/video2: none."
    )


def test_without_any_camera_it_says_so(here: FakeMachine) -> None:
    assert problem(camera_at(here)).startswith("No camera is plugged in: plug one in")
    assert "/dev/video7 (No such file or directory): no camera is plugged in there" in problem(camera_at(here, "7"))


@pytest.mark.parametrize(
    ("call", "error", "remedy"),
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
def test_each_error_of_the_system_has_its_remedy(
    here: FakeMachine, monkeypatch: pytest.MonkeyPatch, call: str, error: int, remedy: str
) -> None:
    without_groups(monkeypatch)
    here.plug(FakeCamera(fails={call: error}))

    said = problem(camera_at(here))

    assert said.startswith(f"Cannot use the camera /dev/video0 ({os.strerror(error)})")
    assert remedy in said
    assert said.count(".") <= 2 + said.count(".yml")


def test_the_group_that_the_node_has_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "video0"
    node.touch()
    node.chmod(0o660)
    denied = PermissionError(errno.EACCES, "Permission denied")

    assert "SELinux or AppArmor forbids it" in explain_os_error(denied, node, tmp_path)
    without_groups(monkeypatch)
    assert f"set VIDEO_GID={node.stat().st_gid} in .env" in explain_os_error(denied, node, tmp_path)
    node.chmod(0o600)
    assert "only its owner may use it" in explain_os_error(denied, node, tmp_path)


def test_the_same_camera_is_followed_to_another_number(here: FakeMachine) -> None:
    ours, other = FakeCamera(), FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2")
    here.plug(ours)
    here.plug(other)
    by_auto, by_number, by_port = camera_at(here), camera_at(here, "0"), camera_at(here, "/dev/video2")
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
    camera = camera_at(here, "2")
    one_frame(camera)

    for each in (left, right):
        here.unplug(each)
    for each in (right, left):
        here.plug(each)

    one_frame(camera)
    assert right.calls[-1] == "dequeue"
    assert left.calls.count("dequeue") == 0


def test_a_serial_that_several_cameras_have_is_said_once(here: FakeMachine, caplog: pytest.LogCaptureFixture) -> None:
    for port in (1, 2):
        here.plug(FakeCamera(bus=f"usb-{port}"))
    here.plug(FakeCamera(serial="Z9", bus="usb-3"))
    camera, other = camera_at(here, "serial:A1B2C3"), camera_at(here, "serial:Z9")

    for each in (camera, camera, other):
        one_frame(each)

    said = [record.message for record in caplog.records if "name each by its port" in record.message]
    assert said == ["camera: 2 cameras have the serial A1B2C3: name each by its port, /dev/v4l/by-path/...."]


def test_two_cameras_with_the_same_serial_are_never_swapped(here: FakeMachine) -> None:
    left, right, registry = FakeCamera(), FakeCamera(bus="usb-0000:00:14.0-2"), here.registry
    here.plug(left)
    here.plug(right)
    front, back = (
        camera_at(here, "0", registry, camera_name="front"),
        camera_at(here, "2", registry, camera_name="back"),
    )
    for camera in (front, back):
        one_frame(camera)

    for each in (left, right):
        here.unplug(each)
    here.plug(right)

    assert problem(front) == "The camera HD Webcam C615 is unplugged: plug it in again."
    one_frame(back)
    assert back.negotiated.startswith("HD Webcam C615 (/dev/video0)")
    here.plug(left)
    one_frame(front)
    assert front.negotiated.startswith("HD Webcam C615 (/dev/video2)")


def test_auto_waits_for_its_camera_before_it_takes_another(here: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = FakeCamera()
    here.plug(ours)
    here.plug(FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2"))
    camera = camera_at(here)
    one_frame(camera)

    here.unplug(ours)

    assert problem(camera) == "The camera HD Webcam C615 is unplugged: plug it in again."
    monkeypatch.setattr("camera.sources.v4l2.camera.REATTACH_GRACE_SECONDS", 0.0)
    one_frame(camera)
    assert camera.negotiated.startswith("Other")


def test_a_new_node_that_udev_has_not_granted_yet_is_tried_again_without_a_word(
    here: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("camera.sources.v4l2.discovery.GRANT_SECONDS", 60.0)
    camera = FakeCamera(fails={"open": errno.EACCES})
    here.plug(camera)
    threading.Timer(0.3, camera.fails.clear).start()

    one_frame(camera_at(here))


def test_a_node_that_is_granted_while_it_is_tried_is_tried_again(
    here: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = FakeCamera(fails={"open": errno.EACCES})
    node = here.plug(camera)
    before = node.stat().st_ctime_ns

    def grant(error: OSError, *_: Path) -> str:
        camera.fails.clear()
        while node.stat().st_ctime_ns == before:
            node.chmod(0o660)
        return str(error)

    monkeypatch.setattr("camera.sources.v4l2.camera.explain_os_error", grant)
    one_frame(camera_at(here))


@pytest.mark.skipif(os.getgid() != 0, reason="only root has nodes as the kernel makes them")
def test_a_busy_machines_udev_gets_more_time_for_a_node_that_it_has_not_touched(
    here: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("camera.sources.v4l2.discovery.GRANT_SECONDS", 0.0)
    camera = FakeCamera(fails={"open": errno.EACCES})
    node = here.plug(camera)
    node.chmod(0o660)
    without_groups(monkeypatch)
    assert "it belongs to group 0; set VIDEO_GID=0" in problem(camera_at(here))

    node.chmod(0o600)
    threading.Timer(0.3, camera.fails.clear).start()

    one_frame(camera_at(here))


def without_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getegid", lambda: 99999)
    monkeypatch.setattr("os.getgroups", list)


def test_auto_says_what_it_passed_over_and_how_to_be_sure(here: FakeMachine, caplog: pytest.LogCaptureFixture) -> None:
    here.plug(FakeCamera(fails={"set_format": errno.EBUSY}))
    here.plug(FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2"))
    camera = camera_at(here)

    one_frame(camera)
    one_frame(camera)

    said = [record.message for record in caplog.records if "skipped others" in record.message]
    assert len(said) == 1
    assert "auto took /dev/video2 (Other)" in said[0]
    assert "/dev/video0 (Device or resource busy): another program uses the camera; close it" in said[0]
    assert "CAMERA_SOURCE=serial:Z9" in said[0]


@pytest.mark.parametrize(
    ("refused", "taken", "times"),
    [({}, {}, 1), ({"on_usb": False}, {"on_usb": False}, 1), ({"on_usb": False}, {}, 0)],
)
def test_auto_says_that_it_passed_over_a_likelier_camera_that_cannot_even_be_opened(
    here: FakeMachine, caplog: pytest.LogCaptureFixture, refused: dict[str, Any], taken: dict[str, Any], times: int
) -> None:
    here.plug(FakeCamera(fails={"open": errno.EBUSY}, **refused))
    here.plug(FakeCamera(card="Other", serial="Z9", bus="usb-0000:00:14.0-2", **taken))

    one_frame(camera_at(here))

    said = [record.message for record in caplog.records if "skipped others" in record.message]
    assert len(said) == times
    assert all(each.count("Cannot use the camera") == 1 for each in said)
    assert all("/dev/video0 (Device or resource busy): another program uses the camera" in each for each in said)


def test_a_camera_that_is_not_the_named_one_is_not_blamed(here: FakeMachine) -> None:
    here.plug(FakeCamera(serial="OTHER", fails={"open": errno.EPERM}))

    assert problem(camera_at(here, "serial:A1B2C3")).startswith("No camera is plugged in")
    assert "Operation not permitted" in problem(camera_at(here, "serial:OTHER"))


@pytest.mark.parametrize("source", ["auto", "0", "serial:A1B2C3"])
def test_a_multi_planar_node_is_called_that(here: FakeMachine, source: str) -> None:
    here.plug(FakeCamera(multi_planar=True))

    assert "gives multi-planar images, which are not supported" in problem(camera_at(here, source))
