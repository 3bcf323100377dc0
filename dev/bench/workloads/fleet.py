"""How many edges one cloud host carries: `python -m dev.bench.workloads.fleet --edges 100,1000 --per-minute 10`.

One cloud broker, one uploader and one store with the shipped files, all on this machine. Edges are as the cloud
sees them: an MQTT 5 connection by TLS with the edge's own certificate, captures at QoS 1, receipts awaited.
"""

import argparse
import hashlib
import json
import os
import random
import selectors
import shutil
import socket
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, cast

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from common.contract import topics
from common.runtime.files import SecretDir
from dev.bench.figures.measure import cpu_seconds, memory_mb
from dev.harness import services as stack
from dev.harness.enrolment import Enrolment
from dev.harness.process import LOOPBACK, Process
from enroll import x509
from enroll.authority import CertificateAuthority
from enroll.broker_sync import BrokerSync
from enroll.edge_token import Token
from uploader.settings import Settings as UploaderSettings

SHIPPED_THREADS: int = UploaderSettings.model_fields["upload_threads"].default
BUCKET = "fleet"
KEYS = {"AWS_ACCESS_KEY_ID": "fleet", "AWS_SECRET_ACCESS_KEY": "fleet-secret"}
DRAIN_SECONDS, SUBSCRIBE_SECONDS = 30.0, 300.0
COLUMNS = (
    *("edges", "captures/s", "TLS handshakes/s", "sent", "receipted", "rejected", "connections lost"),
    *("capture to receipt: half", "99 of 100", "CPU: broker", "uploader", "store", "fleet"),
    *("MB: broker", "uploader"),
)


@dataclass(slots=True)
class Tally:
    """What all edges together saw."""

    sent: dict[str, float] = field(default_factory=dict)  # when, by id
    latencies: list[float] = field(default_factory=list)
    rejected: int = 0
    lost_connections: int = 0


class FleetEdge:
    """One edge's connection, driven by the loop of all."""

    def __init__(self, name: str, files: Path, tally: Tally) -> None:
        self._name, self._tally = name, tally
        self.due, self.subscribed = 0.0, False
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5)
        self.client.tls_set(str(files / "ca.crt"), str(files / "edge.crt"), str(files / "edge.key"))
        self.client.on_connect = lambda client, *_: client.subscribe(topics.edge_receipts(name), qos=1)
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.on_disconnect = self._on_disconnect

    def send(self, image: bytes) -> None:
        """Publish one capture, made now."""
        now = datetime.now(UTC)
        stamp = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
        identity = f"{stamp.replace('-', '').replace(':', '')}-{hashlib.sha256(image).hexdigest()[:8]}"
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's own gap
        properties.UserProperty = [("schema", "1"), ("id", identity), ("camera", "c"), ("captured_at", stamp)]
        self._tally.sent[identity] = time.monotonic()
        self.client.publish(topics.edge_images(self._name), image, 1, properties=properties)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        receipt = json.loads(message.payload)
        self._tally.rejected += len(receipt["rejected"])
        for stored in receipt["stored"]:
            sent_at = self._tally.sent.pop(stored["id"], None)
            if sent_at is not None:
                self._tally.latencies.append(time.monotonic() - sent_at)

    def _on_subscribe(self, *_: object) -> None:
        self.subscribed = True

    def _on_disconnect(self, *_: object) -> None:
        self._tally.lost_connections += 1


@dataclass(frozen=True, slots=True)
class FleetCloud:
    """The three parts, and how much they used."""

    broker: Process
    uploader: Process
    store: Process
    folder: Path
    port: int

    def used(self) -> dict[str, float]:
        """Return the CPU seconds of each so far."""
        parts = {"broker": self.broker, "uploader": self.uploader, "store": self.store}
        return {name: cpu_seconds(process.popen.pid) for name, process in parts.items()} | {
            "fleet": sum(os.times()[:2])
        }


