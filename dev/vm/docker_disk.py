"""A second disk for the machine, with the edge's images.

Its own Docker would load them for an hour, since its processor is emulated. So a daemon of this machine does.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from dev.harness.process import Process, start, wait_for
from dev.vm.machine import cache

ROOT = Path(__file__).resolve().parents[2]
DISK = "docker.img"
LABEL = "docker"
CAMERA = "usbcam-vm-camera"  # not the shipped name: others may build theirs on this machine
BROKER = "eclipse-mosquitto:2.1.2-alpine"
SIZE = "4G"
SECONDS = 300.0


def make_docker_disk() -> None:
    """Make it, where it is not there or not of these images; raises FileNotFoundError and CalledProcessError."""
    _run("docker", "build", "--quiet", "--tag", CAMERA, "--file", str(ROOT / "edge/Dockerfile"), str(ROOT))
    if not _ids(BROKER):
        _run("docker", "pull", "--quiet", BROKER)
    disk, stamp, ids = cache() / DISK, cache() / f"{DISK}.stamp", _ids(CAMERA) + _ids(BROKER)
    if disk.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == ids:
        return
    stamp.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=cache()) as name:
        folder = Path(name)
        _run("docker", "save", "--output", str(folder / "images.tar"), CAMERA, BROKER)
        _load(folder)
        options = ["-t", "ext4", "-O", "^has_journal", "-L", LABEL, "-E", "root_owner=0:0", "-m", "0"]
        disk.unlink(missing_ok=True)  # one that a machine has stays as it is
        _run("mke2fs", "-q", *options, "-d", str(folder / "data"), str(disk), SIZE)
    stamp.write_text(ids, encoding="ascii")


def _load(folder: Path) -> None:
    """Let a daemon fill folder/data, in a network of its own: without a bridge it removes the machine's docker0."""
    places = {"--data-root": "data", "--exec-root": "exec", "--pidfile": "pid"}
    given = [word for option, place in places.items() for word in (option, str(folder / place))]
    host = f"unix://{folder / 'socket'}"
    networks = ["--bridge", "none", "--iptables=false", "--ip6tables=false"]
    dockerd = shutil.which("dockerd") or "/usr/sbin/dockerd"
    daemon: Process = start("dockerd", ["unshare", "--net", dockerd, "--host", host, *given, *networks], folder, {})
    try:
        wait_for(lambda: _answers(host), seconds=SECONDS, what="the second Docker daemon")
        _run("docker", "--host", host, "load", "--quiet", "--input", str(folder / "images.tar"))
    finally:
        daemon.stop()


def _answers(host: str) -> bool:
    return subprocess.run(["docker", "--host", host, "version"], capture_output=True, check=False).returncode == 0


def _ids(image: str) -> str:
    return _run("docker", "images", "--quiet", "--no-trunc", image)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
