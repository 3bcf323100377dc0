"""The shipped edge container and USB cameras: real device nodes without a driver, and a simulated camera."""

import contextlib
import os
import shutil
import stat
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest

from camera.sources.synthetic.scene import Scene
from common.runtime.check_result import failed, passed
from dev.harness.services import free_port
from tests.support.docker import wait_for_docker
from tests.support.paths import ROOT

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

KERNEL = ROOT / "tests/edge/sources/v4l2/kernel.c"
VIDEO4LINUX = 81
GROUP = 44
SECONDS = 150.0  # for containers on a busy machine
ASK = ("exec", "-T", "camera", "python", "-m", "camera")


@dataclass(frozen=True, slots=True)
class Edge:
    """The shipped Compose file under a name of its own, with another folder in the place of the host's /dev."""

    folder: Path
    name: str
    live_port: int  # not the product's own: it may run on this machine

    @property
    def devices(self) -> Path:
        return self.folder / "dev"

    def compose(self, *arguments: str, **settings: str) -> str:
        """Run Compose, and return all that it printed: the doctor's exit status is a finding."""
        files = ("-f", str(ROOT / "docker-compose.edge.yml"), "-f", str(self.folder / "other.yml"))
        done = subprocess.run(
            [
                "docker",
                "compose",
                "--progress",
                "quiet",
                "--env-file",
                "/dev/null",
                "-p",
                self.name,
                *files,
                *arguments,
            ],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "LIVE_PORT": str(self.live_port),
                **settings,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def doctor(self, **settings: str) -> str:
        return self.compose("run", "--rm", "-T", "camera", "python", "-m", "camera", "doctor", **settings)

    def wait_until_it_sees(self) -> None:
        wait_for_docker(
            lambda: "A frame was processed" in self.compose(*ASK, "health"), seconds=SECONDS, what="a healthy camera"
        )

    def wait_until_it_says(self, words: str) -> None:
        try:
            wait_for_docker(lambda: words in self.compose("logs", "camera"), seconds=SECONDS, what=words)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it said: {self.compose('logs', 'camera')}") from error

    def change(self, *lines: str) -> None:
        """Set what the camera's service has besides, in YAML."""
        service = [f"- {self.devices}:/hostdev:ro", f"- {self.folder}:/played:ro"]
        text = ["services:", "  camera:", "    volumes:", *(f"      {line}" for line in service)]
        (self.folder / "other.yml").write_text("\n".join([*text, *(f"    {line}" for line in lines), ""]))


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    edge = Edge(tmp_path, f"usbcam-test-{uuid.uuid4().hex[:8]}", free_port())
    edge.devices.mkdir()
    for folder in (tmp_path, *tmp_path.parents[:2]):  # only their owner may enter pytest's folders
        with contextlib.suppress(PermissionError):
            folder.chmod(0o755)
    edge.change()
    edge.compose("build", "camera")
    yield edge
    edge.compose("down", "--volumes", "--remove-orphans")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make device nodes")
def test_the_doctor_says_why_the_kernel_refuses_a_camera(edge: Edge) -> None:
    node = edge.devices / "video0"
    os.mknod(node, 0o660 | stat.S_IFCHR, os.makedev(VIDEO4LINUX, 200))
    node.chmod(0o660)
    os.chown(node, 0, GROUP)

    driverless = edge.doctor()
    wrong_group = edge.doctor(VIDEO_GID="45")
    edge.change("device_cgroup_rules: !reset []")
    unruled = edge.doctor()

    refused = failed("camera", "Cannot use the camera /dev/video0").line()
    assert f"{refused} (No such device or address): the camera was unplugged; plug it in again." in driverless
    assert f"{refused} (Permission denied): it belongs to group 44; set VIDEO_GID=44 in .env." in wrong_group
    assert f"{refused} (Operation not permitted): the container may not use it; start it with the shipped" in unruled
    assert passed("broker", "The edge broker at edge-broker:1883 answers.").line() in driverless
    assert failed("token", "There is no token: ").line() in driverless


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler (cc)")
def test_the_doctor_may_be_asked_while_the_camera_runs_and_the_camera_may_come_and_go(edge: Edge) -> None:
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(edge.folder / "kernel.so"), str(KERNEL), "-ldl"]
    subprocess.run(command, check=True)
    cv2.imwrite(str(edge.folder / "picture.jpg"), Scene(640, 480, seed=1, visits=1).draw(3.0))
    played = {"LD_PRELOAD": "/played/kernel.so", "KERNEL_DEVICES": "/hostdev", "KERNEL_PICTURE": "/played/picture.jpg"}
    edge.change("environment:", *(f"  {name}: {value}" for name, value in played.items()))
    started = edge.compose("up", "--detach", "camera")
    assert not started, started

    edge.wait_until_it_says("No camera is plugged in")
    (edge.devices / "video0").write_text("capture")
    edge.wait_until_it_says("Opened /dev/video0")
    edge.wait_until_it_sees()  # who pulls it out before its first frame reads that no camera is plugged in, as before
    (edge.devices / "video0").unlink()
    edge.wait_until_it_says("the camera was unplugged")
    (edge.devices / "video2").write_text("capture")
    edge.wait_until_it_says("Opened /dev/video2")
    edge.wait_until_it_sees()
    inside = edge.compose(*ASK, "doctor")
    beside = edge.doctor()

    for said in (inside, beside):
        assert passed("service", "The camera service runs").line() in said
        assert passed("/dev/video2", "Played Camera ").line() in said
        assert passed("camera", "The camera service has it").line() in said
    taken = edge.compose("run", "--rm", "-T", "camera", "python", "-m", "camera", "snapshot", "--out", "-")
    assert "(Device or resource busy): another program uses the camera; close it." in taken
