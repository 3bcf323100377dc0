"""What goes to the broker and when again: the carrier with a clock and a transport that only notes."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from camera.delivery.carrier import PING_SECONDS, STATES, SUBSCRIPTIONS, Carrier
from camera.delivery.delivery_status import Link
from camera.delivery.send_window import RECEIPT_SECONDS, SendWindow
from camera.delivery.spool import Spool
from common.contract import topics
from common.contract.capture import Capture
from common.contract.receipt import Receipt, RejectedCapture, StoredCapture

Make = Callable[[int], Capture]


class Notes:
    """A transport that sends nothing."""

    keeps_unacknowledged = True

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.pings = 0
        self.filters: list[Sequence[str]] = []

    def publish(self, capture: Capture) -> int:
        self.sent.append(capture.id)
        return len(self.sent)

    def ping(self) -> None:
        self.pings += 1

    def subscribe(self, filters: Sequence[str]) -> None:
        self.filters.append(filters)


class Parts:
    def __init__(self, folder: Path, *, receipts: bool = True) -> None:
        self.now, self.notes = 0.0, Notes()
        self.spool = Spool(folder, 1_000_000)
        window = SendWindow(4, self.spool.ids(), self.spool.size)
        self.carrier = Carrier(self.spool, window, self.notes, (), lambda: self.now, receipts=receipts)

    def publish(self, capture: Capture) -> None:
        self.spool.put(capture)
        self.carrier.add(capture.id)
        self.carrier.step()
        self.carrier.on_acknowledged(len(self.notes.sent), accepted=True, reason="Success")


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    parts = Parts(tmp_path)
    yield parts
    parts.spool.close()


def test_nothing_is_due_without_a_connection(parts: Parts, make_capture: Make) -> None:
    parts.spool.put(make_capture(1))
    parts.carrier.add(make_capture(1).id)

    assert parts.carrier.step() is None
    assert parts.notes.sent == []


def test_what_has_no_receipt_is_sent_again_at_the_moment_that_was_named(parts: Parts, make_capture: Make) -> None:
    parts.carrier.on_connected()
    parts.publish(make_capture(1))
    waits = []
    while len(parts.notes.sent) == 1:
        seconds = parts.carrier.step()
        assert seconds
        waits.append(seconds)
        parts.now += seconds
        parts.carrier.step()

    assert parts.now == RECEIPT_SECONDS
    assert waits == [PING_SECONDS] * int(RECEIPT_SECONDS / PING_SECONDS)
    assert parts.notes.pings == 1 + len(waits)


def test_a_receipt_completes_the_capture_that_it_names_and_no_other(parts: Parts, make_capture: Make) -> None:
    parts.carrier.on_connected()
    parts.publish(make_capture(1))
    parts.publish(make_capture(2))

    for capture_id in (make_capture(3).id, make_capture(2).id):
        receipt = Receipt(stored=(StoredCapture(capture_id, "porch/1.png"),))
        parts.carrier.on_message(topics.RECEIPTS, receipt.to_json())

    parts.carrier.step()
    assert parts.spool.ids() == [make_capture(1).id]
    assert (parts.carrier.status.in_flight, parts.carrier.status.stored) == (1, 1)


def test_a_rejected_capture_is_forgotten_with_an_error_and_is_no_stored_one(
    parts: Parts, make_capture: Make, caplog: pytest.LogCaptureFixture
) -> None:
    parts.carrier.on_connected()
    parts.publish(make_capture(1))
    receipt = Receipt(rejected=(RejectedCapture(make_capture(1).id, "the image is damaged"),))

    for _ in range(2):  # the second time nothing is left to count
        parts.carrier.on_message(topics.RECEIPTS, receipt.to_json())

    parts.carrier.step()
    status = parts.carrier.status
    assert (parts.spool.ids(), status.in_flight, status.stored, status.rejected) == ([], 0, 0, 1)
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == [f"The cloud rejected {make_capture(1).id}: the image is damaged"]


def test_the_brokers_answer_ends_a_delivery_only_without_receipts(tmp_path: Path, make_capture: Make) -> None:
    left = []
    for receipts in (True, False):
        parts = Parts(tmp_path / str(receipts), receipts=receipts)
        parts.carrier.on_connected()
        parts.publish(make_capture(1))
        left.append(parts.spool.depth)
        parts.spool.close()

    assert left == [1, 0]


def test_bad_news_of_the_bridge_is_asked_for_again(parts: Parts) -> None:
    parts.carrier.on_connected()
    parts.carrier.step()
    parts.carrier.on_message(topics.BRIDGE_STATE, b"0")
    parts.now = PING_SECONDS

    parts.carrier.step()

    assert parts.notes.filters == [SUBSCRIPTIONS, STATES]


@pytest.mark.parametrize(
    ("said", "link"),
    [
        ({}, Link.NO_BRIDGE),  # not the shipped broker
        ({topics.TOKEN: b"missing"}, Link.NO_BRIDGE),
        ({topics.TOKEN: b"missing", topics.BRIDGE_STATE: b"0"}, Link.NO_BRIDGE),  # the state of an earlier start
        ({topics.TOKEN: b"{}", topics.BRIDGE_STATE: b"0"}, Link.BRIDGE_DOWN),
        ({topics.TOKEN: b"{}", topics.BRIDGE_STATE: b"1"}, Link.UP),
        ({topics.BRIDGE_STATE: b"up"}, Link.NO_BRIDGE),
    ],
)
def test_how_far_captures_get_is_what_the_broker_says(parts: Parts, said: dict[str, bytes], link: Link) -> None:
    links = []
    parts.carrier.on_connected()
    for topic, payload in said.items():
        parts.carrier.on_message(topic, payload)
    links.append(parts.carrier.status.link)
    parts.carrier.on_disconnected()
    links.append(parts.carrier.status.link)

    assert links == [link, Link.NO_BROKER]


def test_whoever_holds_a_status_sees_no_later_change(parts: Parts, make_capture: Make) -> None:
    before = parts.carrier.status
    parts.carrier.on_connected()
    parts.publish(make_capture(1))
    during = parts.carrier.status
    parts.carrier.on_disconnected()

    assert (before.connected, before.acknowledged_at, before.in_flight) == (False, None, 0)
    assert (during.connected, during.acknowledged_at, during.in_flight) == (True, 0.0, 1)
    assert not parts.carrier.status.connected
