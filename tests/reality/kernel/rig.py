"""A machine with our cameras' ports, and the product's camera in it."""

import base64
import re
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import cv2
import pytest

from camera.sources.frame import Image
from dev.vm.machine import HOST, Done, Machine
from dev.vm.uvc.port import UsbServer
from tests.reality.kernel.commands import Commands
from tests.support.paths import ROOT

T = TypeVar("T")

PYTHON = "/opt/venv/bin/python"
CODE = "/opt/usbcam"
VIDEO_GROUP = 44
# As little as the tests need: the machine is some ten times slower than a real one.
SMALL = {
    "FRAME_WIDTH": "640",
    "FRAME_HEIGHT": "480",
    "FRAME_RATE": "10",
    "DETECTIONS_PER_SECOND": "0.2",
    "LIVE_PORT": "0",
}
PLACES = {"SPOOL_DIR": "/tmp/spool", "HEARTBEAT_FILE": "/tmp/beat.json", "PYTHONPATH": f"{CODE}/edge:{CODE}"}
SECONDS = 600.0  # the machine is emulated, and others may use this one
POLL_SECONDS = 1.0  # each question costs the machine CPU


@dataclass(slots=True)
class Rig:
    """What a person with cameras at a desk does."""

    machine: Machine
    usb: UsbServer
    lines: list[str] = field(default_factory=list)  # of the log
    commands: Commands | None = None
    attached: list[subprocess.Popen[str]] = field(default_factory=list)
    no_docker: str = ""  # why it has no Docker with the edge's images
    old: int = 0  # so many of them do not count any more

    def install(self) -> None:
        """Bring the product's code into the machine."""
        for part in ("edge", "common"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.rmtree(self.machine.share / part, ignore_errors=True)
            shutil.copytree(ROOT / part, self.machine.share / part, ignore=ignored)
        script = (
            "mountpoint -q /host || mount /host;"  # which a slow boot gives up
            f" rm -rf {CODE}/edge {CODE}/common; cp -r /host/edge /host/common {CODE};"
            f" {PYTHON} -m compileall -q {CODE}; modprobe -a vhci_hcd uvcvideo"
        )
        self.machine.shell(script)
        self.follow()
        environment = [f"{name}={value}" for name, value in PLACES.items()]
        self.commands = Commands.start(self.attach, "env", *environment, PYTHON)

    def clear(self) -> None:
        """Take away what a test left."""
        self.machine.shell(
            "set +e; systemctl stop camera holder 2>/dev/null; systemctl reset-failed; rm -rf /tmp/spool /tmp/*.json;"
            " for port in $(usbip port 2>/dev/null | sed -n 's/^Port 0*\\([0-9][0-9]*\\):.*/\\1/p'); do"
            " usbip detach -p $port; done; modprobe -r vivid; true"
        )
        for camera in self.usb.cameras.values():
            camera.silent = camera.frozen = camera.damaged = camera.deaf = False
        until(self, lambda: not self.nodes(), "every camera to be gone")

    def plug(self, bus_id: str) -> str:
        """Plug a camera in and return its node once its group may use it."""
        before = set(self.nodes())
        self.machine.shell(f"usbip --tcp-port {self.usb.port} attach -r {HOST} -b {bus_id}")
        until(self, lambda: len(set(self.nodes()) - before) > 1, f"the nodes of {bus_id}")
        return min(set(self.nodes()) - before)

    def unplug(self, bus_id: str) -> None:
        """Pull it out, and wait until its nodes are gone."""
        before = len(self.nodes())
        self.usb.pull(bus_id)
        until(self, lambda: len(self.nodes()) < before, f"{bus_id} to be gone")

    def nodes(self) -> list[str]:
        """The nodes that are there and given to their group, by number."""
        found = self.machine.shell(f"find /dev -maxdepth 1 -name 'video*' -gid {VIDEO_GROUP} -perm -660").split()
        return sorted(found, key=lambda name: int(name.removeprefix("/dev/video")))

    def named(self, serial: str) -> list[str]:
        """The node of the camera with this serial, where it is there and given to its group."""
        links = self.machine.shell(f"readlink -f /dev/v4l/by-id/*_{serial}-video-index0; true").split()
        return [node for node in self.nodes() if node in links]

    def granted_at(self, node: str) -> float:
        """When udev gave a node to its group, in seconds since 1970."""
        return float(self.machine.shell(f"stat --format=%.3Z {node}"))

    def camera(self, *words: str, user: str = "cam", **settings: str) -> Done:
        """Run one command of the camera."""
        assert self.commands is not None
        return self.commands.run(words, user, SMALL | PLACES | settings)

    def shot(self, **settings: str) -> Image:
        """What the camera sees. An emulated machine may be too slow for a first frame in time: then once more."""
        self.machine.shell("rm -f /tmp/shot.png")
        said: list[str] = []

        def taken() -> bool:
            done = self.camera("snapshot", "--out", "/tmp/shot.png", **settings)
            said.append(done.stderr)
            return done.returncode == 0

        until(self, taken, lambda: f"a picture, and not {said[-1]}")
        folder = self.machine.share.parent
        (folder / "shot.png").write_bytes(base64.b64decode(self.machine.shell("base64 /tmp/shot.png")))
        image = cv2.imread(str(folder / "shot.png"))
        assert image is not None
        return image

    def start(self, user: str = "cam", **settings: str) -> None:
        """Start the camera's service."""
        given = [f"--setenv={name}={value}" for name, value in (SMALL | PLACES | settings).items()]
        command = ["systemd-run", "--quiet", "--unit=camera", f"--uid={user}", *given, PYTHON, "-m", "camera"]
        self.machine.shell(shlex.join(command))

    def log(self) -> list[str]:
        """What the service said since `forget`, each line with its time in seconds before it."""
        return self.lines[self.old :]

    def follow(self) -> None:
        """Read the service's log from now on, in a thread: asking again and again would take the machine's CPU."""
        command = "journalctl --unit=camera --output=short-unix --no-hostname --quiet --lines=0 --follow"
        self.gather(command, self.lines)

    def close(self) -> None:
        """End what runs in the machine for this."""
        for each in self.attached:
            with each:
                each.kill()

    def gather(self, command: str, lines: list[str]) -> None:
        """Start a command in the machine, and add each line that it prints from now on."""
        started = self.attach(command)

        def read() -> None:
            with started:
                lines.extend(map(str.rstrip, started.stdout or ()))

        threading.Thread(target=read, daemon=True).start()

    def attach(self, command: str) -> "subprocess.Popen[str]":
        """Start a command in the machine that we talk with."""
        pipe = subprocess.PIPE
        started = subprocess.Popen([*self.machine.ssh, command], stdin=pipe, stdout=pipe, text=True)
        self.attached.append(started)
        return started

    def forget(self) -> None:
        """Count only what is said from now on."""
        self.old = len(self.lines)

    def until_said(self, pattern: str) -> tuple[float, str]:
        """Wait for a line of the log; return when it was said, and the line."""
        line = until(self, lambda: next((line for line in self.log() if re.search(pattern, line)), ""), pattern)
        at, _, said = line.partition(" ")
        return float(at), said.partition(": ")[2]

    def health(self) -> str:
        """What the container's health check says, with its exit status."""
        done = self.machine.run(PYTHON, "-m", "camera.control.health_check", user="cam", environment=PLACES)
        return f"{done.returncode} {done.stdout}{done.stderr}".strip()


def until(rig: Rig, condition: Callable[[], T], what: str | Callable[[], str], poll_seconds: float = POLL_SECONDS) -> T:
    """Wait for something in the machine; else fail with the camera's log."""
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while not (answer := condition()):
        if time.monotonic() > deadline:
            told = what if isinstance(what, str) else what()
            pytest.fail(f"waited {SECONDS:g} s for {told}; the log: {rig.log()}")
        pause.wait(poll_seconds)
    return answer
