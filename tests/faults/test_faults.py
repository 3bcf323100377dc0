"""After every kill, cut and full disk, what reached the spool is in the bucket exactly once."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.options import seconds_of_faults, seeds
from tests.faults.rig import breaker
from tests.faults.rig.world import World
from tests.faults.schedule import Kind, schedule

SETTLE_SECONDS = 300.0
STILL_SECONDS = 45.0  # longer than any pause between two attempts: bridge and uploader wait 30 s at most
SECONDS = seconds_of_faults()

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3 * SECONDS + SETTLE_SECONDS + 200)]


@pytest.mark.parametrize("seed", seeds())
def test_every_capture_is_stored_exactly_once(tmp_path: Path, seed: int, note: Callable[[str], None]) -> None:
    world = World(tmp_path, clocks=True)

    with world.running():
        tally = breaker.run(world, seed, SECONDS, settle_seconds=SETTLE_SECONDS)
        waiting = world.waiting()

    note(str(tally))
    assert (tally.lost, tally.duplicated) == (0, 0), f"SEED={seed}: lost {world.ledger.lost()}"
    assert waiting == set(), f"SEED={seed}: no receipt came for these"
    assert tally.captured > 10


@pytest.mark.skipif(os.environ.get("FAULTS_PROVE") != "1", reason="FAULTS_PROVE=1 shows that a loss would be seen")
@pytest.mark.parametrize("seed", seeds())
def test_without_receipts_the_same_faults_lose_captures(tmp_path: Path, seed: int, note: Callable[[str], None]) -> None:
    world = World(tmp_path, clocks=True, RECEIPTS="off")

    with world.running():
        tally = breaker.run(world, seed, SECONDS, settle_seconds=SETTLE_SECONDS, still_seconds=STILL_SECONDS)

    note(f"RECEIPTS=off: {tally}")
    assert tally.lost > 0


def test_a_seed_says_what_happens() -> None:
    assert schedule(7, 600) == schedule(7, 600)
    assert schedule(7, 600) != schedule(8, 600)


def test_every_kind_of_fault_has_its_turn() -> None:
    assert {fault.kind for fault in schedule(1, 600)} == set(Kind)


def test_nothing_is_broken_in_two_ways_at_once() -> None:
    for seed in range(50):
        faults = schedule(seed, 120)
        for number, fault in enumerate(faults):
            for other in faults[number + 1 :]:
                apart = fault.ends < other.begins
                assert apart or set(fault.targets).isdisjoint(other.targets)
