"""From a frame to an object in S3: latency at several rates, what each promise costs, and how fast a backlog drains."""

import functools
import os
import re
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from camera.config.settings import Settings
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from dev.bench.figures.measure import QUICK, Sample, Series, paired, quantile
from dev.bench.figures.plot import bars
from dev.bench.figures.report import Report, Table
from dev.bench.rig import load, stores
from dev.bench.rig.bridge_rig import BridgeRig
from dev.harness.process import wait_for
from dev.harness.services import start_uploader

KILOBYTES = 80
RATES = {1: 12.0, 10: 5.0, 100: 5.0}  # captures a second, and for how long
BACKLOG = 1_000 if QUICK else 10_000
PUTS = 200
LOOK_SECONDS = 0.001
LOOPBACK_MTU = Path("/sys/class/net/lo/mtu")
ETHERNET_MTU = 1_500
STORED = re.compile(r"Stored \S+/([^/]+)\.png")


@dataclass(slots=True)
class Cloud:
    """The whole path to S3, and when each capture arrived."""

    rig: BridgeRig
    stored_at: dict[str, float] = field(default_factory=dict)  # by id
    over: threading.Event = field(default_factory=threading.Event)

    def follow(self, log: Path) -> None:
        """Read the uploader's log as it grows: receipts come in batches, and later."""
        with log.open(encoding="utf-8") as lines:
            while not self.over.wait(LOOK_SECONDS):
                for line in lines:
                    if found := STORED.search(line):
                        self.stored_at.setdefault(found[1], time.monotonic())


def run(folder: Path) -> Report:
    """One cloud for all runs."""
    with running_cloud(folder) as cloud:
        steady(folder, cloud, 10)  # nobody has connected yet
        rates = paired({f"{rate} a second": functools.partial(steady, folder, cloud, rate) for rate in RATES})
        links = paired({name: functools.partial(over_link, folder, cloud, mtu) for name, mtu in _links().items()})
        promises = paired(
            {
                f"QoS {qos}, receipts {receipts}": functools.partial(steady, folder, cloud, 10, qos, receipts)
                for qos in (0, 1, 2)
                for receipts in ("on", "off")
            }
        )
        spool = paired({"with fsync": lambda: _puts(folder), "without": lambda: _puts(folder, synced=False)})
        drained = paired({"drain": functools.partial(drain, folder, cloud)})
    tables = (
        _table("Capture to object in S3, by rate (80 KB, QoS 1, receipts on):", rates),
        _table("The same by the link's largest packet, 10 a second:", links),
        _table("The same by promise, 10 a second:", promises),
        Table(
            "Writing an 80 KB capture to the spool:",
            ("", "ms"),
            tuple((name, str(spool.figure(name, "ms"))) for name in spool.samples),
        ),
        Table(
            f"A backlog of {BACKLOG:,} captures of 8 KB after an outage:",
            ("", "captures/s", "seconds"),
            (("drain", str(drained.figure("drain", "captures/s")), str(drained.figure("drain", "seconds"))),),
        ),
    )
    notes = (
        "From when a face was chosen, before it is encoded, to when the uploader logs that S3 has it.",
        "The store is SeaweedFS on the same two cores.",
        "Loopback holds back the rest of an image that fills no packet until the cloud's delayed acknowledgement.",
        f"fsync costs {_ratio(spool)} times the write without it, on this machine's disk.",
    )
    plot = bars(
        "Capture to object in S3", "ms, half of all", {"": {n: rates.figure(n, "p50 ms") for n in rates.samples}}
    )
    return Report("endtoend", "From a frame to S3", tables, notes, {"endtoend": plot})


def _links() -> dict[str, int]:
    """MTUs by what they are called; without root's rights this machine's own alone."""
    own = int(LOOPBACK_MTU.read_text())
    small = {f"as on Ethernet, {ETHERNET_MTU:,} bytes": ETHERNET_MTU} if os.access(LOOPBACK_MTU, os.W_OK) else {}
    return {f"loopback, {own:,} bytes": own} | small


