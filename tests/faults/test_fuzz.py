"""Nonsense at both ends, good captures in between: FUZZ=10000 sends more of it."""

import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from paho.mqtt.properties import Properties

from dev.harness.enrolment import Enrolment
from dev.harness.services import wait_for
from tests.faults.options import seeds
from tests.faults.rig import breaker
from tests.faults.rig.ledger import objects_in
from tests.faults.rig.nonsense import BRIDGE_STATE, EDGE_RECEIPTS, nonsense
from tests.faults.rig.pictures import capture, noise
from tests.faults.rig.world import BUCKET, World
from tests.support.mqtt import Client, image_properties

MESSAGES = int(os.environ.get("FUZZ") or 200)
EVERY = 10  # a good capture after so much nonsense
BROKEN = re.compile(r"Traceback|CRITICAL|The thread .* crashed|because of a bug")

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240 + MESSAGES / 10)]


@pytest.mark.parametrize("seed", seeds())
def test_nonsense_at_both_ends_stops_nothing(tmp_path: Path, seed: int, note: Callable[[str], None]) -> None:
    world = World(tmp_path, CAPTURE_INTERVAL_SECONDS="1")

    with world.running():
        good = send_nonsense(world, seed)
        wait_for(lambda: good <= stored(world), seconds=60 + MESSAGES / 20, what="all good captures in the bucket")
        world.settle(seconds=120)
        tally = breaker.count(world, 0, seed)
        waiting = world.waiting()
        rejected = sum(thing.key.startswith("rejected/") for thing in objects_in(world.s3, BUCKET))
        logs = {name: part.check().tail(10**6) for name, part in world.parts.items() if name != "store"}

    note(f"{MESSAGES} messages, {len(good)} good ones between them, {rejected} kept as rejected; {tally}")
    assert (tally.lost, tally.duplicated, waiting) == (0, 0, set()), f"SEED={seed}"
    assert [f"{name}: {found}" for name, log in logs.items() for found in BROKEN.findall(log)] == []


def test_what_a_broker_keeps_for_the_camera_does_not_hold_it_up(tmp_path: Path) -> None:
    world = World(tmp_path)

    with world.running(), Client(world.edge_port) as edge:
        wait_for(lambda: world.logged("The bridge to the cloud is up"), seconds=30, what="the bridge")
        edge.publish(EDGE_RECEIPTS, b"{}", described([("\ufeff", "\ufeff")]), retain=True)  # paho hangs up at that mark
        edge.publish(BRIDGE_STATE, b"no idea")
        world.settle(seconds=30)

        assert world.waiting() == set()
        assert world.logged("The bridge to the cloud is down") == 0


def send_nonsense(world: World, seed: int) -> set[str]:
    """Return the ids of the good captures, which another camera sends from the edge or another edge from outside."""
    image, good = noise(40, 40), set()
    enrolment = Enrolment(world.folder)
    # The brokers cut off whoever breaks the rules, so what is good has connections of its own.
    with (
        Client(world.edge_port) as edge,
        Client(world.outside_port, credentials=enrolment.credentials("attic")) as cloud,
        Client(world.edge_port) as good_edge,
        Client(world.outside_port, credentials=enrolment.credentials("shed")) as good_cloud,
    ):
        for number, message in enumerate(islice(nonsense(seed), MESSAGES)):
            client = edge if message.at_edge else cloud
            client.send(message.topic, message.payload, described(message.properties), retain=message.retain)
            if number % EVERY == 0:
                real = capture(datetime.now(UTC) - timedelta(seconds=number), image, camera="other")
                client, topic = (good_edge, "usbcam/images") if number % 20 else (good_cloud, "usbcam/shed/images")
                client.publish(topic, real.image, described(real.properties()))
                good.add(real.id)
    return good


def described(pairs: Iterable[tuple[str, str]]) -> Properties:
    """Return properties with these pairs, also when a name comes twice."""
    properties = image_properties()
    properties.UserProperty = list(pairs)
    return properties


def stored(world: World) -> set[str]:
    return {thing.key.rpartition("/")[2].removesuffix(".png") for thing in objects_in(world.s3, BUCKET)}