def main() -> int:
    arguments = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="usbcam-fleet-"))
    print(f"| {' | '.join(COLUMNS)} |")
    print("|" + " ---: |" * len(COLUMNS))
    try:
        most = max(arguments.edges)
        cloud = start(folder, [name(number) for number in range(most)], arguments.threads)
        for edges in arguments.edges:
            print(row(cloud, edges, arguments), flush=True)
        for process in (cloud.uploader, cloud.broker, cloud.store):
            process.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def start(folder: Path, names: list[str], threads: int = SHIPPED_THREADS) -> FleetCloud:
    """Start the cloud, with these edges enrolled beforehand."""
    store_port, inside, outside = (stack.free_port() for _ in range(3))
    store = stack.start_store(folder / "store", port=store_port, access_key="fleet", secret_key="fleet-secret")
    endpoint = f"http://{LOOPBACK}:{store_port}"
    stack.make_bucket(endpoint, KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], BUCKET)
    enroll(folder, names)
    files = broker_files(folder / "broker-files", len(names))
    broker = stack.start_cloud_broker(folder / "cloud-broker", port=inside, outside_port=outside, files=files)
    settings = KEYS | {"S3_BUCKET": BUCKET, "S3_ENDPOINT_URL": endpoint, "CLOUD_BROKER_PORT": str(inside)}
    uploader = stack.start_uploader(folder / "uploader", **settings, UPLOAD_THREADS=str(threads), LOG_LEVEL="WARNING")
    beat = folder / "uploader" / "uploader.json"
    stack.wait_for(lambda: beat.exists() and '"problem": null' in beat.read_text(), seconds=30, what="the uploader")
    return FleetCloud(broker, uploader, store, folder, outside)


