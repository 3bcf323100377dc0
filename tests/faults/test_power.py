"""A power cut at the edge: camera and broker end at the same instant, in the middle of capturing."""

import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.rig import breaker
from tests.faults.rig.world import World

CUTS = int(os.environ.get("POWER_CUTS") or 3)
EDGE = ("camera", "edge-broker")

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120 + 20 * CUTS)]


def test_power_cuts_lose_nothing_that_had_reached_the_spool(tmp_path: Path, note: Callable[[str], None]) -> None:
    world = World(tmp_path)

    with world.running():
        for _ in range(CUTS):
            world.wait_for_captures(8)
            threading.Event().wait(random.uniform(0, 0.2))  # anywhere between two captures, or within one
            breaker.kill(world, EDGE)
            for name in EDGE:
                world.parts[name].start()
        world.settle(seconds=120)
        tally = breaker.count(world, CUTS, seed=0)
        waiting = world.waiting()

    note(str(tally))
    assert (tally.lost, tally.duplicated, waiting) == (0, 0, set())
