"""The shipped Compose file of the edge in the machine."""

import json
import shutil
from dataclasses import dataclass, field

from dev.vm.docker_disk import CAMERA, LABEL
from dev.vm.machine import Done
from tests.reality.kernel.commands import Commands
from tests.reality.kernel.rig import SMALL, Rig, until
from tests.support.paths import ROOT

FILE = "docker-compose.edge.yml"
SHIPPED = "usbcam-camera:0.1.0"
START_SECONDS = 900.0
DATA = "/var/lib/docker"
INSTALLED = "/opt/compose"
ASK_SECONDS = 8.0
# Asked as often as on a real processor, the containers would do nothing but answer.
PATIENT = """services:
  camera: {healthcheck: {interval: 60s, timeout: 60s, retries: 2}}
  edge-broker: {healthcheck: {interval: 300s, timeout: 60s}}
"""
SERIAL = "BULK1"
# Named: `auto` waits ten seconds for its camera, and a busy host takes longer to plug two in.
SETTINGS = {**SMALL, "LIVE_PORT": "8080", "FRAME_RATE": "5", "CAMERA_SOURCE": f"serial:{SERIAL}"}


@dataclass(slots=True)
class ComposedEdge:
    """The edge's containers in the machine. Each question to Docker takes the machine seconds, so few are asked."""

    rig: Rig
    container: str = ""  # the camera's
    commands: Commands | None = None  # in it
    lines: list[str] = field(default_factory=list)  # that it has said
    old: int = 0  # so many of them do not count any more

    def install(self) -> None:
        """Bring the files into the machine and start its Docker, which has the images on a disk of its own."""
        share = self.rig.machine.share / "compose"
        shutil.rmtree(share, ignore_errors=True)
        share.mkdir()
        shutil.copy(ROOT / FILE, share)
        shutil.copytree(ROOT / "mosquitto", share / "mosquitto")
        (share / ".env").write_text("".join(f"{name}={value}\n" for name, value in SETTINGS.items()), encoding="ascii")
        (share / "patient.yml").write_text(PATIENT, encoding="ascii")
        self.rig.machine.shell(
            f"rm -rf {INSTALLED}; cp -r /host/compose {INSTALLED}; mkdir -p {DATA};"
            f" mountpoint -q {DATA} || mount LABEL={LABEL} {DATA}; systemctl start docker;"
            f" docker tag {CAMERA} {SHIPPED}",
            START_SECONDS,
        )

    def start(self) -> None:
        """Start the containers, and read on what the camera says."""
        started = self.compose("up", "--detach", "--no-build")
        assert started.returncode == 0, started.stderr
        self.container = self.compose("ps", "--quiet", "camera").stdout.strip()
        self.commands = Commands.start(self.rig.attach, "docker", "exec", "-i", self.container, "python")
        self.rig.gather(f"docker logs --follow {self.container} 2>&1", self.lines)

    def compose(self, *words: str) -> Done:
        """Run Compose in the machine."""
        files = [word for name in (FILE, "patient.yml") for word in ("--file", f"{INSTALLED}/{name}")]
        return self.rig.machine.run("docker", "compose", *files, "--progress=quiet", *words)

    def camera(self, *words: str) -> str:
        """Run one command of the camera in its container, and return all that it printed."""
        assert self.commands is not None
        done = self.commands.run(words)
        return done.stdout + done.stderr

    def forget(self) -> None:
        """Count only what is said from now on."""
        self.old = len(self.lines)

    def until_said(self, words: str) -> None:
        """Wait until it has said that, and count only what it says after that."""
        until(self.rig, lambda: any(words in line for line in self.lines[self.old :]), lambda: self._told(words))
        self.old = next(n for n, line in enumerate(self.lines[self.old :], self.old + 1) if words in line)

    def until_health(self, status: str) -> None:
        """Wait until Docker's own health check makes that of it, such as healthy."""
        ask = f"docker inspect --format '{{{{.State.Health.Status}}}}' {self.container}"
        until(self.rig, lambda: self.rig.machine.shell(ask).strip() == status, lambda: self._told(status), ASK_SECONDS)

    def last_health(self) -> str:
        """What the container's health check said last."""
        (about,) = json.loads(self.rig.machine.shell(f"docker inspect {self.container}"))
        return str(about["State"]["Health"]["Log"][-1]["Output"])

    def description(self) -> dict[str, object]:
        """How Docker runs the camera."""
        (about,) = json.loads(self.rig.machine.shell(f"docker inspect {self.container}"))
        return {"User": about["Config"]["User"], **about["HostConfig"]}

    def opens(self, *nodes: str) -> dict[str, str]:
        """Whether the container may open these nodes: "opened", or why not."""
        program = (
            "import os, sys\n"
            "for node in sys.argv[1:]:\n"
            "    try: os.close(os.open(node, os.O_RDWR)); print('opened')\n"
            "    except OSError as error: print(error.strerror)"
        )
        said = self.rig.machine.run(
            "docker", "exec", self.container, "python", "-c", program, *nodes
        ).stdout.splitlines()
        return dict(zip(nodes, said, strict=True))

    def remove(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans")

    def _told(self, what: str) -> str:
        return f"{what} of the camera's container; it said {self.lines}"
