"""The whole path for a long while: what idling and a capture cost, and whether anything grows."""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.bench.figures.measure import (
    QUICK,
    Figure,
    cpu_seconds,
    descriptors,
    disk_mb,
    memory_mb,
    number,
    threads,
    wake_ups,
)
from dev.bench.figures.report import Report, Table
from dev.bench.rig import stores
from dev.bench.rig.bridge_rig import BridgeRig
from dev.bench.rig.stores import Store
from dev.bench.workloads.camera import RATE, film, start_before
from dev.harness.process import Process, StartError, wait_for
from dev.harness.services import start_uploader

SIZE = (640, 480)
EVERY_FACE = {"CAPTURE_POLICY": "every", "CAPTURES_PER_MINUTE": "100000"}
IDLE_SECONDS = 5.0 if QUICK else 20.0
IDLE_RUNS = 2 if QUICK else 5
QUICK_SECONDS, DEFAULT_MINUTES, MAX_MINUTES = 10.0, "10", 100_000
LOOKS = 5  # at what is used, from the soak's begin to its end
WARM_CAPTURES = 100
START_SECONDS = 60.0
CAPTURES_A_DAY = 240  # of 200 visits

Pids = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Route:
    """The four programs between a camera and S3, each with its process."""

    folder: Path
    store: Store
    pids: Pids


@dataclass(frozen=True, slots=True)
class Look:
    """What all of them use at one moment, and what they have done until then."""

    seconds: float
    stored: int
    descriptors: int
    threads: int
    disk_mb: float
    memory_mb: Mapping[str, float]
    cpu_seconds: Mapping[str, float]


def soak_seconds() -> float:
    """How long it lasts; raises StartError for a SOAK_MINUTES that says no time."""
    text = os.environ.get("SOAK_MINUTES") or DEFAULT_MINUTES
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0 < float(text) <= MAX_MINUTES:
        raise StartError(f"SOAK_MINUTES={text} must be a number of minutes, such as {DEFAULT_MINUTES}")
    return QUICK_SECONDS if QUICK else 60 * float(text)


def run(folder: Path) -> Report:
    seconds = soak_seconds()
    with running(folder / "idle", seen_at=0.0) as route:
        wait_for(lambda: cpu_seconds(route.pids["camera"]) > 1, seconds=START_SECONDS, what="the camera to start")
        idle = [_idle(route.pids) for _ in range(IDLE_RUNS)]
    with running(folder / "soak", seen_at=3.0) as route:
        wait_for(lambda: route.store.stored() >= WARM_CAPTURES, seconds=START_SECONDS, what="the first captures")
        looks = list(_soak(route, seconds))
    days = number((looks[-1].stored - looks[0].stored) / CAPTURES_A_DAY)
    notes = (
        f"The camera looks at {SIZE[0]}x{SIZE[1]}, {RATE} frames a second, and every frame with a face is a capture.",
        f"A day of 200 visits has about {CAPTURES_A_DAY} captures: the soak holds {days} such days.",
        "A wake-up is a voluntary context switch of any thread. The S3 server is not counted.",
    )
    tables = (_idling(idle), _costs(looks), _flat(looks))
    return Report("soak", "What idling and a capture cost, and what grows", tables, notes)


@contextmanager
def running(folder: Path, seen_at: float) -> Iterator[Route]:
    """Run all programs, the camera before a film of nobody or of somebody who sways."""
    folder.mkdir()
    footage = film(folder / "film.mkv", SIZE, seen_at, RATE)
    store = stores.real(folder / "store")
    with BridgeRig(folder / "rig", by_relay=False) as rig:
        uploader = start_uploader(rig.folder / "uploader", **store.settings, CLOUD_BROKER_PORT=str(rig.cloud_port))
        port = str(rig.edge_port)
        camera = start_before(rig.folder / "camera", footage, EDGE_BROKER_PORT=port, **EVERY_FACE)
        try:
            brokers = {"edge broker": rig.parts["edge"], "cloud broker": rig.parts["cloud"]}
            parts: dict[str, Process] = {"camera": camera, **brokers, "uploader": uploader}
            yield Route(rig.folder, store, {name: process.popen.pid for name, process in parts.items()})
        finally:
            for process in (camera, uploader, store.process):
                process.kill()


def _idle(pids: Pids) -> Mapping[str, tuple[float, float]]:
    """CPU and wake-ups a second of each program, in ms and as a count."""
    began, before, woken = time.monotonic(), _each(pids, cpu_seconds), _each(pids, wake_ups)
    time.sleep(IDLE_SECONDS)
    seconds = time.monotonic() - began
    cpu, wakes = _each(pids, cpu_seconds), _each(pids, wake_ups)
    return {name: (1000 * (cpu[name] - before[name]) / seconds, (wakes[name] - woken[name]) / seconds) for name in pids}


def _soak(route: Route, seconds: float) -> Iterator[Look]:
    began = time.monotonic()
    for turn in range(LOOKS):
        time.sleep(max(0.0, began + turn * seconds / (LOOKS - 1) - time.monotonic()))
        yield Look(
            time.monotonic() - began,
            route.store.stored(),
            sum(map(descriptors, route.pids.values())),
            sum(map(threads, route.pids.values())),
            disk_mb(route.folder),
            _each(route.pids, memory_mb),
            _each(route.pids, cpu_seconds),
        )


def _each(pids: Pids, measure: Callable[[int], float]) -> dict[str, float]:
    return {name: measure(pid) for name, pid in pids.items()}


def _idling(samples: list[Mapping[str, tuple[float, float]]]) -> Table:
    rows = tuple(
        (name, *(str(Figure(tuple(sample[name][kind] for sample in samples))) for kind in (0, 1)))
        for name in samples[0]
    )
    return Table("Nobody there, each second:", ("", "CPU ms", "wake-ups"), rows)


def _costs(looks: list[Look]) -> Table:
    first, last = looks[0], looks[-1]
    thousands = (last.stored - first.stored) / 1000
    spent = {name: (last.cpu_seconds[name] - first.cpu_seconds[name]) / thousands for name in first.cpu_seconds}
    rows = tuple((name, number(seconds)) for name, seconds in spent.items())
    return Table("CPU seconds for 1,000 captures:", ("", "seconds"), (*rows, ("all", number(sum(spent.values())))))


def _flat(looks: list[Look]) -> Table:
    rows = tuple(
        (
            f"{look.seconds:.0f}",
            f"{look.stored:,}",
            str(look.descriptors),
            str(look.threads),
            *(f"{megabytes:.1f}" for megabytes in look.memory_mb.values()),
            f"{look.disk_mb:.1f}",
        )
        for look in looks
    )
    memory = tuple(f"{name}, MB" for name in looks[0].memory_mb)
    columns = ("after, s", "stored", "file descriptors", "threads", *memory, "disk, MB")
    return Table("All four together, as time passes:", columns, rows)
