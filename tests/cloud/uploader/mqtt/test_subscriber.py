"""The session at the broker: who may acknowledge what."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from queue import SimpleQueue

import pytest
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from common.contract import topics
from common.contract.uploader_status import UploaderStatus
from common.mqtt import new_client
from dev.harness.process import LOOPBACK, wait_for
from tests.cloud.rig import Broker, Edge
from tests.support.images import pictures
from tests.support.link import Link
from uploader.ingest.offences import Offences
from uploader.mqtt.delivery import MAX_HELD_BYTES, MESSAGE_BYTES, Deliveries, Delivery
from uploader.mqtt.inbox import Inbox
from uploader.mqtt.session import session_config
from uploader.mqtt.subscriber import Subscriber

WINDOW = 16
SILENCE_SECONDS = 60.0


class Reader:
    """A subscriber in this process, whose deliveries the test acknowledges itself."""

    def __init__(self, port: int, max_bytes: int = MAX_HELD_BYTES) -> None:
        self.deliveries = Deliveries(2 * WINDOW, max_bytes=max_bytes)
        session = replace(session_config(1), window=WINDOW)
        self.subscriber = Subscriber(session, LOOPBACK, port, Inbox(self.deliveries, Offences()))
        self.subscriber.start()
        self.wait_until_subscribed()

    def wait_until_subscribed(self) -> None:
        wait_for(lambda: self.subscriber.problem(SILENCE_SECONDS) is None, seconds=20, what="the subscription")

    def take(self, count: int) -> list[Delivery]:
        taken = [self.deliveries.get(timeout=20) for _ in range(count)]
        return [delivery for delivery in taken if delivery is not None]


@pytest.fixture
def connect(broker: Broker) -> Iterator[Callable[[], Reader]]:
    readers: list[Reader] = []

    def connect() -> Reader:
        readers.append(Reader(broker.port))
        return readers[-1]

    yield connect
    for reader in readers:
        reader.subscriber.stop()


def seeds(deliveries: list[Delivery], payloads: list[bytes]) -> list[int]:
    return sorted(payloads.index(delivery.message.payload) for delivery in deliveries)


def test_an_acknowledgement_that_comes_after_a_reconnect_loses_nothing(
    broker: Broker, connect: Callable[[], Reader]
) -> None:
    reader = connect()
    edge = Edge(broker.port)
    payloads = [pictures.png(number) for number in range(10)]
    edge.send_all(payloads[:5])
    old = reader.take(5)

    broker.restart_without_sessions()
    wait_for(lambda: not reader.subscriber.acknowledge(old[0]), seconds=20, what="the lost connection")
    reader.wait_until_subscribed()
    edge.wait_until_subscribed()
    edge.send_all(payloads[5:])
    new = reader.take(5)
    assert {delivery.packet_id for delivery in new} == {delivery.packet_id for delivery in old}
    assert not any(reader.subscriber.acknowledge(delivery) for delivery in old)
    reader.subscriber.stop()

    assert seeds(connect().take(5), payloads) == [5, 6, 7, 8, 9]
    edge.close()


def test_what_is_acknowledged_is_not_delivered_again_and_the_rest_is(
    broker: Broker, edge: Edge, connect: Callable[[], Reader]
) -> None:
    reader = connect()
    payloads = [pictures.png(number) for number in range(4)]
    edge.send_all(payloads)
    first, _, third, _ = reader.take(4)

    assert reader.subscriber.acknowledge(third)
    assert reader.subscriber.acknowledge(first)
    reader.subscriber.stop()

    assert seeds(connect().take(2), payloads) == [1, 3]
    assert broker.process is not None


def test_no_more_than_the_window_is_in_flight(edge: Edge, connect: Callable[[], Reader]) -> None:
    reader = connect()

    edge.send_all([pictures.png(number) for number in range(3 * WINDOW)])
    taken = reader.take(WINDOW)
    reader.subscriber.ping()
    wait_for(lambda: not reader.subscriber.connection.pending_pings, seconds=20, what="the broker's acknowledgement")

    assert reader.deliveries.empty()
    for delivery in taken:
        reader.subscriber.acknowledge(delivery)
    assert len(reader.take(WINDOW)) == WINDOW


def test_what_nobody_has_begun_is_not_kept_twice_after_a_reconnect(
    edge: Edge, connect: Callable[[], Reader], broker: Broker
) -> None:
    reader = connect()
    edge.send_all([pictures.png(number) for number in range(WINDOW)])
    wait_for(lambda: reader.deliveries.qsize() == WINDOW, seconds=20, what="the window")

    broker.stop()
    wait_for(lambda: reader.subscriber.problem(SILENCE_SECONDS), seconds=20, what="the lost connection")
    broker.start()
    reader.wait_until_subscribed()

    again = reader.take(WINDOW)
    assert all(reader.subscriber.acknowledge(delivery) for delivery in again)
    assert reader.deliveries.empty()


def test_what_had_no_room_is_fetched_when_most_is_done_without_a_pause(
    edge: Edge, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[object] = []
    monkeypatch.setattr(paho.Client, "_reconnect_wait", waits.append)
    images = [pictures.png(number) for number in range(WINDOW)]
    reader = Reader(broker.port, max_bytes=WINDOW * (len(images[0]) + MESSAGE_BYTES))  # of which an edge may have half
    edge.send_all(images)
    kept: set[bytes] = set()

    while len(kept) < WINDOW:
        delivery = reader.deliveries.get(timeout=0.1)
        if delivery is not None and reader.subscriber.acknowledge(delivery):
            kept.add(delivery.message.payload)
        if delivery is not None:
            reader.deliveries.done(delivery)
        reader.subscriber.fetch_what_was_left()
    reader.subscriber.stop()

    assert kept == set(images)
    assert reader.subscriber.connection.number > 2
    assert waits == []


def test_a_receipt_that_is_written_between_two_connections_arrives(broker: Broker, edge: Edge) -> None:
    with Link(broker.port) as link:
        reader = Reader(link.port)
        try:
            link.cut()
            wait_for(lambda: not reader.subscriber.connection.is_up, seconds=20, what="the end of the connection")
            reader.subscriber.publish(topics.edge_receipts("porch"), b'{"stored": [{"id": "a", "key": "b"}]}')
            link.restore()

            wait_for(lambda: edge.receipts, seconds=20, what="the receipt")
            assert edge.stored() == {"a": "b"}
        finally:
            reader.subscriber.stop()


def test_the_session_is_not_asked_to_send_retained_images_again(edge: Edge, connect: Callable[[], Reader]) -> None:
    reader = connect()
    edge.send(pictures.png(1), retain=True)
    reader.take(1)

    for _ in range(3):
        reader.subscriber.ping()
    edge.send(pictures.png(2))

    assert reader.take(1)[0].message.payload == pictures.png(2)


def test_a_status_request_is_answered_with_the_state_of_that_moment(
    broker: Broker, connect: Callable[[], Reader]
) -> None:
    reader = connect()
    problems = iter([None, "S3 is unavailable"])
    reader.subscriber.respond_status(lambda: next(problems))
    responses: SimpleQueue[bytes] = SimpleQueue()
    client = new_client("check")
    client.on_message = lambda _client, _userdata, message: responses.put(bytes(message.payload))
    client.connect(LOOPBACK, broker.port)
    client.loop_start()
    client.subscribe(topics.uploader_status_response("check"))

    request = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    request.ResponseTopic = topics.uploader_status_response("check")
    statuses = []
    for _ in range(2):
        client.publish(topics.UPLOADER_STATUS_REQUEST, b"", properties=request)
        statuses.append(UploaderStatus.parse(responses.get(timeout=20)))
    client.disconnect()
    client.loop_stop()

    assert statuses == [UploaderStatus("uploader", None), UploaderStatus("uploader", "S3 is unavailable")]
