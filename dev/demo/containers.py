"""The demo in containers: docker-compose.demo.yml with the settings of dev/demo/demo.env. Standard library only."""

import os
import re
import shutil
import stat
import subprocess
import time
from pathlib import Path

from dev.demo import health
from dev.demo.terminal import elapsed

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "dev" / "demo" / "demo.env"
PROJECT = "usbcam-demo"
CLOUD_PARTS = ("store", "cloud-broker", "uploader", "gallery")  # they start first, then the edge is enrolled
PARTS = (*CLOUD_PARTS, "edge-broker")  # all but the camera, which starts last
ANSWER_SECONDS = 20
START_SECONDS = 240
PAUSE_SECONDS = 3
PULL_SECONDS = 300


class DockerError(Exception):
    """What failed, as a message for the user."""


def read_settings() -> dict[str, str]:
    lines = SETTINGS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def missing() -> str:
    """Return why containers cannot be used here; empty when they can."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    if not _succeeds("docker", "info"):
        return "no Docker engine answers"
    if not _succeeds("docker", "compose", "version"):
        return "there is no Docker Compose v2"
    for image in _base_images():
        if not _succeeds("docker", "image", "inspect", image):
            with elapsed(f"Fetching {image}"):
                pulled = _succeeds("docker", "pull", "--quiet", image, seconds=PULL_SECONDS)
            if not pulled:
                return f"the image {image} is not on this machine and cannot be pulled"
    return ""


class Demo:
    """One run of the demo's Compose project; the user's own .env and environment are ignored."""

    def __init__(self, project: str = PROJECT, **settings: str) -> None:
        """`settings`: those that differ from demo.env."""
        self.project = project
        keep = re.compile(r"PATH|HOME|USER|LANG|TERM|XDG_.*|DOCKER_.*|BUILDKIT_.*|.*_proxy|.*_PROXY")
        self._environment = {name: value for name, value in os.environ.items() if keep.fullmatch(name)} | settings

    def command(self, *arguments: str) -> list[str]:
        files = ["--env-file", str(SETTINGS), "-f", str(ROOT / "docker-compose.demo.yml")]
        return ["docker", "compose", "--project-name", self.project, *files, *arguments]

    def run(self, *arguments: str) -> str:
        """Run one Compose command and return what it printed."""
        done = subprocess.run(
            self.command(*arguments),
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,  # Ctrl-C reaches only the demo, which then stops everything in order
        )
        if done.returncode:
            printed = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            raise DockerError(f"docker compose {arguments[0]} failed: " + " | ".join(printed[-5:]))
        return done.stdout

    def prepare(self) -> None:
        """Start everything but the camera, from nothing."""
        _check_readable()
        self.remove()
        with elapsed("Building the images (minutes the first time, seconds later)"):
            self.run("build")
        with elapsed("Starting the brokers, the object store and the uploader"):
            self._start(*CLOUD_PARTS)
            self.enroll(read_settings()["EDGE_NAME"])
            self._start("edge-broker")

    def enroll(self, name: str) -> None:
        """Enroll the edge as docs/how-to/install.md says; its token goes to the edge's settings."""
        line = self.run("--progress", "quiet", "run", "--rm", "-T", "enroll", name).strip()
        self._environment["EDGE_TOKEN"] = line.removeprefix("EDGE_TOKEN=")

    def start_progress(self, wanted: int) -> subprocess.Popen[str]:
        """Start counting in a separate container; its first line is printed when it counts."""
        arguments = [
            "--progress",
            "quiet",
            "run",
            "--rm",
            "--no-deps",
            "-T",
            "progress",
        ]
        command = self.command(*arguments, "--check", str(wanted))
        return subprocess.Popen(
            command,
            env=self._environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _start(self, *parts: str) -> None:
        self._up("--wait", "--wait-timeout", "180", *parts)

    def _up(self, *arguments: str) -> None:
        """Start parts; on a busy machine, where health checks time out, wait for the next ones."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.run("up", "--detach", *arguments)
            except DockerError as error:
                found = health.problems(self.run("ps", "--all", "--quiet").split())
                if not health.is_only_slow(str(error), found) or time.monotonic() > deadline:
                    raise DockerError(" | ".join(found) or str(error)) from error
                print("This machine is busy, and health checks time out; waiting ...", flush=True)
                time.sleep(PAUSE_SECONDS)
            else:
                return

    def start_camera(self, *options: str) -> None:
        self._up("--no-deps", *options, "camera")

    def address(self, service: str, port: int) -> str:
        """Return the URL at which this machine reaches a port of a container."""
        return "http://" + self.run("port", service, str(port)).strip()

    def last_words(self) -> str:
        lines = self.run("logs", "--no-color", "--tail", "3").rstrip()
        return lines.replace("\x1b[2K", "")  # Compose prints it despite --no-color

    def remove(self) -> None:
        """Remove containers, networks and volumes; the images stay, so that the next run is quick."""
        self.run("--profile", "progress", "down", "--volumes", "--remove-orphans", "--timeout", "2")


def _check_readable() -> None:
    """A clone made with a strict umask hides the mounted files from the containers' users."""
    mounted = [path for folder in ("mosquitto", "dev") for path in (ROOT / folder, *(ROOT / folder).rglob("*"))]
    if not all(path.stat().st_mode & stat.S_IROTH for path in mounted):
        raise DockerError(f"containers cannot read all files here; run: chmod -R a+rX {ROOT}/mosquitto {ROOT}/dev")


def _base_images() -> list[str]:
    dockerfiles = [ROOT / part / "Dockerfile" for part in ("edge", "cloud", "dev/store")]
    texts = [path.read_text(encoding="utf-8") for path in (*dockerfiles, *ROOT.glob("docker-compose.*"))]
    named = re.compile(r"(?:^FROM|image:) ((?!usbcam-)\S+:\S+)", re.MULTILINE)
    return sorted({image for text in texts for image in named.findall(text)})


def _succeeds(*command: str, seconds: float = ANSWER_SECONDS) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=seconds, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
