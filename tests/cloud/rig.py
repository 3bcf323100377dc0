"""What surrounds the uploader in its tests: a broker, an edge that sends, and S3 behind a proxy that can close."""

import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore.store import S3Store
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from common.contract import topics
from dev.harness.object_store import quick_store
from dev.harness.process import LOOPBACK, POLL_SECONDS, Process, free_port, start, until_up, wait_for
from dev.harness.services import answers_mqtt, start_uploader
from tests.support.images import pictures
from tests.support.paths import ROOT
from tests.support.programs import launcher
from tests.support.rig import Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CLOUD = ROOT / "cloud"
SECONDS = 20.0
LATER = "usbcam-later"  # the only bucket that the limited key of the strict store may use
LIMITED_KEY = "limited"
LIMITED_SECRET = "limited-secret"
READER_KEY = "reader"  # may read and list there
READER_SECRET = "reader-secret"


@contextlib.contextmanager
def running_broker(folder: Path) -> Iterator["Broker"]:
    broker = Broker(folder)
    broker.start()
    yield broker
    broker.stop()


@dataclass(slots=True)
class Broker:
    """A Mosquitto with a short configuration; it keeps its sessions over a clean stop."""

    folder: Path
    port: int = field(default_factory=free_port)
    extra: str = "allow_anonymous true"
    process: Process | None = None

    def start(self) -> None:
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        lines = [f"listener {self.port} {LOOPBACK}", self.extra, "max_queued_messages 0", "persistence true"]
        lines += [f"persistence_location {data}/", "user root", "max_packet_size 16777216"]
        file = self.folder / "mosquitto.conf"
        file.write_text("\n".join(lines) + "\n")
        process = start("mosquitto", ["mosquitto", "-c", str(file)], self.folder, {"PATH": "/usr/sbin:/usr/bin"})
        is_open = self.extra == "allow_anonymous true"
        self.process = until_up(process, lambda: answers_mqtt(self.port) or not is_open)

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()

    def saved(self) -> bytes:
        """Return all that it has in memory: sessions and messages; it writes that down when told so."""
        assert self.process is not None
        self.process.signal(signal.SIGUSR1)
        file = self.folder / "data" / "mosquitto.db"
        return file.read_bytes() if file.exists() else b""

    def restart_without_sessions(self) -> None:
        """Kill it, and start it again without any session."""
        if self.process is not None:
            self.process.kill()
        (self.folder / "data" / "mosquitto.db").unlink(missing_ok=True)
        self.start()


