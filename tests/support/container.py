"""Mosquitto's own image, run with the restrictions of the Compose files.

Docker's engine takes more of the processor for a container than most tests do for all the rest. So root runs the
image's files in namespaces of its own; for anybody else Docker does it.
"""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from dev.harness.process import STOP_SECONDS, Process, start
from dev.harness.services import SHARED_SCRIPT
from tests.support.docker import docker, image_files

USER = 1883
START = ("sh", "/mosquitto/config/start.sh")
SHELL = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/"}  # as Docker sets them
Mounts = dict[str, Path]  # by the path inside: a file or folder of this machine that may only be read

# Takes a root, triples (how to mount, what, where in the root), "--" and a command.
ENTER = """
set -eu
root=$1
shift
mount -o bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount -o rbind /dev "$root/dev"
mount -t tmpfs -o size=4m,mode=0700,uid=1883,gid=1883 tmpfs "$root/tmp"
mount -t tmpfs -o size=1m,uid=1883,gid=1883 tmpfs "$root/mosquitto/log"
mount -t tmpfs -o size=1m,uid=1883,gid=1883 tmpfs "$root/mosquitto/data"
while [ "$1" != -- ]; do
    mount -o "$1" "$2" "$root$3"
    shift 3
done
shift
exec setpriv --no-new-privs chroot --userspec=1883:1883 --groups= "$root" "$@"
"""


def broker_mounts(files: Path) -> Mounts:
    """Say where a broker finds its own files and what it shares with the other, as the Compose files do."""
    return {"/mosquitto/config": files, f"/mosquitto/{SHARED_SCRIPT}": files.parent / SHARED_SCRIPT}


@dataclass(slots=True)
class Container(ABC):
    """Runs one of the brokers; what it stored is kept from one start to the next."""

    image: str
    process: Process | None = None

    @abstractmethod
    def start(self, folder: Path, mounts: Mounts, environment: dict[str, str]) -> Process: ...

    @abstractmethod
    def send(self, sig: signal.Signals) -> None:
        """Send a signal to the broker, unless it has ended."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """Read a file of the broker's data; None if there is none."""

    @abstractmethod
    def touch(self, name: str) -> None:
        """Make an empty file in the broker's data."""

    @abstractmethod
    def remove(self) -> None:
        """Forget the data of a broker that has ended."""

    def kill(self) -> None:
        """End it as a power cut does (SIGKILL)."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it properly (SIGTERM)."""
        self._end(signal.SIGTERM)

    def _end(self, sig: signal.Signals) -> None:
        if self.process is None:
            return
        self.send(sig)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.popen.wait(STOP_SECONDS)
        self.process.kill()


def new_container(image: str | None) -> Container | None:
    """Return one for an image; None stands for this machine's Mosquitto."""
    if image is None:
        return None
    return Namespaces(image) if can_enter() else Docker(image)


def command_in(image: str, mounts: Mounts, environment: dict[str, str]) -> list[str]:
    """Return the command that runs start.sh in an image, on data that nobody keeps."""
    if not can_enter():
        return _docker_run(image, mounts, environment, ())
    given = (f"{name}={value}" for name, value in (SHELL | environment).items())
    return ["env", "-i", *given, *_enter(image, mounts, None)]


@dataclass(slots=True)
class Namespaces(Container):
    """Runs it on the image's files, as this machine's root may."""

    _data: Path | None = None

    def start(self, folder: Path, mounts: Mounts, environment: dict[str, str]) -> Process:
        if self._data is None:
            self._data = folder / "kept"
            self._data.mkdir(parents=True)
            os.chown(self._data, USER, USER)
        self.process = start("container", _enter(self.image, mounts, self._data), folder, SHELL | environment)
        return self.process

    def send(self, sig: signal.Signals) -> None:
        if self.process is not None and (broker := _child(self.process.popen.pid)):
            os.kill(broker, sig)

    def read(self, name: str) -> bytes | None:
        file = self._data and self._data / name
        return file.read_bytes() if file and file.exists() else None

    def touch(self, name: str) -> None:
        assert self._data is not None
        (self._data / name).touch()

    def remove(self) -> None:
        """Leave it to pytest, whose folder it is in."""


@functools.cache
def can_enter() -> bool:
    """Tell whether this process may do what Docker does for others."""
    needed = ("unshare", "mount", "setpriv", "chroot", "tar")
    return os.geteuid() == 0 and all(map(shutil.which, needed)) and _succeeds("unshare", "--mount", "--pid", "true")


def _enter(image: str, mounts: Mounts, data: Path | None) -> list[str]:
    root = image_files(image)
    places = [("bind,ro", source, inside) for inside, source in mounts.items()]
    places += [("bind,ro", Path(name), name) for name in ("/etc/hosts", "/etc/resolv.conf")]
    if data is not None:
        places.append(("bind", data, "/mosquitto/data"))
    for _, source, inside in places:
        _make_place(root / inside[1:], source)
    words = [str(word) for place in places for word in place]
    ours = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter")
    return [*ours, str(root), *words, "--", *START]


def _make_place(place: Path, source: Path) -> None:
    """Make what a mount needs, as Docker does; often it is there."""
    if source.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()


def _child(parent: int) -> int | None:
    """Return the process that an `unshare --fork` waits for."""
    try:
        return int(Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


@dataclass(slots=True)
class Docker(Container):
    """Runs it as a container."""

    name: str = field(default_factory=lambda: f"usbcam-test-{uuid.uuid4().hex[:12]}")
    runs: int = 0

    def start(self, folder: Path, mounts: Mounts, environment: dict[str, str]) -> Process:
        self.runs += 1
        own = ("--name", self._running, "--network", "host", "--volume", f"{self.name}:/mosquitto/data")
        self.process = start("container", _docker_run(self.image, mounts, environment, own), folder, {})
        return self.process

    @property
    def _running(self) -> str:
        return f"{self.name}-{self.runs}"  # a killed container keeps its name for a moment

    def send(self, sig: signal.Signals) -> None:
        docker("kill", "--signal", sig.name, self._running)

    def read(self, name: str) -> bytes | None:
        done = docker("exec", self._running, "cat", f"/mosquitto/data/{name}")
        return done.stdout if done.returncode == 0 else None

    def touch(self, name: str) -> None:
        docker("exec", self._running, "touch", f"/mosquitto/data/{name}", check=True)

    def remove(self) -> None:
        docker("rm", "--force", self._running)
        _left_volumes.append(self.name)


def _docker_run(image: str, mounts: Mounts, environment: dict[str, str], own: tuple[str, ...]) -> list[str]:
    return [
        *("docker", "run", "--rm", "--read-only", "--user", f"{USER}:{USER}"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--tmpfs", f"/tmp:size=4m,mode=0700,uid={USER},gid={USER}", "--tmpfs", "/mosquitto/log:size=1m"),
        *(word for inside, source in mounts.items() for word in ("--volume", f"{source}:{inside}:ro")),
        *(f"--env={name}={value}" for name, value in environment.items()),
        *(*own, image, *START),
    ]


_left_volumes: list[str] = []


def remove_left_volumes() -> None:
    """Remove with one call at the end what brokers had: each call costs as much as a broker's start."""
    if _left_volumes:
        docker("volume", "rm", "--force", *_left_volumes)


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