def broker_files(folder: Path, edges: int) -> Path:
    """The shipped files, with room for that many edges and a fifth more: what scale.md says to set."""
    shutil.copytree(stack.CLOUD_FILES, folder / "cloud")
    shutil.copy(stack.CLOUD_FILES.parent / stack.SHARED_SCRIPT, folder)
    config = folder / "cloud" / "mosquitto.conf"
    allowed = "max_connections 4000"
    text = config.read_text(encoding="utf-8")
    if allowed not in text:
        raise ValueError(f"mosquitto.conf has no {allowed}")
    needed = max(4000, edges * 6 // 5)
    config.write_text(text.replace(allowed, f"max_connections {needed}"), encoding="utf-8")
    return folder / "cloud"


def enroll(folder: Path, names: list[str]) -> None:
    """Enroll all at once: to save the register, and to tell the broker, after each would take minutes."""
    for part in ("authority", "identity", "cloud-broker/data", "tokens"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    authority = CertificateAuthority(SecretDir(folder / "authority"))
    pem, registry = x509.certificate_pem(authority.certificate), authority.registry
    for edge in names:
        key = x509.new_key()
        signed = x509.sign_edge(authority.key, key.public_key(), edge)
        registry = registry.with_edge(edge, signed)
        ends, certificate = signed.not_valid_after_utc, x509.certificate_pem(signed)
        token = Token(edge, LOOPBACK, 8883, ends, pem, certificate, x509.key_pem(key))
        (folder / "tokens" / edge).write_text(f"EDGE_TOKEN={token.encode()}\n", encoding="ascii")
    SecretDir(folder / "authority").write("registry.json", registry.to_json().encode())
    BrokerSync(SecretDir(folder / "identity"), SecretDir(folder / "cloud-broker" / "data")).publish(
        CertificateAuthority(SecretDir(folder / "authority")), [LOOPBACK]
    )


def row(cloud: FleetCloud, count: int, arguments: argparse.Namespace) -> str:
    """Let so many edges send for a while, and return the figures."""
    tally = Tally()
    began = time.monotonic()
    edges = [connect(cloud, name(number), tally) for number in range(count)]
    connecting = time.monotonic() - began
    before = cloud.used()
    began = time.monotonic()
    sent = run(edges, tally, arguments)
    seconds = time.monotonic() - began
    used = {part: (after - before[part]) / seconds for part, after in cloud.used().items()}
    lost = tally.lost_connections
    for edge in edges:
        edge.client.disconnect()
    ways = sorted(tally.latencies) or [0.0]
    cells = [f"{count:,}", f"{count * arguments.per_minute / 60:.1f}", f"{count / connecting:.0f}", f"{sent:,}"]
    cells += [f"{len(tally.latencies):,}", str(tally.rejected), str(lost)]
    cells += [f"{1000 * ways[len(ways) // 2]:.0f} ms", f"{1000 * ways[int(len(ways) * 0.99)]:.0f} ms"]
    cells += [f"{100 * used[part]:.0f} %" for part in ("broker", "uploader", "store", "fleet")]
    cells += [f"{memory_mb(process.popen.pid):.0f}" for process in (cloud.broker, cloud.uploader)]
    return f"| {' | '.join(cells)} |"


def connect(cloud: FleetCloud, edge: str, tally: Tally) -> FleetEdge:
    files = cloud.folder / "credentials" / edge
    if not files.exists():
        Enrolment(cloud.folder).credentials(edge)
    connected = FleetEdge(edge, files, tally)
    connected.client.connect(LOOPBACK, cloud.port, keepalive=600)  # nobody turns their loops until all are connected
    return connected


def run(edges: list[FleetEdge], tally: Tally, arguments: argparse.Namespace) -> int:
    """Drive all connections until the time is over and the last receipts are here; return how many were sent."""
    pause = 60 / arguments.per_minute
    spread = random.Random(1)
    images = pictures(arguments.kilobytes)
    with Crowd(edges) as crowd:
        began, sent = time.monotonic(), 0
        end = began + arguments.seconds
        for edge in edges:
            edge.due = began + spread.uniform(0, pause)
        while (now := time.monotonic()) < end or (tally.sent and now < end + DRAIN_SECONDS):
            for edge in (edge for edge in edges if edge.due <= now < end):
                edge.send(next(images))
                edge.due += pause
                sent += 1
            crowd.turn()
    return sent


class Crowd:
    """Turns the network loops of all edges on one thread."""

    def __init__(self, edges: list[FleetEdge]) -> None:
        self._edges = edges
        self._selector = selectors.DefaultSelector()
        self._kept = time.monotonic()

    def __enter__(self) -> Self:
        """Wait until every edge listens for its receipts, as a bridge does before it sends."""
        for edge in self._edges:
            self._selector.register(cast("socket.socket", edge.client.socket()), selectors.EVENT_READ, edge)
        deadline = time.monotonic() + SUBSCRIBE_SECONDS
        while not all(edge.subscribed for edge in self._edges):
            if time.monotonic() > deadline:
                missing = sum(not edge.subscribed for edge in self._edges)
                raise TimeoutError(f"waited {SUBSCRIBE_SECONDS:g} s, and {missing} edges have no subscription")
            self.turn()
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def turn(self) -> None:
        for edge in (edge for edge in self._edges if edge.client.want_write()):
            edge.client.loop_write()
        for key, _ in self._selector.select(0.01):
            cast("FleetEdge", key.data).client.loop_read()
        if time.monotonic() - self._kept > 5:
            self._kept = time.monotonic()
            for edge in self._edges:
                edge.client.loop_misc()


def pictures(kilobytes: int) -> Iterator[bytes]:
    """PNGs of about that size, each different, and cheap: the fleet shares the machine with what it measures."""
    side = int((kilobytes * 1024 / 3) ** 0.5)
    rows = b"".join(b"\0" + random.Random(line).randbytes(3 * side) for line in range(side))
    head = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    tail = _chunk(b"IDAT", zlib.compress(rows, 0)) + _chunk(b"IEND", b"")
    number = time.time_ns()
    while True:
        number += 1
        yield head + _chunk(b"tEXt", f"number\0{number}".encode()) + tail


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def name(number: int) -> str:
    return f"edge-{number:05}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.workloads.fleet", description=__doc__)
    parser.add_argument("--edges", type=lambda text: [int(word) for word in text.split(",")], default=[1, 10, 100])
    parser.add_argument("--per-minute", type=float, default=1.0, help="captures of each edge")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each size runs")
    parser.add_argument("--kilobytes", type=int, default=80, help="of each capture")
    parser.add_argument("--threads", type=int, default=SHIPPED_THREADS, help="UPLOAD_THREADS")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
