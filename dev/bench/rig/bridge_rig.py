"""The path from edge to cloud, set up for a bench: brokers, a sender and a receiver that counts."""

import struct
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from common.contract import topics
from dev.harness.enrolment import Enrolment
from dev.harness.process import LOOPBACK, Process, free_port, start, until_up
from dev.harness.services import answers_mqtt, start_cloud_broker, start_edge_broker

EDGE = "porch"
SECONDS = 20.0
PLAIN_BROKER = """listener {port} 127.0.0.1
allow_anonymous true
user root
max_queued_messages 0
persistence true
persistence_location {data}/
autosave_on_changes true
autosave_interval 200
"""


@dataclass(slots=True)
class BridgeRig:
    """Two brokers, and what carries from one to the other: Mosquitto's bridge, or a relay in Python."""

    folder: Path
    by_relay: bool
    cloud_port: int = field(default_factory=free_port)
    outside_port: int = field(default_factory=free_port)
    edge_port: int = field(default_factory=free_port)
    parts: dict[str, Process] = field(default_factory=dict)

    def __enter__(self) -> Self:
        Enrolment(self.folder).prepare()
        Enrolment(self.folder).enroll(EDGE, wait=False)
        folder = self.folder / "cloud-broker"
        self.parts["cloud"] = start_cloud_broker(folder, port=self.cloud_port, outside_port=self.outside_port)
        self.start_edge()
        if self.by_relay:
            self.start_relay()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.parts.values():
            process.kill()

    @property
    def carriers(self) -> list[int]:
        """The processes at the edge."""
        return [process.popen.pid for name, process in self.parts.items() if name in {"edge", "relay"}]

    def start_edge(self) -> None:
        """Start the edge's broker, on what it left."""
        folder = self.folder / "edge-broker"
        if not self.by_relay:
            self.parts["edge"] = start_edge_broker(
                folder, edge=EDGE, cloud_host=LOOPBACK, cloud_port=self.outside_port, port=self.edge_port
            )
            return
        (folder / "data").mkdir(parents=True, exist_ok=True)
        config = folder / "mosquitto.conf"
        config.write_text(PLAIN_BROKER.format(port=self.edge_port, data=folder / "data"))
        process = start("edge-broker", ["mosquitto", "-c", str(config)], folder, {"PATH": "/usr/sbin:/usr/bin"})
        self.parts["edge"] = until_up(process, lambda: answers_mqtt(self.edge_port))

    def start_relay(self) -> None:
        given = Enrolment(self.folder).credentials(EDGE)
        files = [str(file) for file in (given.authority, given.certificate, given.key)]
        command = [sys.executable, "-m", "dev.bench.peers.relay", str(self.edge_port), str(self.outside_port), *files]
        self.parts["relay"] = start("relay", command, self.folder / "relay", {"PYTHONPATH": ":".join(sys.path)})

    def restart(self, part: str) -> None:
        """Kill a part as a power cut does, and start it again."""
        self.parts[part].kill()
        self.start_edge() if part == "edge" else self.start_relay()


class Receiver:
    """Whoever is subscribed in the cloud, with a session that outlives cuts."""

    def __init__(self, port: int) -> None:
        self.delays: dict[int, float] = {}  # seconds, by number
        self.arrived = 0
        self.last_at = 0.0
        self._client = Client(CallbackAPIVersion.VERSION2, "receiver", clean_session=False)
        subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(topics.EVERY_EDGES_IMAGES, qos=1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = lambda _client, _data, message: self._take(message)
        self._client.connect(LOOPBACK, port)
        self._client.loop_start()
        if not subscribed.wait(SECONDS):
            raise TimeoutError("the cloud broker takes no subscription")

    def forget(self) -> None:
        """Begin to count anew."""
        self.delays.clear()
        self.arrived = 0

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, message: MQTTMessage) -> None:
        now = time.monotonic()
        number, sent_at = read_stamp(bytes(message.payload))
        self.arrived += 1
        self.last_at = now
        self.delays.setdefault(number, now - sent_at)


class Sender:
    """The naive camera: publishes, and lets paho resend what was not acknowledged."""

    def __init__(self, port: int) -> None:
        self.answered = 0
        self._client = Client(CallbackAPIVersion.VERSION2, "sender", clean_session=False)
        self._client.max_inflight_messages_set(100)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = lambda *_: self._count()
        self._client.connect(LOOPBACK, port)
        self._client.loop_start()

    def send(self, number: int, kilobytes: int) -> None:
        self._client.publish(topics.IMAGES, stamp(number, kilobytes), qos=1)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _count(self) -> None:
        self.answered += 1


def stamp(number: int, kilobytes: int) -> bytes:
    """A payload that says which it is and when it was sent."""
    return struct.pack(">Qd", number, time.monotonic()) + bytes(1024 * kilobytes - 16)


def read_stamp(payload: bytes) -> tuple[int, float]:
    number, sent_at = struct.unpack(">Qd", payload[:16])
    return number, sent_at
