"""The shipped Compose file of the edge in the machine."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from dev.vm.docker_disk import CAMERA, LABEL
from dev.vm.machine import Done
from tests.reality.kernel.rig import Rig, until
from tests.support.paths import ROOT

FILE = "docker-compose.edge.yml"
SHIPPED = "usbcam-camera:0.1.0"
START_SECONDS = 900.0
DATA = "/var/lib/docker"
INSTALLED = "/opt/compose"


@dataclass(slots=True)
class ComposedEdge:
    """The edge's containers in the machine."""

    rig: Rig

    def install(self) -> None:
        """Bring the files into the machine and start its Docker, which has the images on a disk of its own."""
        share = self.rig.machine.share / "compose"
        shutil.rmtree(share, ignore_errors=True)
        share.mkdir()
        shutil.copy(ROOT / FILE, share)
        shutil.copytree(ROOT / "mosquitto", share / "mosquitto")
        self.rig.machine.shell(
            f"rm -rf {INSTALLED}; cp -r /host/compose {INSTALLED}; mkdir -p {DATA};"
            f" mountpoint -q {DATA} || mount LABEL={LABEL} {DATA}; systemctl start docker;"
            f" docker tag {CAMERA} {SHIPPED}",
            START_SECONDS,
        )

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
