"""USB cameras before Linux' own uvcvideo: found, read, lost, found again; and what is said meanwhile."""

import re
from collections.abc import Callable

import pytest

from tests.reality.asked import ASKED
from tests.reality.kernel.pictures import COLOR
from tests.reality.kernel.rig import Rig, until

pytestmark = ASKED

BACK = "frames arrive again|: Opened"


@pytest.mark.parametrize(
    ("bus_id", "opened", "listed"),
    [
        ("1-1", "MJPG 640x480 at 10 ", "C920 (serial:A1B2C3, uvcvideo, usb-vhci_hcd.0-1): MJPG 1280x720"),
        ("1-3", "YUYV 640x480 at 10 ", "only (without a serial, uvcvideo, usb-vhci_hcd.0-1): YUYV"),
        ("1-4", "MJPG 640x480 at 10 ", "Bulk Cam (serial:BULK1, uvcvideo, usb-vhci_hcd.0-1): MJPG 640x480."),
        ("1-5", "MJPG 640x480 at 10 ", "Cam with clock (serial:SCR7, "),
    ],
)  # fmt: skip
def test_a_camera_gives_its_picture_and_its_other_node_is_left_alone(
    rig: Rig, bus_id: str, opened: str, listed: str
) -> None:
    node = rig.plug(bus_id)

    shot = rig.shot(CAMERA_SOURCE="auto")
    doctor = rig.camera("doctor", CAMERA_SOURCE="auto").stdout
    other = rig.camera("snapshot", "--out", "/tmp/other.png", CAMERA_SOURCE=rig.nodes()[1]).stderr

    assert shot.shape == (480, 640, 3)
    below_what_moves = shot[300:460, 20:620].reshape(-1, 3).mean(axis=0)
    assert abs(below_what_moves - COLOR).max() < 12, below_what_moves
    lines = [line for line in doctor.splitlines() if line.split()[1].startswith("/dev/")]
    assert [line.split()[:2] for line in lines] == [["pass", node]]
    assert listed in lines[0]
    assert opened in doctor
    assert "gives no images, it is for " in other
    assert f"set CAMERA_SOURCE={node}" in other


def test_a_camera_that_is_pulled_out_is_known_again_under_any_number(rig: Rig, note: Callable[[str], None]) -> None:
    node = rig.plug("1-1")
    rig.start(CAMERA_SOURCE="serial:A1B2C3")  # `auto` waits ten seconds, and a busy host takes longer
    rig.until_said("Opened")
    until(rig, lambda: rig.health().startswith("1 The broker has not answered"), "frames without a broker")
    took = []

    for round_, other in enumerate((False, True, False, True)):
        rig.forget()
        if round_ % 2:
            rig.machine.shell("echo 1-1:1.0 >/sys/bus/usb/drivers/uvcvideo/unbind")
        else:
            rig.unplug("1-1")
        rig.until_said(r"unplugged|sends nothing")
        if other:
            assert rig.plug("1-2") == node  # takes its number
        if round_ % 2:
            rig.machine.shell("echo 1-1:1.0 >/sys/bus/usb/drivers/uvcvideo/bind")
            again = until(rig, lambda: "".join(rig.named("A1B2C3")), "the node")
        else:
            again = rig.plug("1-1")
        back, _ = rig.until_said("frames arrive again")
        took.append(back - rig.granted_at(again))
        assert (again != node) is other
        said = "\n".join(rig.log())
        assert "set VIDEO_GID" not in said
        assert (f"The camera HD Pro Webcam C920 is {again} now, it was {node}" in said) is other
        if other:
            rig.unplug("1-2")
            rig.forget()
            rig.unplug("1-1")
            rig.plug("1-1")
            rig.until_said("frames arrive again")
    note(f"node granted to frames: {', '.join(f'{seconds:.2f} s' for seconds in took)}")


def test_serials_tell_cameras_apart_and_where_they_do_not_ports_are_named(rig: Rig) -> None:
    first = rig.plug("1-1")
    second = rig.plug("1-2")

    assert rig.camera("snapshot", "--out", "/tmp/a.png", CAMERA_SOURCE="serial:ZZ9").returncode == 0
    missing = rig.camera("snapshot", "--out", "/tmp/a.png", CAMERA_SOURCE="serial:NONE").stderr
    assert f"Serials that are: {first}: A1B2C3, {second}: ZZ9." in missing
    link = rig.machine.shell("ls /dev/v4l/by-id/*ZZ9*index0").strip()
    assert rig.camera("snapshot", "--out", "/tmp/a.png", CAMERA_SOURCE=link).returncode == 0

    rig.plug("1-6")  # with the serial of the first
    doctor = rig.camera("doctor", CAMERA_SOURCE="serial:ZZ9").stdout
    assert "2 cameras have the serial A1B2C3: name each by its port, /dev/v4l/by-path/" in doctor


def test_a_busy_camera_is_told_from_one_that_may_not_be_used(rig: Rig) -> None:
    node = rig.plug("1-1")
    rig.machine.shell(f"systemd-run --quiet --unit=holder v4l2-ctl -d {node} --stream-mmap --stream-count=100000")
    until(rig, lambda: rig.usb.cameras["1-1"].streaming, "the stream")

    busy = rig.camera("snapshot", "--out", "/tmp/a.png", CAMERA_SOURCE=node).stderr
    rig.plug("1-2")
    rig.start(CAMERA_SOURCE="auto")
    _, skipped = rig.until_said("auto took")
    rig.machine.shell("systemctl stop camera holder")
    stranger = rig.camera("snapshot", "--out", "/tmp/b.png", user="stranger", CAMERA_SOURCE=node).stderr
    doctor = rig.camera("doctor", user="stranger", CAMERA_SOURCE=node, SPOOL_DIR="/tmp/strange").stdout
    rig.machine.shell(f"chmod 600 {node}")
    owner_only = rig.camera("snapshot", "--out", "/tmp/a.png", CAMERA_SOURCE=node).stderr

    assert f"Cannot use the camera {node} (Device or resource busy): another program uses the camera" in busy
    assert f"skipped others. Cannot use the camera {node} (Device or resource busy)" in skipped
    assert "To have one camera only, set CAMERA_SOURCE=serial:ZZ9" in skipped
    assert (
        f"Cannot use the camera {node} (Permission denied): it belongs to group 44; set VIDEO_GID=44 in .env."
        in stranger
    )
    assert f"FAIL     {node}" in doctor
    assert "only its owner may use it; give it a group on the host" in owner_only


def test_a_camera_that_misbehaves_is_noticed_and_read_again_when_it_is_right(
    rig: Rig, note: Callable[[str], None]
) -> None:
    camera = rig.usb.cameras["1-2"]
    rig.plug("1-2")
    rig.start(CAMERA_SOURCE="auto")
    rig.until_said("Opened")
    until(rig, lambda: rig.health().startswith("1 The broker has not answered"), "frames without a broker")

    for fault, words in (
        ("silent", "sends nothing"),
        ("damaged", "sends damaged images only|can be decoded"),
        ("frozen", "is frozen"),
    ):
        rig.forget()
        setattr(camera, fault, True)
        _, said = rig.until_said(words)
        setattr(camera, fault, False)
        rig.until_said("frames arrive again")
        note(f"{fault}: {re.sub('^[^:]*: ', '', said)}")
