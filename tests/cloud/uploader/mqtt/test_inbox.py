"""Which messages wait for a worker, which at the broker, and which are dropped."""

import re
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from common.fair_share import FairShares
from tests.support.paths import ROOT
from uploader.ingest.offences import Offences
from uploader.mqtt.delivery import MAX_HELD_BYTES, Deliveries
from uploader.mqtt.inbox import DROPS_A_MINUTE, MAX_LEFT_BYTES, Arrival, Inbox

MIB = 1 << 20
LARGE = bytes(8 * MIB)


@dataclass
class Rig:
    """An inbox whose deliveries nobody takes."""

    is_storing: bool = True
    uploaders: int = 1
    named: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deliveries = Deliveries(4, self.uploaders)
        self.inbox = Inbox(self.deliveries, Offences(), lambda: self.is_storing, self.uploaders)

    def put(self, edge: str = "flood", payload: bytes = LARGE, *, qos: int = 1, dup: bool = False) -> Arrival:
        message = SimpleNamespace(
            topic=f"usbcam/{edge}/images", payload=payload, qos=qos, mid=1, dup=dup, properties=SimpleNamespace()
        )
        return self.inbox.put(message, 1, self.named.append)  # type: ignore[arg-type]


def test_one_edge_fills_half_of_the_room_here_and_at_the_broker_and_the_next_one_still_fits() -> None:
    rig = Rig()

    kept = [rig.put() for _ in range(100)].count(Arrival.KEPT)

    assert (MAX_HELD_BYTES + MAX_LEFT_BYTES) // 2 - 2 * len(LARGE) <= kept * len(LARGE)
    assert kept * len(LARGE) <= (MAX_HELD_BYTES + MAX_LEFT_BYTES) // 2
    assert rig.put("porch") is Arrival.KEPT
    assert rig.deliveries.qsize("usbcam/porch/images") == 1


@pytest.mark.parametrize("uploaders", [2, 4])
def test_several_uploaders_hold_and_leave_of_one_edge_no_more_than_one_would(uploaders: int) -> None:
    rigs = [Rig(uploaders=uploaders) for _ in range(uploaders)]

    kept = sum(rigs[number % uploaders].put(payload=bytes(MIB)) is Arrival.KEPT for number in range(400))

    assert kept * MIB <= (MAX_HELD_BYTES + MAX_LEFT_BYTES) // 2
    for rig in rigs:
        assert rig.put("porch", bytes(MIB)) is Arrival.KEPT
        assert rig.deliveries.qsize("usbcam/porch/images") == 1


@pytest.mark.parametrize("attackers", [1, 2, 5, 9])
def test_however_many_edges_flood_an_honest_one_is_not_left_behind(attackers: int) -> None:
    rig = Rig()

    for _ in range(100):
        for number in range(attackers):
            rig.put(f"flood-{number}", bytes(MIB))

    assert rig.put("porch", bytes(MIB)) is Arrival.KEPT
    assert rig.deliveries.qsize("usbcam/porch/images") == 1


def test_while_nothing_can_be_stored_and_what_comes_again_is_never_dropped() -> None:
    away, back = Rig(is_storing=False), Rig()

    assert {away.put() for _ in range(60)} == {back.put(dup=True) for _ in range(60)} == {Arrival.KEPT}
    assert not away.named
    assert not back.named
    assert back.inbox.has_left_some


@pytest.mark.parametrize("qos", [0, 1])
def test_whoever_goes_on_although_nothing_fits_is_named_and_the_others_are_not(qos: int) -> None:
    rig = Rig()

    for _ in range(60):
        rig.put(qos=qos)
    assert not rig.named
    for number in range(DROPS_A_MINUTE):
        rig.put(qos=qos)
        if number % 10 == 0:
            rig.put("porch", b"x", qos=qos)

    assert set(rig.named) == {"flood"}


def test_small_messages_are_bounded_too() -> None:
    rig = Rig()

    kept = [rig.put(payload=b"x") for _ in range(60_000)].count(Arrival.KEPT)

    assert kept < 0xFFFF - 20_000  # the window, which others need too


def test_shares_are_given_back() -> None:
    shares = FairShares(100)
    assert shares.take("a", 500)  # whoever comes first
    assert not shares.take("b", 1)
    shares.give_back("a", 500)

    assert [shares.take(name, 50) for name in "ab"] == [True, True]
    assert shares.taken == 100
    assert not shares.take("c", 1)


def test_the_brokers_limits_fit_those_of_the_uploader_and_each_other() -> None:
    text = (ROOT / "mosquitto/cloud/mosquitto.conf").read_text()
    script = (ROOT / "mosquitto/cloud/start.sh").read_text()
    inflight, queued = (int(text.split(f"\nmax_{kind}_bytes ")[1].split()[0]) for kind in ("inflight", "queued"))
    limit = max(int(found) for found in re.findall(r"default_memory=(\d+)", script))

    assert inflight >= MAX_HELD_BYTES + MAX_LEFT_BYTES + 8 * MIB
    assert 2 * inflight + queued < limit  # what is on the way is in memory twice
