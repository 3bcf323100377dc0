"""Applies the scheduled faults to the world, and counts."""

import contextlib
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from tests.faults.rig.ledger import Tally, objects_in
from tests.faults.rig.world import BUCKET, World, may_mount
from tests.faults.schedule import Fault, Kind, events, schedule

KILLS = {Kind.KILL, Kind.KILL_SEVERAL, Kind.POWER_CUT}
DOOR = {Kind.ERROR, Kind.BUSY, Kind.RESET, Kind.HANG, Kind.ANSWER_LOST}
MEGABYTE = 1 << 20


def possible_kinds(world: World) -> list[Kind]:
    """Return what can be broken in a world on this machine."""
    impossible = set()
    if not may_mount():
        impossible.add(Kind.DISK_FULL)
    if not world.clocks:
        impossible.add(Kind.CLOCK_STEP)
    return [kind for kind in Kind if kind not in impossible]


def run(world: World, seed: int, seconds: float, *, settle_seconds: float, still_seconds: float = 0) -> Tally:
    """Break a running world by a seed's schedule, let it come to rest, and count.

    `still_seconds`: how long nothing more may arrive, for a world where an empty spool does not say that all is stored.
    """
    faults = schedule(seed, seconds, possible_kinds(world))
    world.wait_for_captures(5)
    play(world, faults)
    world.settle(seconds=settle_seconds)
    wait_for_stillness(world, still_seconds)
    return count(world, len(faults), seed)


def play(world: World, faults: Iterable[Fault]) -> None:
    pause, began = threading.Event(), time.monotonic()
    for at, begins, fault in events(faults):
        pause.wait(max(0.0, began + at - time.monotonic()))
        if begins:
            print(fault, flush=True)
            begin(world, fault)
        else:
            end(world, fault)


def wait_for_stillness(world: World, seconds: float) -> None:
    """Wait until the bucket has stayed the same for so long."""
    number, since = -1, time.monotonic()
    pause = threading.Event()
    while time.monotonic() - since < seconds:
        found = len(objects_in(world.s3, BUCKET))
        if found != number:
            number, since = found, time.monotonic()
        pause.wait(1)


def count(world: World, faults: int, seed: int) -> Tally:
    for part in world.parts.values():
        part.check()
    world.ledger.note_spool(world.spool)
    world.ledger.note_log(world.log)
    world.ledger.note_bucket(objects_in(world.s3, BUCKET))
    return world.ledger.tally(faults, seed)


def begin(world: World, fault: Fault) -> None:
    target = fault.targets[0]
    match fault.kind:
        case kind if kind in KILLS:
            kill(world, fault.targets)
        case kind if kind in DOOR:
            world.door.misbehave(kind)
        case Kind.FREEZE:
            world.parts[target].freeze()
        case Kind.CUT | Kind.DAM_BREAK:
            world.links[target].cut()
        case Kind.HALF_OPEN:
            world.links[target].silence()
        case Kind.SLOW:
            world.links[target].slow_down(fault.amount)
        case Kind.BUCKET_GONE:
            delete_bucket(world)
        case Kind.DISK_FULL:
            fill(world.spool)
        case Kind.CLOCK_STEP:
            world.clocks[target].set_ahead(fault.amount)


def end(world: World, fault: Fault) -> None:
    target = fault.targets[0]
    match fault.kind:
        case kind if kind in KILLS:
            for name in fault.targets:
                world.parts[name].start()
        case kind if kind in DOOR:
            world.door.misbehave(None)
        case Kind.DAM_BREAK:
            kill(world, fault.targets[1:])
            world.links[target].restore()
            world.parts[fault.targets[1]].start()
        case Kind.FREEZE:
            world.parts[target].thaw()
        case Kind.CUT | Kind.HALF_OPEN | Kind.SLOW:
            world.links[target].restore()
        case Kind.BUCKET_GONE:
            world.make_bucket()
        case Kind.DISK_FULL:
            _ballast(world.spool).unlink()
        case Kind.CLOCK_STEP:
            world.clocks[target].set_ahead(0)


def kill(world: World, names: Iterable[str]) -> None:
    """End them all before one of them can notice that another is gone."""
    for name in names:
        world.parts[name].freeze()
    for name in names:
        world.parts[name].kill()
    world.ledger.note_spool(world.spool)


def delete_bucket(world: World) -> None:
    """Delete it with everything in it; that counts as stored, since S3 had it and confirmed it."""
    world.door.close()
    objects = objects_in(world.s3, BUCKET)
    world.ledger.note_bucket(objects)
    for thing in objects:
        world.s3.delete_object(Bucket=BUCKET, Key=thing.key)
    world.s3.delete_bucket(Bucket=BUCKET)
    world.door.open()


def fill(folder: Path) -> None:
    """Leave no room on the spool's disk."""
    with _ballast(folder).open("wb", buffering=0) as ballast:
        for size in (MEGABYTE, 4096, 1):
            with contextlib.suppress(OSError):
                while ballast.write(bytes(size)) == size:
                    pass


def _ballast(folder: Path) -> Path:
    return folder / "ballast"
