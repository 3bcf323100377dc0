"""The shipped containers before Linux' own drivers: they run before a camera is there, and it comes and goes."""

from collections.abc import Iterator

import pytest

from common.runtime.check_result import failed, passed
from dev.vm.docker_disk import LABEL
from tests.reality.asked import ASKED
from tests.reality.kernel.compose import ComposedEdge
from tests.reality.kernel.rig import Rig, until

pytestmark = ASKED

NOT_VIDEO = ("/hostdev/vda", "/hostdev/kmsg", "/hostdev/mem", "/hostdev/bus/usb/001/001")


@pytest.fixture
def edge(rig: Rig) -> Iterator[ComposedEdge]:
    if not rig.machine.shell(f"blkid -L {LABEL}; true"):
        pytest.skip("there was no Docker to fill the machine's second disk")
    edge = ComposedEdge(rig)
    edge.install()
    yield edge
    edge.remove()
    rig.machine.shell("systemctl stop docker docker.socket")


def test_a_camera_comes_and_goes_while_its_unprivileged_container_runs(rig: Rig, edge: ComposedEdge) -> None:
    started = edge.compose("up", "--detach", "--no-build")
    assert started.returncode == 0, started.stderr

    said = edge.until_said("No camera is plugged in")
    edge.until_health("unhealthy")
    assert failed("camera", "No camera is plugged in").line() in edge.camera("doctor")

    node = rig.plug("1-1")
    said = edge.until_said(f"Opened {node}", said)
    edge.until_health("healthy")
    assert "A frame was processed" in edge.camera("health")
    doctor = edge.camera("doctor")
    assert passed("service", "The camera service runs").line() in doctor
    assert passed(node, "HD Pro Webcam C920 (serial:A1B2C3, uvcvideo, usb-vhci_hcd.0-1)").line() in doctor
    assert passed("camera", "The camera service has it").line() in doctor
    assert failed("token", "There is no token: ").line() in doctor
    about = edge.description()
    assert about["Privileged"] is False
    assert (about["User"], about["CapDrop"], about["CapAdd"]) == ("1000:1000", ["ALL"], None)
    assert edge.opens(node.replace("/dev", "/hostdev"), *NOT_VIDEO) == {
        node.replace("/dev", "/hostdev"): "opened",
        **dict.fromkeys(NOT_VIDEO, "Operation not permitted"),
    }

    rig.unplug("1-1")
    said = edge.until_said("unplugged", said)
    assert rig.plug("1-2") == node  # takes its number
    again = rig.plug("1-1")
    said = edge.until_said(f"The camera HD Pro Webcam C920 is {again} now, it was {node}", said)
    said = edge.until_said("frames arrive again", said)
    edge.until_health("healthy")

    rig.usb.cameras["1-1"].silent = True
    said = edge.until_said("sends nothing", said)
    edge.until_health("unhealthy")
    doctor = edge.camera("doctor")
    assert failed("frames", "").line() in doctor
    rig.usb.cameras["1-1"].silent = False
    said = edge.until_said("frames arrive again", said)
    edge.until_health("healthy")


def test_who_may_not_use_a_camera_is_told_what_to_set(rig: Rig, edge: ComposedEdge) -> None:
    node = rig.plug("1-2")
    rig.machine.shell(f"systemd-run --quiet --unit=holder v4l2-ctl -d {node} --stream-mmap --stream-count=100000")
    until(rig, lambda: rig.usb.cameras["1-2"].streaming, "the stream")
    started = edge.compose("up", "--detach", "--no-build")
    assert started.returncode == 0, started.stderr
    refused = f"Cannot use the camera {node}"

    said = edge.until_said(f"{refused} (Device or resource busy): another program uses the camera")
    assert failed("camera", f"{refused} (Device or resource busy)").line() in edge.camera("doctor")
    rig.machine.shell(f"chgrp 46 {node}; systemctl stop holder")
    said = edge.until_said(f"{refused} (Permission denied): it belongs to group 46; set VIDEO_GID=46 in .env.", said)
    rig.machine.shell(f"chgrp 44 {node}")
    edge.until_said("Opened", said)
    edge.until_health("healthy")
