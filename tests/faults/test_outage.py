"""A day without the cloud: the edge broker stays small, and the newest capture does not wait behind the oldest.

BACKLOG=5000 makes it a long day.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from dev.harness.services import Process, wait_for
from tests.faults.rig import breaker
from tests.faults.rig.ledger import CAPTURED
from tests.faults.rig.pictures import noise, put_backlog
from tests.faults.rig.world import BUCKET, World

BACKLOG = int(os.environ.get("BACKLOG") or 400)
FRESH = 5  # captures whose way is timed
MOST_MEGABYTES = 64

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240 + BACKLOG / 5)]


def test_after_an_outage_fresh_captures_arrive_at_once_and_the_backlog_drains(
    tmp_path: Path, note: Callable[[str], None]
) -> None:
    world = World(tmp_path, CAPTURE_INTERVAL_SECONDS="1")

    with world.running(camera=False):
        world.links["bridge"].cut()
        backlog = put_backlog(world.spool, BACKLOG, noise(72, 96))
        world.parts["camera"].start()
        world.wait_for_captures(5)
        world.links["bridge"].restore()
        restored = time.monotonic()
        first = seconds_to_bucket(world, newest(world))
        returned = time.monotonic() - restored
        others = [seconds_to_bucket(world, next_one(world)) for _ in range(FRESH)]
        behind = len(world.waiting() & set(backlog))
        world.settle(seconds=120 + BACKLOG / 10)
        drained = time.monotonic() - restored
        tally = breaker.count(world, 1, seed=0)
        megabytes = peak_megabytes(world.parts["edge-broker"].check())

    note(f"the first fresh capture was stored {returned:.1f} s after the link's return ({first:.1f} s old)")
    note(f"with {behind} of {BACKLOG} still waiting, fresh ones took {', '.join(f'{s:.2f}' for s in others)} s")
    note(f"all was stored after {drained:.0f} s; the edge broker took {megabytes:.0f} MB at most; {tally}")
    assert (tally.lost, tally.duplicated) == (0, 0)
    assert set(backlog) <= world.ledger.stored
    assert megabytes < MOST_MEGABYTES


def test_a_link_that_dies_without_a_word_leaves_the_edge_broker_small(tmp_path: Path) -> None:
    world = World(tmp_path)

    with world.running(camera=False):
        put_backlog(world.spool, 600, noise(256, 256))  # 120 MB, of which the window lets 13 into the broker
        world.links["bridge"].silence()
        world.parts["camera"].start()
        world.wait_for_captures(20)
        megabytes = peak_megabytes(world.parts["edge-broker"].check())

    assert 10 < megabytes < MOST_MEGABYTES


def newest(world: World) -> str:
    ids: list[str] = CAPTURED.findall(world.log.read_text(encoding="utf-8"))
    return ids[-1]


def next_one(world: World) -> str:
    world.wait_for_captures(1)
    return newest(world)


def seconds_to_bucket(world: World, identity: str) -> float:
    """Return how old a capture was when it was stored."""
    captured_at = datetime.strptime(identity[:19], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    key = f"porch/door/{captured_at:%Y/%m/%d}/{identity}.png"

    def stored() -> bool:
        try:
            world.s3.head_object(Bucket=BUCKET, Key=key)
        except ClientError:
            return False
        return True

    wait_for(stored, seconds=120, what=f"{key} in the bucket")
    return (datetime.now(UTC) - captured_at).total_seconds()


def peak_megabytes(process: Process) -> float:
    """Return the most memory that a process has held at a time."""
    status = Path(f"/proc/{process.popen.pid}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024
