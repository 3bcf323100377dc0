"""The kernel's interface as its own header has it: a played kernel (kernel.c) under the real system calls."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import pytest

from camera.sources.frame import Image
from common.runtime.check_result import passed
from dev.harness.process import Process, free_port, wait_for
from dev.harness.services import start_camera

SECONDS = 60.0
SOURCE = Path(__file__).with_name("kernel.c")
HEADER = Path("/usr/include/linux/videodev2.h")

pytestmark = pytest.mark.skipif(
    not shutil.which("cc") or not HEADER.exists(), reason="no C compiler (cc) with the kernel's headers"
)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("kernel") / "kernel.so"
    warnings = ("-Wall", "-Wextra", "-Werror")
    subprocess.run(["cc", *warnings, "-O1", "-shared", "-fPIC", "-o", str(built), str(SOURCE), "-ldl"], check=True)
    return built


@dataclass(frozen=True, slots=True)
class Played:
    """A folder of device nodes, and what a process needs to see them as cameras."""

    devices: Path
    environment: dict[str, str]

    def plug(self, *numbers: int, says: str = "capture") -> None:
        for number, words in zip(numbers, (says, "metadata"), strict=False):
            (self.devices / f"video{number}").write_text(words)

    def unplug(self) -> None:
        for node in self.devices.iterdir():
            node.unlink()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            env=self.environment, cwd=self.devices.parent, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip


@pytest.fixture
def played(tmp_path: Path, library: Path, face_frame: Image) -> Played:
    picture = tmp_path / "picture.jpg"
    cv2.imwrite(str(picture), face_frame)
    devices = tmp_path / "dev"
    devices.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LD_PRELOAD": str(library),
        "KERNEL_DEVICES": str(devices),
        "KERNEL_PICTURE": str(picture),
        "DEVICE_DIR": str(devices),
        "EDGE_BROKER_PORT": str(free_port()),
        "HEARTBEAT_FILE": str(tmp_path / "camera" / "camera.json"),
    }
    return Played(devices, environment)


@pytest.fixture
def service(played: Played) -> Iterator[Process]:
    """Run the camera."""
    process = start_camera(played.devices.parent / "camera", **played.environment)
    yield process
    process.kill()


def test_the_played_kernel_plays_well_enough_for_opencv(played: Played) -> None:
    played.plug(0, 1)
    look = "import cv2; c = cv2.VideoCapture('dev/video0', cv2.CAP_V4L2); c.grab(); print(c.read()[1].shape)"
    environment = played.environment | {"KERNEL_DEVICES": "dev"}

    done = Played(played.devices, environment).run("-c", look)

    assert done.stdout == "(480, 640, 3)\n", done.stderr


def test_a_frame_comes_through_the_real_system_calls(played: Played, face_frame: Image) -> None:
    played.plug(0, 1)

    done = played.run("-m", "camera", "snapshot", "--out", "shot.jpg")

    assert done.stderr == ""
    shot = cv2.imread(str(played.devices.parent / "shot.jpg"))
    assert shot is not None
    assert cv2.absdiff(shot, face_frame).mean() < 3


LOOK = """
import time
from pathlib import Path
from camera.sources.v4l2.device import CaptureFormat, V4l2Device
node = V4l2Device(Path("dev/video0"))
print(node.set_format(CaptureFormat("MJPG", 800, 600, 30)))
node.start(2)
for _ in range(5):
    assert node.wait(5)
    buffer = node.dequeue()
    print(buffer.sequence, 0 <= time.monotonic() - buffer.seconds < 1, buffer.damaged, buffer.content[:2].hex())
assert node.dequeue() is None
node.stop()
print(node.set_format(CaptureFormat("YUYV", 320, 240, 30)))
node.close()
node.close()
"""


def test_what_the_driver_says_of_modes_and_frames_is_read_as_it_is(played: Played) -> None:
    played.plug(0, 1)

    done = Played(played.devices, played.environment | {"KERNEL_DEVICES": "dev"}).run("-c", LOOK)

    assert done.stdout.splitlines() == [
        "CaptureFormat(fourcc='MJPG', width=640, height=480, rate=10.0, stride=0)",
        *(f"{number} True False ffd8" for number in range(5)),
        "CaptureFormat(fourcc='YUYV', width=320, height=240, rate=10.0, stride=640)",
    ], done.stderr


def test_the_doctor_reads_what_the_driver_says(played: Played) -> None:
    played.plug(0, 1)

    done = played.run("-m", "camera", "doctor")

    description = (
        "Played Camera (without a serial, uvcvideo, usb-0000:00:14.0-1): "
        "YUYV 1280x720, 640x480, 320x240; MJPG 1280x720, 640x480, 320x240."
    )
    negotiated = "Played Camera (/dev/video0): MJPG 1280x720 at 10 frames a second; a test shot of"
    assert f"{passed('/dev/video0', description).line()}\n" in done.stdout
    assert passed("camera", negotiated).line() in done.stdout
    assert "video1" not in done.stdout  # the metadata node, although it claims the whole device's abilities


def test_without_room_on_the_bus_a_smaller_size_is_taken(played: Played) -> None:
    played.plug(0, 1, says="capture nospace")

    done = played.run("-m", "camera", "doctor")

    negotiated = "Played Camera (/dev/video0): MJPG 640x480 at 10 frames a second"
    assert passed("camera", negotiated).line() in done.stdout


def test_a_camera_that_the_service_holds_is_busy_for_others(played: Played, service: Process) -> None:
    played.plug(0, 1)
    wait_until_it_says(service, "Opened /dev/video0")
    elsewhere = Played(played.devices, played.environment | {"HEARTBEAT_FILE": "none.json"})

    taken, asked = elsewhere.run("-m", "camera", "snapshot"), played.run("-m", "camera", "doctor")

    assert "Cannot use the camera /dev/video0 (Device or resource busy): another program uses" in taken.stderr
    assert passed("/dev/video0", "Played Camera").line() in asked.stdout
    assert passed("camera", "The camera service has it, so there is no test shot.").line() in asked.stdout


def test_the_running_camera_follows_its_device_from_number_to_number(played: Played, service: Process) -> None:
    wait_until_it_says(service, "No camera is plugged in")

    for number in (0, 2, 4):
        played.plug(number, number + 1)
        wait_until_it_says(service, f"Opened /dev/video{number}: MJPG 1280x720 at 10 frames a second")
        wait_until_it_says(service, "frames arrive again", lines=1)
        held = descriptors(service)
        played.unplug()
        wait_until_it_says(service, f"Cannot use the camera /dev/video{number} (No such device): the camera was unplug")
        wait_for(partial(has_released, service, held), seconds=SECONDS, what="the node to be released")

    assert "The camera Played Camera is /dev/video4 now, it was /dev/video2" in service.tail()
    assert service.stop() == 0


def wait_until_it_says(process: Process, words: str, lines: int = 20) -> None:
    wait_for(lambda: words in process.tail(lines), seconds=SECONDS, what=words)


def descriptors(process: Process) -> int:
    return len(list(Path(f"/proc/{process.popen.pid}/fd").iterdir()))


def has_released(process: Process, held: int) -> bool:
    return descriptors(process) < held
