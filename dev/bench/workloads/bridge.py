"""Mosquitto's bridge beside a relay in Python: throughput, CPU, latency, and what is lost when either is killed."""

import functools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from camera.config.settings import Settings
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from dev.bench.figures.measure import QUICK, Sample, Series, cpu_seconds, paired, quantile
from dev.bench.figures.plot import bars
from dev.bench.figures.report import Report, Table, left_out
from dev.bench.rig import load, stores
from dev.bench.rig.bridge_rig import BridgeRig, Receiver, Sender
from dev.harness.process import Process, wait_for
from dev.harness.services import start_uploader

IMAGES = 500 if QUICK else 2000
AT_ONCE = 50  # in flight at any time, when throughput is measured
RATE, RATE_SECONDS = 50, 2 if QUICK else 4
KILLS = 3 if QUICK else 10
KILL_SECONDS = 1.0
CROSS_SECONDS = 60.0  # in which the next image crosses, however slow the machine
QUIET_SECONDS = 4.0  # so long without an arrival: nothing more comes
SIZES = (8, 80)
OURS, RELAY = "bridge (ours)", "Python relay"


def run(folder: Path) -> Report:
    """Speed first, then kills."""
    speed = {
        kilobytes: paired(
            {
                OURS: functools.partial(speed_of, folder, kilobytes, by_relay=False),
                RELAY: functools.partial(speed_of, folder, kilobytes, by_relay=True),
            },
            peers=(RELAY,),
        )
        for kilobytes in SIZES
    }
    others = {
        "bridge alone; edge broker killed": functools.partial(_killed, folder, "edge", by_relay=False),
        f"{RELAY}; its broker killed": functools.partial(_killed, folder, "edge", by_relay=True),
        f"{RELAY}; relay killed": functools.partial(_killed, folder, "relay", by_relay=True),
    }
    ours = {"spool, bridge and receipts (ours); edge broker killed": functools.partial(_ours_killed, folder)}
    losses = paired(ours | others, peers=others)
    tables = [*(speed_table(kilobytes, series) for kilobytes, series in speed.items()), _loss_table(losses)]
    notes = (
        "Both cross to the same cloud broker by TLS with the same certificate; their edge brokers persist alike.",
        f"CPU is of the edge: its broker, and the relay. Latency at {RATE} images a second.",
        "Ours sends from the spool until there is a receipt; the others send by paho, again what got no answer.",
        *left_out(*speed.values(), losses),
    )
    plot = bars(
        "Images across",
        "per second",
        {
            f"{kilobytes} KB": {name: series.figure(name, "images/s") for name in series.samples}
            for kilobytes, series in speed.items()
        },
    )
    return Report("bridge", "The bridge beside a Python relay", tuple(tables), notes, {"bridge": plot})


@contextmanager
def _rig(folder: Path, *, by_relay: bool) -> Iterator[tuple[BridgeRig, Receiver, Sender]]:
    with BridgeRig(folder / f"rig-{time.monotonic_ns()}", by_relay) as rig:
        receiver, sender = Receiver(rig.cloud_port), Sender(rig.edge_port)
        try:
            _open(receiver, sender)
            yield rig, receiver, sender
        finally:
            sender.stop()
            receiver.stop()


def _open(receiver: Receiver, sender: Sender) -> None:
    """Wait until messages cross: what reaches a relay before it has subscribed is lost."""

    def crossed() -> bool:
        sender.send(0, 1)
        time.sleep(0.2)
        return receiver.arrived > 0

    wait_for(crossed, seconds=30, what="the first image to cross")
    wait_for(lambda: time.monotonic() - receiver.last_at > 1, seconds=30, what="quiet")
    receiver.forget()


def speed_of(folder: Path, kilobytes: int, *, by_relay: bool) -> Sample:
    with _rig(folder, by_relay=by_relay) as (rig, receiver, sender):
        cpu, began = sum(map(cpu_seconds, rig.carriers)), time.monotonic()
        for number in range(1, IMAGES + 1):
            _wait_for_room(receiver, number)
            sender.send(number, kilobytes)
        wait_for(lambda: receiver.arrived >= IMAGES, seconds=60, what="all images to cross")
        seconds = receiver.last_at - began
        cpu = sum(map(cpu_seconds, rig.carriers)) - cpu
        _send_at_rate(sender, kilobytes, IMAGES + 1, round(RATE * RATE_SECONDS))
        wait_for(lambda: len(receiver.delays) >= IMAGES + RATE * RATE_SECONDS, seconds=60, what="the rest to cross")
        delays = [delay for number, delay in receiver.delays.items() if number > IMAGES]
    return {
        "images/s": IMAGES / seconds,
        "CPU µs": cpu * 1e6 / IMAGES,
        "p50 ms": 1000 * quantile(delays, 0.5),
        "p99 ms": 1000 * quantile(delays, 0.99),
    }


