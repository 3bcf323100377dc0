"""RabbitMQ from Debian with the files of deploy/rabbitmq: nodes of one cluster on this machine."""

import itertools
import shutil
import socket
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from dev.harness.enrolment import Enrolment
from dev.harness.process import LOOPBACK, Process, free_port, wait_for
from tests.reality.debian import Debian, debian
from tests.support.attacks import attack
from tests.support.link import Link
from tests.support.paths import ROOT

FILES = ROOT / "deploy" / "rabbitmq"
PROGRAMS = "/usr/lib/rabbitmq/bin"
START_SECONDS = 120.0


class Balancer(Link):
    """One address for all nodes, as a load balancer is: each connection goes to the next node that listens."""

    def __init__(self, ports: list[int]) -> None:
        super().__init__(ports[0])
        self._next = itertools.cycle(ports)

    def reach(self) -> socket.socket:
        """Connect to a node; raises ConnectionRefusedError."""
        return socket.create_connection((LOOPBACK, next(self._next)))


@dataclass(slots=True)
class Node:
    """One node; it keeps its data over a kill."""

    name: str
    folder: Path  # as seen from outside of the other Debian
    port: int = field(default_factory=free_port)
    outside_port: int = field(default_factory=free_port)
    distribution_port: int = field(default_factory=free_port)
    process: Process | None = None


class Cluster:
    """Three nodes, what enrolment writes for them, and watch.sh beside the first."""

    def __init__(self, size: int = 3) -> None:
        self.machine: Debian = debian("trixie", "rabbitmq", "rabbitmq-server")
        self._inside = Path("/srv") / f"usbcam-{uuid.uuid4().hex[:8]}"
        self.folder = self.machine.root / self._inside.relative_to("/")
        self.folder.mkdir(parents=True)
        self._epmd_port = free_port()
        self.nodes = [Node(f"r{number}@localhost", self.folder / f"r{number}") for number in range(size)]
        self.enrolment.prepare()
        self._watch: Process | None = None

    @property
    def enrolment(self) -> Enrolment:
        return Enrolment(self.folder)

    def start(self) -> None:
        for node in self.nodes:
            self._configure(node)
            self._launch(node)
        for node in self.nodes:
            self.wait_for(node)
        answers = self.folder / "cloud-broker" / "data"
        answers.mkdir(parents=True, exist_ok=True)
        inside = (f"CLOUD_IDENTITY={self._inside}/identity", f"CLOUD_BROKER_DATA={self._inside}/cloud-broker/data")
        script = self.folder / "watch.sh"
        shutil.copy(FILES / "watch.sh", script)
        environment = self._environment(self.nodes[0])
        command = ("env", *environment, *inside, "LIST_SECONDS=5", "sh", str(self._inside / "watch.sh"))
        self._watch = self.machine.start("watch", self.folder, *command)
        wait_for((answers / "applied").exists, seconds=START_SECONDS, what="what enroll wrote to be applied")

    def kill(self, node: Node) -> None:
        """End it as a power cut does."""
        if node.process is not None:
            node.process.kill()

    def restart(self, node: Node) -> None:
        self._launch(node)
        self.wait_for(node)

    def wait_for(self, node: Node) -> None:
        process = node.process
        assert process is not None
        wait_for(
            lambda: is_open(node.port) or not process.alive(), seconds=START_SECONDS, what=f"{node.name} to answer"
        )
        assert process.alive(), process.tail(20)

    def control(self, *arguments: str, node: int = 0, program: str = "rabbitmqctl") -> str:
        return self.machine.output("env", *self._environment(self.nodes[node]), f"{PROGRAMS}/{program}", *arguments)

    def remove(self) -> None:
        for process in (self._watch, *(node.process for node in self.nodes)):
            if process is not None:
                process.kill()
        # It refuses while it believes that a node lives, and it takes it a moment to see them gone.
        end = (
            f"export ERL_EPMD_PORT={self._epmd_port}; for n in 1 2 3 4 5 6 7 8 9; do epmd -kill && exit; sleep 1; done"
        )
        self.machine.run("sh", "-c", f"({end}) >/dev/null 2>&1 || true")
        shutil.rmtree(self.folder)

    def _launch(self, node: Node) -> None:
        command = ("env", *self._environment(node), f"{PROGRAMS}/rabbitmq-server")
        node.process = self.machine.start(node.name, node.folder, *command)

    def _configure(self, node: Node) -> None:
        node.folder.mkdir()
        for file in FILES.iterdir():
            text = file.read_text(encoding="utf-8").replace("/identity", f"{self._inside}/identity")
            text = text.replace("0.0.0.0:8883", f"{LOOPBACK}:{node.outside_port}")
            text = text.replace("0.0.0.0:1883", f"{LOOPBACK}:{node.port}")
            text = text.replace("/etc/rabbitmq", str(self._inside / node.folder.name))
            (node.folder / file.name).write_text(text, encoding="utf-8")
        nodes = [f"cluster_formation.classic_config.nodes.{i + 1} = {one.name}" for i, one in enumerate(self.nodes)]
        lines = ["cluster_formation.peer_discovery_backend = classic_config", *nodes, ""]
        with (node.folder / "rabbitmq.conf").open("a", encoding="utf-8") as config:
            config.write("\n".join(lines))

    def _environment(self, node: Node) -> list[str]:
        place = self._inside / node.folder.name
        values = {
            "PATH": f"{PROGRAMS}:/usr/sbin:/usr/bin",
            "HOME": str(self._inside),  # the cookie that they share
            "ERL_EPMD_PORT": self._epmd_port,
            "RABBITMQ_NODENAME": node.name,
            "RABBITMQ_DIST_PORT": node.distribution_port,
            "RABBITMQ_MNESIA_BASE": place / "data",
            "RABBITMQ_LOG_BASE": place / "log",
            "RABBITMQ_CONFIG_FILE": place / "rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": place / "advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": place / "enabled_plugins",
            "LC_ALL": "C.UTF-8",
        }
        return [f"{name}={value}" for name, value in values.items()]


def is_open(port: int) -> bool:
    """Whether a node speaks MQTT; it answers a client without a login by a refusal."""
    return attack.answer(port, None, attack.connect_packet()) != b""