class Edge:
    """Plays an edge's bridge: sends images and collects the receipts."""

    def __init__(self, port: int, name: str = "porch") -> None:
        self.name = name
        self.receipts: list[dict[str, list[dict[str, str]]]] = []
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=f"edge-{name}", protocol=MQTTv5)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(topics.edge_receipts(name), qos=1)
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_disconnect = lambda *_: self._subscribed.clear()
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(LOOPBACK, port)
        self._client.loop_start()
        self.wait_until_subscribed()

    def wait_until_subscribed(self) -> None:
        """Wait for the connection, also for the next one after it was lost."""
        assert self._subscribed.wait(SECONDS)

    def send(
        self, payload: bytes, properties: Mapping[str, str] | None = None, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Send an image with these user properties; by default with those of a camera."""
        self.send_all([payload], properties, qos=qos, retain=retain)

    def send_all(
        self, payloads: list[bytes], properties: Mapping[str, str] | None = None, *, qos: int = 1, retain: bool = False
    ) -> None:
        topic = topics.edge_images(self.name)
        for info in [
            self._client.publish(topic, payload, qos, retain, _publish_properties(payload, properties))
            for payload in payloads
        ]:
            info.wait_for_publish(SECONDS)

    def stored(self) -> dict[str, str]:
        """Return the key of each id that a receipt reports as stored."""
        return {entry["id"]: entry["key"] for receipt in list(self.receipts) for entry in receipt["stored"]}

    def rejected(self) -> dict[str, str]:
        """Return the reason for each id that a receipt reports as rejected."""
        return {entry["id"]: entry["reason"] for receipt in list(self.receipts) for entry in receipt["rejected"]}

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.receipts.append(json.loads(message.payload))


def _publish_properties(payload: bytes, properties: Mapping[str, str] | None) -> Properties:
    packet = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    pairs = list((pictures.properties(payload) if properties is None else properties).items())
    if pairs:
        packet.UserProperty = pairs
    return packet


class S3Proxy:
    """A TCP proxy in front of S3 that can be closed and opened again; closing breaks its connections."""

    def __init__(self, target: str) -> None:
        host, _, port = target.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self._port = free_port()
        self.endpoint = f"http://{LOOPBACK}:{self._port}"
        self._server: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self.open()

    def open(self) -> None:
        self._server = socket.create_server((LOOPBACK, self._port))
        threading.Thread(target=self._accept, args=[self._server], daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            _shut(self._server)
            self._server = None
        for connection in list(self._open):
            _shut(connection)

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.create_connection(self._target)
                self._open |= {near, far}
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=[source, sink], daemon=True).start()

    def note(self, source: socket.socket, data: bytes) -> None:
        """Hear what one side sent, before the other side gets it."""

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.note(source, data)
                sink.sendall(data)
        for connection in (source, sink):
            _shut(connection)
            self._open.discard(connection)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of the store, as tests look at it."""

    store: Store
    name: str

    @property
    def client(self) -> "S3Client":
        return self.store.client

    def put(self, key: str, body: bytes = b"x", content_type: str = "image/png", **metadata: str) -> None:
        """Write an object, by obstore at a tenth of boto3's cost: some tests want hundreds."""
        obstore.put(
            self._quick,
            key,
            body,
            attributes={"Content-Type": content_type, **metadata},
            use_multipart=False,
        )

    def list_keys(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def capture_keys(self) -> list[str]:
        return [key for key in self.list_keys() if not key.startswith("rejected/")]

    def read(self, key: str) -> tuple[bytes, str, dict[str, str]]:
        answer = self.client.get_object(Bucket=self.name, Key=key)
        with answer["Body"] as body:
            return body.read(), answer["ContentType"], answer["Metadata"]

    def wait_for(self, count: int) -> list[str]:
        """Wait until this many captures are stored."""
        wait_for(
            lambda: self._count() >= count,
            seconds=30,
            what=f"{count} captures in S3",
            max_poll=POLL_SECONDS,  # what a test does next is often meant for the middle of an upload
        )
        return self.capture_keys()

    def _count(self) -> int:
        """How many captures there are, by obstore: asked again and again, boto3 would take most of a test's time."""
        return sum(not each["path"].startswith("rejected/") for each in obstore.list(self._quick).collect())

    @property
    def _quick(self) -> S3Store:
        return quick_store(self.store.endpoint, self.store.access_key, self.store.secret_key, self.name)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command printed: one result a line."""

    code: int
    out: str
    err: str

    def lines(self, status: str) -> dict[str, str]:
        """Return the messages of a status by their subjects."""
        found = [line for line in self.out.splitlines() if line.split(" ", 1)[0] == status]
        return {line[9:25].strip(): line[25:].strip() for line in found}


@dataclass(slots=True)
class Uploaders:
    """Starts the real uploader as a process, with settings that match the test's surroundings."""

    folder: Path
    settings: dict[str, str]
    started: list[Process] = field(default_factory=list)

    def start(self, **settings: str) -> Process:
        process = start_uploader(self.folder, **(self.settings | settings))
        self.started.append(process)
        return process

    def start_healthy(self, **settings: str) -> Process:
        """Start it and wait until it reports that it is healthy."""
        process = self.start(**settings)
        self.wait_for_state(None)
        return process

    def run(self, *command: str, **settings: str) -> CommandResult:
        """Run one of its commands in the same surroundings, to its end."""
        given = {"HEARTBEAT_FILE": str(self.folder / "uploader.json")} | self.settings | settings
        self.folder.mkdir(exist_ok=True)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **given}
        done = launcher.run("uploader", *command, folder=self.folder, environment=environment)
        assert "Traceback" not in done.stderr, done.stderr
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def problem(self) -> Any:
        """Return the problem that the running uploader reports: None if it is healthy, "?" without a report."""
        try:
            return json.loads((self.folder / "uploader.json").read_text())["problem"]
        except (OSError, ValueError):
            return "?"

    def wait_for_state(self, word: str | None) -> None:
        """Wait until it is healthy (None), or reports a problem with this word."""

        def is_reported() -> bool:
            problem = self.problem()
            return problem is None if word is None else word in str(problem)

        try:
            wait_for(is_reported, seconds=SECONDS, what=f"the uploader to report {word}")
        except TimeoutError as error:
            log = self.started[-1].tail()
            raise AssertionError(f"{error}; it reports {self.problem()}\n{log}") from error

    def stop_all(self) -> None:
        for process in self.started:
            process.kill()