def _wait_for_room(receiver: Receiver, number: int) -> None:
    def has_room() -> bool:
        return number - receiver.arrived <= AT_ONCE

    if not has_room():  # before each image: to begin to wait costs more than to look
        wait_for(has_room, seconds=CROSS_SECONDS, what="the next image to cross", min_poll=0.0005, max_poll=0.0005)


def _send_at_rate(sender: Sender, kilobytes: int, first: int, count: int) -> None:
    began = time.monotonic()
    for index in range(count):
        time.sleep(max(0.0, began + index / RATE - time.monotonic()))
        sender.send(first + index, kilobytes)


def _killed(folder: Path, part: str, *, by_relay: bool) -> Sample:
    with _rig(folder, by_relay=by_relay) as (rig, receiver, sender):
        count = round(RATE * KILLS * KILL_SECONDS)
        sending = threading.Thread(target=_send_at_rate, args=(sender, 8, 1, count))
        sending.start()
        for _ in range(KILLS):
            time.sleep(KILL_SECONDS)
            rig.restart(part)
        sending.join()
        wait_for(lambda: time.monotonic() - receiver.last_at > QUIET_SECONDS, seconds=120, what="quiet")
        distinct = len(receiver.delays)
        return {"sent": count, "lost": count - distinct, "twice": receiver.arrived - distinct}


def _ours_killed(folder: Path) -> Sample:
    folder = folder / f"ours-{time.monotonic_ns()}"
    store = stores.with_latency(folder / "store")
    with BridgeRig(folder, by_relay=False) as rig:
        uploader = start_uploader(rig.folder / "uploader", **store.settings, CLOUD_BROKER_PORT=str(rig.cloud_port))
        try:
            return _ours(folder, rig, store)
        finally:
            _end(uploader, store.process)


def _ours(folder: Path, rig: BridgeRig, store: stores.Store) -> Sample:
    spool = Spool(folder / "spool", 1 << 30)
    settings = Settings(edge_broker_port=rig.edge_port)
    publisher = Publisher(settings, spool, ())
    publisher.start()
    killing = threading.Thread(target=_kill_often, args=(rig,))
    captures = list(load.captures(8, round(RATE * KILLS * KILL_SECONDS)))
    killing.start()
    began = time.monotonic()
    for index, capture in enumerate(captures):
        time.sleep(max(0.0, began + index / RATE - time.monotonic()))
        spool.put(capture)
        publisher.publish(capture.id)
    killing.join()
    wait_for(lambda: not spool.depth, seconds=120, what="all receipts")
    publisher.stop()
    spool.close()
    # The store that keeps nothing says "stored" to a second one too; S3 and SeaweedFS say that the name is taken.
    stored = publisher.status.stored
    return {"sent": len(captures), "lost": len(captures) - stored, "twice": store.stored() - stored}


def _kill_often(rig: BridgeRig) -> None:
    for _ in range(KILLS):
        time.sleep(KILL_SECONDS)
        rig.restart("edge")


def _end(*processes: Process) -> None:
    for process in processes:
        process.kill()


def speed_table(kilobytes: int, series: Series) -> Table:
    names = ("images/s", "CPU µs", "p50 ms", "p99 ms")
    rows = [(name, *(str(series.figure(name, each)) for each in names)) for name in series.samples]
    if RELAY in series.samples:
        rows.append(("ratio", *(str(series.ratio(OURS, RELAY, name)) for name in names)))
    columns = ("", "images/s", "CPU per image, µs", "latency: half, ms", "99 of 100, ms")
    caption = f"Images of {kilobytes} KB from the edge's broker to the cloud's:"
    return Table(caption, columns, tuple(rows))


def _loss_table(series: Series) -> Table:
    names = ("sent", "lost", "twice")
    rows = tuple((name, *(str(series.figure(name, each)) for each in names)) for name in series.samples)
    columns = ("", "sent", "lost", "came twice")
    return Table(f"Killed (SIGKILL) and restarted {KILLS} times while {RATE} images a second are sent:", columns, rows)
