"""The shipped containers before Linux' own drivers: they run before a camera is there, and it comes and goes."""

import os
from collections.abc import Iterator

import pytest

from common.runtime.check_result import failed, passed
from tests.reality.asked import ASKED
from tests.reality.kernel.compose import SERIAL, ComposedEdge
from tests.reality.kernel.rig import Rig, until

pytestmark = ASKED

CAMERA = "1-4"  # one with bulk transfers, since the empty isochronous packets of others keep the machine busy
NOT_VIDEO = ("/hostdev/vda", "/hostdev/kmsg", "/hostdev/mem", "/hostdev/bus/usb/001/001")


@pytest.fixture(scope="module")
def docker(session_rig: Rig) -> Iterator[Rig]:
    """The machine's Docker with the edge's files and images."""
    if session_rig.no_docker and os.environ.get("REQUIRE_DOCKER") == "1":
        pytest.fail(f"REQUIRE_DOCKER=1, but {session_rig.no_docker}")
    if session_rig.no_docker:
        pytest.skip(session_rig.no_docker)
    ComposedEdge(session_rig).install()
    yield session_rig
    session_rig.machine.shell("systemctl stop docker docker.socket containerd")


@pytest.fixture
def edge(rig: Rig, docker: Rig) -> Iterator[ComposedEdge]:
    assert rig is docker
    edge = ComposedEdge(rig)
    yield edge
    edge.remove()


def test_a_camera_comes_and_goes_while_its_unprivileged_container_runs(rig: Rig, edge: ComposedEdge) -> None:
    edge.start()
    edge.until_said("No camera is plugged in")
    edge.until_health("unhealthy")
    assert failed("camera", "No camera is plugged in").line() in edge.camera("doctor")

    node = rig.plug(CAMERA)
    edge.until_said(f"Opened {node}")
    edge.until_health("healthy")
    assert "A frame was processed" in edge.last_health()
    doctor = edge.camera("doctor")
    assert passed("service", "The camera service runs").line() in doctor
    assert passed(node, f"Bulk Cam (serial:{SERIAL}, uvcvideo, usb-vhci_hcd.0-1)").line() in doctor
    assert passed("camera", "The camera service has it").line() in doctor
    assert failed("token", "There is no token: ").line() in doctor
    about = edge.description()
    assert about["Privileged"] is False
    assert (about["User"], about["CapDrop"], about["CapAdd"]) == ("1000:1000", ["ALL"], None)
    assert edge.opens(node.replace("/dev", "/hostdev"), *NOT_VIDEO) == {
        node.replace("/dev", "/hostdev"): "opened",
        **dict.fromkeys(NOT_VIDEO, "Permission denied"),
    }

    rig.unplug(CAMERA)
    edge.until_said("unplugged")
    assert rig.plug("1-2") == node  # takes its number
    again = rig.plug(CAMERA)
    edge.until_said(f"The camera Bulk Cam is {again} now, it was {node}")
    edge.until_said("frames arrive again")
    edge.until_health("healthy")

    rig.usb.cameras[CAMERA].silent = True
    edge.until_said("sends nothing")
    edge.until_health("unhealthy")
    assert failed("camera", "").line().rstrip() in edge.camera("doctor")
    rig.usb.cameras[CAMERA].silent = False
    edge.until_said("frames arrive again")
    edge.until_health("healthy")


def test_who_may_not_use_a_camera_is_told_what_to_set(rig: Rig, edge: ComposedEdge) -> None:
    node = rig.plug(CAMERA)
    rig.machine.shell(f"systemd-run --quiet --unit=holder v4l2-ctl -d {node} --stream-mmap --stream-count=100000")
    until(rig, lambda: rig.usb.cameras[CAMERA].streaming, "the stream")
    edge.start()
    refused = f"Cannot use the camera {node}"

    edge.until_said(f"{refused} (Device or resource busy): another program uses the camera")
    assert failed("camera", f"{refused} (Device or resource busy)").line() in edge.camera("doctor")
    rig.machine.shell(f"chgrp 46 {node}; systemctl stop holder")
    edge.until_said(f"{refused} (Permission denied): it belongs to group 46; set VIDEO_GID=46 in .env.")
    rig.machine.shell(f"chgrp 44 {node}")
    edge.until_said("Opened")
    edge.until_health("healthy")
