"""./usbcam on a machine that is both halves: from init to a picture, a failed upgrade, and a move to a new host."""

import os
import re
import shutil
import stat
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.harness.services import free_port, s3_client
from tests.e2e.bucket import wait_for_captures
from tests.e2e.machine import BUCKET, CALM, HEALTH_SECONDS, KEYS
from tests.support.docker import wait_for_docker
from tests.support.paths import ROOT
from tests.support.programs.busybox import SHELLS
from tests.support.webhook import listening

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

SHELLS_HERE = [shell for shell in SHELLS if shutil.which(shell[0])]
NEEDED = ("usbcam", "cli", "common", "cloud", "edge", "mosquitto", ".env.example")
COMPOSE_FILES = ("docker-compose.edge.yml", "docker-compose.cloud.yml")


@dataclass(frozen=True, slots=True)
class Machine:
    """A copy of this repository whose images and projects have names of their own."""

    folder: Path
    name: str

    def usbcam(self, *words: str, answers: str = "", status: int = 0, **settings: str) -> str:
        """Run ./usbcam, each time in another shell; return all that it printed."""
        shell = SHELLS_HERE[len(words) % len(SHELLS_HERE)] if SHELLS_HERE else ()
        done = subprocess.run(
            [*shell, str(self.folder / "usbcam"), *words],
            cwd=self.folder.parent,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **settings},
            input=answers,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def images(self) -> list[str]:
        command = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        return [image for image in listed if image.startswith(self.name)]


