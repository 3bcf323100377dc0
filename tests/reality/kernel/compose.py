"""The shipped Compose file of the edge in the machine, with images that this machine's Docker built."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from dev.vm.machine import Done
from tests.reality.kernel.rig import Rig, until
from tests.support.paths import ROOT

FILE = "docker-compose.edge.yml"
BUILT = "usbcam-vm-camera"  # under this name here: others may build theirs
SHIPPED = "usbcam-camera:0.1.0"
BROKER = "eclipse-mosquitto:2.1.2-alpine"
LOAD_SECONDS = 1800.0
INSTALLED = "/opt/compose"


@dataclass(slots=True)
class ComposedEdge:
    """The edge's containers in the machine."""

    rig: Rig

    def install(self) -> None:
        """Bring files and images into the machine; a machine that was kept may have these images."""
        share = self.rig.machine.share / "compose"
        shutil.rmtree(share, ignore_errors=True)
        share.mkdir()
        shutil.copy(ROOT / FILE, share)
        shutil.copytree(ROOT / "mosquitto", share / "mosquitto")
        _docker("build", "--quiet", "--tag", BUILT, "--file", str(ROOT / "edge/Dockerfile"), str(ROOT))
        if not _docker("images", "--quiet", BROKER):
            _docker("pull", "--quiet", BROKER)
        script = (
            f"rm -rf {INSTALLED}; cp -r /host/compose {INSTALLED}; systemctl start docker; docker images -q --no-trunc"
        )
        there = self.rig.machine.shell(script, LOAD_SECONDS).split()
        missing = [name for name in (BUILT, BROKER) if _docker("images", "--quiet", "--no-trunc", name) not in there]
        if missing:
            _docker("save", "--output", str(share / "images.tar"), *missing)
            self.rig.machine.shell("docker load --quiet --input /host/compose/images.tar", LOAD_SECONDS)
            (share / "images.tar").unlink()
        self.rig.machine.shell(f"docker tag {BUILT} {SHIPPED}")

    def compose(self, *words: str) -> Done:
        """Run Compose in the machine."""
        return self.rig.machine.run("docker", "compose", "--file", f"{INSTALLED}/{FILE}", "--progress=quiet", *words)

    def camera(self, *words: str) -> str:
        """Run one command of the camera in its container, and return all that it printed."""
        done = self.compose("exec", "-T", "camera", "python", "-m", "camera", *words)
        return done.stdout + done.stderr

    def said(self) -> str:
        """What the camera's container has said so far."""
        return self.compose("logs", "--no-log-prefix", "camera").stdout

    def until_said(self, words: str, after: int = 0) -> int:
        """Wait until it has said that in what is behind `after`; return how much it has said."""
        said = self._until(lambda: each if words in (each := self.said())[after:] else "", words)
        return len(said)

    def health(self, service: str = "camera") -> str:
        """What Docker's own health check makes of it, such as healthy."""
        container = self.compose("ps", "--quiet", service).stdout.strip()
        return self.rig.machine.shell(f"docker inspect --format '{{{{.State.Health.Status}}}}' {container}").strip()

    def until_health(self, status: str) -> None:
        self._until(lambda: self.health() == status, f"the container to be {status}")

    def description(self) -> dict[str, object]:
        """How Docker runs the camera."""
        container = self.compose("ps", "--quiet", "camera").stdout.strip()
        (about,) = json.loads(self.rig.machine.shell(f"docker inspect {container}"))
        return {"User": about["Config"]["User"], **about["HostConfig"]}

    def opens(self, *nodes: str) -> dict[str, str]:
        """Whether the container may open these nodes: "opened", or why not."""
        program = (
            "import os, sys\n"
            "for node in sys.argv[1:]:\n"
            "    try: os.close(os.open(node, os.O_RDWR)); print('opened')\n"
            "    except OSError as error: print(error.strerror)"
        )
        said = self.compose("exec", "-T", "camera", "python", "-c", program, *nodes).stdout.splitlines()
        return dict(zip(nodes, said, strict=True))

    def remove(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans")

    def _until(self, condition: Callable[[], str | bool], what: str) -> str:
        return str(until(self.rig, condition, f"{what} of Compose"))


def _docker(*words: str) -> str:
    if shutil.which("docker") is None:
        pytest.skip("there is no Docker to build the images with")
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"docker {words[0]}: {done.stderr[-300:]}")
    return done.stdout.strip()
