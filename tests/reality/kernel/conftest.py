"""One machine for all tests of this folder."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from dev.vm.docker_disk import make_docker_disk
from dev.vm.machine import Machine, build
from dev.vm.uvc.camera import PlayedCamera
from dev.vm.uvc.descriptors import Model
from dev.vm.uvc.port import UsbServer
from tests.reality.kernel.pictures import pictures
from tests.reality.kernel.rig import Rig

ONE_SIZE = ((640, 480),)
MODELS = (
    Model("1-1", serial="A1B2C3"),
    Model("1-2", "USB Camera Two", serial="ZZ9", vendor=0x0C45, product=0x6366, formats={"MJPG": ONE_SIZE}),
    Model("1-3", "YUYV only", vendor=0x1BCF, product=0x2C9A, formats={"YUYV": ONE_SIZE}),
    Model("1-4", "Bulk Cam", serial="BULK1", vendor=0x05A3, product=0x9230, formats={"MJPG": ONE_SIZE}, bulk=True),
    Model(
        "1-5", "Cam with clock", serial="SCR7", vendor=0x05A3, product=0x9231, formats={"MJPG": ONE_SIZE}, clock=True
    ),
    Model("1-6", serial="A1B2C3"),  # the manufacturer gave it the serial of the first
)


@pytest.fixture(scope="session")
def session_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("only root on Debian can make the machine")
    build()
    no_docker = _make_docker_disk()
    usb = UsbServer(PlayedCamera(model, pictures) for model in MODELS)
    usb.start()
    machine = Machine.kept() or Machine.boot(tmp_path_factory.mktemp("machine"))
    rig = Rig(machine, usb, no_docker=no_docker)
    rig.install()
    yield rig
    rig.close()
    machine.stop()
    usb.stop()


@pytest.fixture
def rig(session_rig: Rig) -> Rig:
    session_rig.clear()
    session_rig.forget()
    return session_rig


def _make_docker_disk() -> str:
    """Make the disk with the edge's images, or return why there is none."""
    try:
        make_docker_disk()
    except FileNotFoundError as error:
        return f"there is no {error.filename}"
    except subprocess.CalledProcessError as error:
        return f"{error.cmd[0]} {error.cmd[1]}: {error.stderr[-500:]}"
    return ""