def copy_to(folder: Path, name: str) -> Machine:
    folder.mkdir()
    folder.chmod(0o755)
    for part in NEEDED:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / part, folder / part)
    for file in COMPOSE_FILES:
        text = (ROOT / file).read_text(encoding="utf-8")
        text = text.replace("image: usbcam-", f"image: {name}-").replace("name: usbcam-", f"name: {name}-")
        text = re.sub(r"interval: \d+s", f"interval: {HEALTH_SECONDS}s", text)
        (folder / file).write_text(text, encoding="utf-8")
    for part in ("cloud/Dockerfile", "edge/Dockerfile"):
        dockerfile = folder / part
        text = dockerfile.read_text(encoding="utf-8")
        dockerfile.write_text(re.sub(r"--interval=\d+s", f"--interval={HEALTH_SECONDS}s", text), encoding="utf-8")
    for part in ("cli/lib.sh", "cli/keep.sh"):
        script = folder / part
        script.write_text(
            script.read_text(encoding="utf-8")
            .replace("usbcam-[^ ]*", f"{name}-[^ ]*")
            .replace("usbcam-*)", f"{name}-*)"),
            encoding="utf-8",
        )
    return Machine(folder, name)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Yield the copy, and remove what it started."""
    for folder in (tmp_path, *tmp_path.parents[:2]):  # containers read the brokers' files from here
        folder.chmod(0o755)
    machine = copy_to(tmp_path / "here", f"usbcam-test-{uuid.uuid4().hex[:8]}")
    yield machine
    if (machine.folder / ".env").exists():
        machine.usbcam("uninstall", "--all", answers="yes\n")
    assert machine.images() == []


def is_healthy(container: str) -> bool:
    command = ["docker", "inspect", "--format", "{{.State.Health.Status}}", container]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "healthy"


def spooled(machine: Machine) -> list[str]:
    command = ["docker", "exec", f"{machine.name}-edge-camera-1", "ls", "/spool"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return [name.removesuffix(".png") for name in listed if name.endswith(".png")]


def settings(bridge: str, endpoint: str) -> list[str]:
    return [
        "CLOUD_HOST=host.docker.internal",
        f"CLOUD_BIND={bridge}",
        f"CLOUD_PORT={free_port()}",
        f"GALLERY_PORT={free_port()}",
        f"S3_BUCKET={BUCKET}",
        f"S3_ENDPOINT_URL={endpoint}",
        f"AWS_ACCESS_KEY_ID={KEYS[0]}",
        f"AWS_SECRET_ACCESS_KEY={KEYS[1]}",
    ]


def test_a_machine_is_set_up_looked_at_upgraded_in_vain_and_moved(machine: Machine, bridge: str, endpoint: str) -> None:
    with listening(bridge) as webhook:
        told = f"NOTIFY_URLS=json://host.docker.internal:{webhook.port}/hook"
        machine.usbcam("init", "cloud", *settings(bridge, endpoint), told, "NOTIFY_VISITS=off")
        calm = [f"{name}={value}" for name, value in CALM.items()]
        machine.usbcam("init", "edge", "CAMERA_SOURCE=demo", *calm, f"LIVE_PORT={free_port()}")
        assert "pass     bucket" in machine.usbcam("setup", status=1)  # this store knows no public access, and says so
        assert "the token is in .env" in machine.usbcam("enroll", "porch")
        up = machine.usbcam("up")
        assert "gallery: http://127.0.0.1:" in up
        assert "No token yet" not in up
        assert "pass     json://host.docker.internal" in machine.usbcam("notify", "test")
        assert "usbcam: a test" in webhook.titles()
    client = s3_client(endpoint, *KEYS)
    first = wait_for_captures(client, BUCKET, 2)

    assert_it_can_be_looked_at(machine, first[0].key)
    waiting = assert_a_broken_version_goes_back(machine)
    wait_for_docker(lambda: not set(waiting) & set(spooled(machine)), seconds=90, what="an empty spool")
    keys = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert all(sum(capture in key for key in keys) == 1 for capture in waiting)
    assert_it_can_be_moved(machine)


def assert_it_can_be_looked_at(machine: Machine, key: str) -> None:
    status = machine.usbcam("status")
    assert re.search(r"camera +Up .*\(healthy\)", status)
    assert re.search(r"camera +running, [\d.]+ frames a second, last picture", status)
    assert re.search(r"porch +\d+ pictures stored, the last \d+ s ago", status)
    assert "porch" in machine.usbcam("edges")
    assert machine.usbcam("link", key, "--expires", "5m").startswith("http://")
    assert "Stored" in machine.usbcam("logs", "camera")
    machine.usbcam("snapshot", "shot.jpg")
    assert (machine.folder.parent / "shot.jpg").read_bytes().startswith(b"\xff\xd8")
    assert "camera is paused" in machine.usbcam("pause")
    assert "camera runs again" in machine.usbcam("resume")
    assert "pass     .env" in machine.usbcam("doctor")
    assert "FAIL" not in machine.usbcam("check")


def assert_a_broken_version_goes_back(machine: Machine) -> list[str]:
    """Upgrade to a camera that crashes, while captures wait since nobody stores them; return those captures."""
    subprocess.run(["docker", "pause", f"{machine.name}-cloud-uploader-1"], check=True, capture_output=True)
    wait_for_docker(lambda: len(spooled(machine)) >= 2, seconds=60, what="captures that wait")
    waiting = spooled(machine)
    subprocess.run(["docker", "unpause", f"{machine.name}-cloud-uploader-1"], check=True, capture_output=True)
    wait_for_docker(lambda: is_healthy(f"{machine.name}-cloud-uploader-1"), seconds=90, what="a healthy uploader")
    main = machine.folder / "edge/camera/service.py"
    good = main.read_text(encoding="utf-8")
    main.write_text(f"{good}\nraise SystemExit('camera: this version is broken')\n", encoding="utf-8")

    said = machine.usbcam("upgrade", status=1, UPGRADE_SECONDS="90")

    assert "camera is not healthy: camera: this version is broken" in said
    assert "the new version was not healthy, so the old one runs again" in said
    assert re.search(r"camera +Up .*\(healthy\)", machine.usbcam("status"))
    main.write_text(good, encoding="utf-8")
    assert "This is usbcam" in machine.usbcam("upgrade")
    return waiting


def assert_it_can_be_moved(machine: Machine) -> None:
    """Back up, lose the cloud's data, restore: the edge, which was not asked, connects again."""
    machine.usbcam("backup", "usbcam-backup.tar")
    backup = machine.folder.parent / "usbcam-backup.tar"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    compose = ["docker", "compose", "-f", "docker-compose.cloud.yml", "down", "--volumes", "--timeout", "5"]
    subprocess.run(compose, cwd=machine.folder, check=True, capture_output=True)
    (machine.folder / ".env").unlink()

    machine.usbcam("restore", str(backup))
    machine.usbcam("up")

    wait_for_docker(
        lambda: re.search(r"porch .* yes", machine.usbcam("edges")), seconds=60, what="porch to connect again"
    )
