"""Several uploaders share the work, come and go, and every capture is stored once."""

from collections.abc import Callable

import pytest

from dev.harness.process import Process
from dev.harness.services import wait_for
from tests.support.programs.journey import Journey

SECONDS = 150.0


def stored(journey: Journey) -> list[str]:
    return [key.rpartition("/")[2].removesuffix(".png") for key in journey.objects()]


def shares_of(uploaders: list[Process]) -> list[int]:
    return [uploader.tail(10_000).count(" Stored ") for uploader in uploaders]


@pytest.mark.faults
@pytest.mark.parametrize("mosquitto_image", [None])
@pytest.mark.timeout(300)
def test_one_three_and_one_uploader_store_every_capture_once(journey: Journey, note: Callable[[str], None]) -> None:
    camera = journey.camera(DEMO_VISITS="5", CAPTURE_INTERVAL_SECONDS="0.1", FRAME_RATE="20")
    alone = journey.uploader()
    journey.wait_for_objects(10)
    alone.stop()
    several = [journey.uploader(UPLOADERS="3") for _ in range(3)]
    journey.wait_for_objects(30)
    shares = wait_for(lambda: all(counted := shares_of(several)) and counted, seconds=SECONDS, what="all to share")
    several[0].kill()
    journey.wait_for_objects(40)
    for uploader in several[1:]:
        uploader.stop()
    journey.uploader()

    wait_for(lambda: not camera.alive(), seconds=SECONDS, what="the last receipt")

    captured = [line.split()[-1] for line in camera.tail(10_000).splitlines() if " Captured " in line]
    note(f"captured={len(captured)} stored={len(stored(journey))} shares={shares}")
    assert len(captured) > 60
    assert sorted(stored(journey)) == sorted(captured)
