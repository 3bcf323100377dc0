"""What goes wrong when: a list of faults that follows from a seed. Decides; touches nothing."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

PARTS = ("camera", "edge-broker", "cloud-broker", "uploader", "store")
LINKS = ("camera-link", "bridge", "uploader-link")
EDGE, CLOUD = "edge-clock", "cloud-clock"
STORE_DOOR, DISK = "store-door", "disk"
GAP_SECONDS = 1.5  # between the beginnings of two faults, on average
SHORTEST, USUAL, LONGEST = 0.3, 5.0, 30.0  # seconds that a fault lasts; 30 is more than every keep-alive


class Kind(StrEnum):
    """The kinds of faults."""

    KILL = "kill"
    KILL_SEVERAL = "kill-several"
    POWER_CUT = "power-cut"
    DAM_BREAK = "dam-break"  # a link is cut until its broker holds a queue, then that broker is killed with it
    FREEZE = "freeze"
    CUT = "cut"
    HALF_OPEN = "half-open"
    SLOW = "slow"
    ERROR = "error"
    BUSY = "busy"
    RESET = "reset"
    HANG = "hang"
    ANSWER_LOST = "answer-lost"
    BUCKET_GONE = "bucket-gone"
    DISK_FULL = "disk-full"
    CLOCK_STEP = "clock-step"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that breaks, and is restored at its end."""

    kind: Kind
    targets: tuple[str, ...]  # what it breaks; nothing is broken in two ways at once
    begins: float  # seconds of the run
    ends: float
    amount: int = 0  # SLOW: bytes a second; CLOCK_STEP: seconds

    def __str__(self) -> str:
        amount = f" {self.amount:+d}" if self.amount else ""
        return f"{self.begins:.1f}-{self.ends:.1f} s {self.kind} {','.join(self.targets)}{amount}"


Draw = Callable[[random.Random], tuple[tuple[str, ...], int]]


def _several(chance: random.Random) -> tuple[tuple[str, ...], int]:
    return tuple(sorted(chance.sample(PARTS, chance.randint(2, len(PARTS))))), 0


def _one_of(*targets: str) -> Draw:
    return lambda chance: ((chance.choice(targets),), 0)


def _dam(chance: random.Random) -> tuple[tuple[str, ...], int]:
    return chance.choice((("bridge", "edge-broker"), ("uploader-link", "cloud-broker"))), 0


def _always(*targets: str) -> Draw:
    return lambda _: (targets, 0)


def _slow(chance: random.Random) -> tuple[tuple[str, ...], int]:
    return (chance.choice(LINKS),), chance.choice((20_000, 50_000, 200_000))


def _step(chance: random.Random) -> tuple[tuple[str, ...], int]:
    return (chance.choice((EDGE, CLOUD)),), chance.choice((-1, 1)) * chance.choice((2, 60, 3600, 86_400))


DRAWS: dict[Kind, Draw] = {
    Kind.KILL: _one_of(*PARTS),
    Kind.KILL_SEVERAL: _several,
    Kind.POWER_CUT: _always("camera", "edge-broker"),
    Kind.DAM_BREAK: _dam,
    Kind.FREEZE: _one_of(*PARTS),
    Kind.CUT: _one_of(*LINKS),
    Kind.HALF_OPEN: _one_of(*LINKS),
    Kind.SLOW: _slow,
    Kind.ERROR: _always(STORE_DOOR),
    Kind.BUSY: _always(STORE_DOOR),
    Kind.RESET: _always(STORE_DOOR),
    Kind.HANG: _always(STORE_DOOR),
    Kind.ANSWER_LOST: _always(STORE_DOOR),
    Kind.BUCKET_GONE: _always(STORE_DOOR, "store"),
    Kind.DISK_FULL: _always(DISK),
    Kind.CLOCK_STEP: _step,
}


def schedule(seed: int, seconds: float, kinds: Iterable[Kind] = Kind) -> list[Fault]:
    """Return the faults of a run, by the time at which they begin; each kind comes before one comes again."""
    chance = random.Random(seed)
    cards = _cards(chance, sorted(kinds))
    faults: list[Fault] = []
    begins = chance.expovariate(1 / GAP_SECONDS)
    while begins < seconds - SHORTEST:
        fault = _draw(chance, next(cards), begins, seconds)
        if not any(_collide(fault, other) for other in faults):
            faults.append(fault)
        begins += chance.expovariate(1 / GAP_SECONDS)
    return faults


def events(faults: Iterable[Fault]) -> list[tuple[float, bool, Fault]]:
    """Return the beginnings (True) and ends (False) in the order of their times."""
    moments = [(fault.begins, True, fault) for fault in faults] + [(fault.ends, False, fault) for fault in faults]
    return sorted(moments, key=lambda moment: moment[0])


def _cards(chance: random.Random, kinds: list[Kind]) -> Iterator[Kind]:
    """Deal a shuffled deck again and again."""
    while True:
        yield from chance.sample(kinds, len(kinds))


def _draw(chance: random.Random, kind: Kind, begins: float, seconds: float) -> Fault:
    targets, amount = DRAWS[kind](chance)
    longest = LONGEST if chance.random() < 0.15 else USUAL
    return Fault(kind, targets, begins, min(begins + chance.uniform(SHORTEST, longest), seconds), amount)


def _collide(one: Fault, other: Fault) -> bool:
    at_once = one.begins <= other.ends and other.begins <= one.ends
    return at_once and not set(one.targets).isdisjoint(other.targets)