def over_link(folder: Path, cloud: Cloud, mtu: int) -> Sample:
    """Ten captures a second while this machine's loopback has this MTU."""
    own = int(LOOPBACK_MTU.read_text())
    if mtu == own:
        return steady(folder, cloud, 10)
    LOOPBACK_MTU.write_text(str(mtu))
    try:
        return steady(folder, cloud, 10)
    finally:
        LOOPBACK_MTU.write_text(str(own))


@contextmanager
def running_cloud(folder: Path) -> Iterator[Cloud]:
    store = stores.real(folder / "store")
    with BridgeRig(folder / "rig", by_relay=False) as rig:
        uploader = start_uploader(rig.folder / "uploader", **store.settings, CLOUD_BROKER_PORT=str(rig.cloud_port))
        cloud = Cloud(rig)
        follower = threading.Thread(target=cloud.follow, args=(uploader.log,))
        follower.start()
        try:
            yield cloud
        finally:
            cloud.over.set()
            follower.join()
            uploader.kill()
            store.process.kill()


@contextmanager
def _publisher(folder: Path, cloud: Cloud, qos: int = 1, receipts: str = "on") -> Iterator[tuple[Spool, Publisher]]:
    spool = Spool(folder / f"spool-{time.monotonic_ns()}", 2 << 30)
    given = Settings(edge_broker_port=cloud.rig.edge_port, mqtt_qos=qos, receipts=receipts)
    publisher = Publisher(given, spool, ())
    try:
        yield spool, publisher
    finally:
        publisher.stop()
        spool.close()


def steady(folder: Path, cloud: Cloud, rate: int, qos: int = 1, receipts: str = "on") -> Sample:
    count = round(rate * (2 if QUICK else RATES[rate]))
    captures = load.unique(KILOBYTES, count)
    began_at: dict[str, float] = {}
    with _publisher(folder, cloud, qos, receipts) as (spool, publisher):
        publisher.start()
        wait_for(lambda: publisher.status.connected, seconds=20, what="the edge broker")
        began = time.monotonic()
        for index, make in enumerate(captures):
            time.sleep(max(0.0, began + index / rate - time.monotonic()))
            now = time.monotonic()
            capture = make()
            began_at[capture.id] = now
            spool.put(capture)
            publisher.publish(capture.id)
        wait_for(lambda: began_at.keys() <= cloud.stored_at.keys(), seconds=60, what="all captures in S3")
    delays = [cloud.stored_at[each] - at for each, at in began_at.items()]
    return {"p50 ms": 1000 * statistics.median(delays), "p99 ms": 1000 * quantile(delays, 0.99)}


def _puts(folder: Path, *, synced: bool = True) -> Sample:
    captures = [make() for make in load.unique(KILOBYTES, PUTS)]
    spool = Spool(folder / f"spool-{time.monotonic_ns()}", 2 << 30)
    with mock.patch("os.fsync", os.fsync if synced else lambda _: None):
        began = time.monotonic()
        for capture in captures:
            spool.put(capture)
        seconds = time.monotonic() - began
    spool.close()
    return {"ms": 1000 * seconds / PUTS}


def drain(folder: Path, cloud: Cloud) -> Sample:
    spool = Spool(folder / f"spool-{time.monotonic_ns()}", 2 << 30)
    with mock.patch("os.fsync", return_value=None):  # what waits was written long ago
        for make in load.unique(8, BACKLOG):
            spool.put(make())
    publisher = Publisher(Settings(edge_broker_port=cloud.rig.edge_port), spool, ())
    began = time.monotonic()
    publisher.start()
    wait_for(lambda: not spool.depth, seconds=300, what="the backlog's end")
    seconds = time.monotonic() - began
    publisher.stop()
    spool.close()
    return {"captures/s": BACKLOG / seconds, "seconds": seconds}


def _ratio(spool: Series) -> str:
    return str(spool.ratio("with fsync", "without", "ms"))


def _table(caption: str, series: Series) -> Table:
    rows = tuple((name, *(str(series.figure(name, each)) for each in ("p50 ms", "p99 ms"))) for name in series.samples)
    return Table(caption, ("", "half, ms", "99 of 100, ms"), rows)
