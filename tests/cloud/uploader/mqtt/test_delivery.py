"""What waits for the workers: bounded by bytes, and shared fairly among the edges."""

import threading
from datetime import UTC, datetime
from time import monotonic

import pytest

from uploader.ingest.parser import IncomingMessage
from uploader.mqtt.delivery import LATE_SECONDS, MAX_IN_HAND_BYTES, MESSAGE_BYTES, Deliveries, Delivery
from uploader.mqtt.upload_limit import START_UPLOADS, UploadLimit

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KIB = 1024


def delivery(edge: str, number: int = 0, *, qos: int = 1, size: int = 10) -> Delivery:
    message = IncomingMessage(f"usbcam/{edge}/images", bytes(size), {}, NOW)
    return Delivery(message, qos, number, connection=1)


def take(deliveries: Deliveries, count: int) -> list[tuple[str, int]]:
    taken = [deliveries.get(timeout=0) for _ in range(count)]
    return [(each.message.topic.split("/")[1], each.packet_id) for each in taken if each is not None]


def test_edges_take_turns_and_each_keeps_its_order() -> None:
    deliveries = Deliveries(threads=8)
    for number in range(3):
        assert deliveries.put(delivery("flood", number))
    assert deliveries.put(delivery("porch", 7))

    assert take(deliveries, 4) == [("flood", 0), ("porch", 7), ("flood", 1), ("flood", 2)]


def test_no_edge_takes_more_than_half_of_the_threads_once_there_are_two() -> None:
    deliveries = Deliveries(threads=8)
    flood = [delivery("flood", number) for number in range(20)]
    for each in flood:
        deliveries.put(each)
    assert len(take(deliveries, 3)) == 3

    deliveries.put(delivery("porch"))

    assert take(deliveries, 20) == [("flood", 3), ("porch", 0)]
    deliveries.done(flood[0])
    assert take(deliveries, 20) == [("flood", 4)]


def test_large_images_of_one_edge_do_not_take_the_whole_way_to_the_bucket() -> None:
    deliveries = Deliveries(threads=16)
    large = [delivery("flood", number, size=MAX_IN_HAND_BYTES // 5) for number in range(9)]
    for each in (*large, delivery("porch", size=2 * MAX_IN_HAND_BYTES), delivery("porch", 1), delivery("attic")):
        deliveries.put(each)

    taken = take(deliveries, 20)
    assert sorted(edge for edge, _ in taken) == ["attic", "flood", "porch"]  # one of each in any case
    deliveries.done(next(each for each in large if each.packet_id == taken[0][1]))
    assert [edge for edge, _ in take(deliveries, 20)] == ["flood"]


@pytest.mark.parametrize(("uploaders", "most"), [(1, 8), (4, 4)])
def test_an_edge_has_half_of_what_is_in_hand_of_all_uploaders(uploaders: int, most: int) -> None:
    deliveries = Deliveries(16, uploaders)
    deliveries.put(delivery("porch"))
    for number in range(16):
        deliveries.put(delivery("flood", number, size=KIB * KIB))

    assert sorted(edge for edge, _ in take(deliveries, 20)) == ["flood"] * most + ["porch"]


def test_a_single_edge_may_use_every_thread() -> None:
    deliveries = Deliveries(threads=8)
    for number in range(20):
        deliveries.put(delivery("porch", number))

    assert len(take(deliveries, 20)) == 8


def test_a_lone_thread_serves_every_edge() -> None:
    deliveries = Deliveries(threads=1)
    first = delivery("flood")
    for each in (first, delivery("flood", 1), delivery("porch", 2)):
        deliveries.put(each)

    assert take(deliveries, 1) == [("flood", 0)]
    deliveries.done(first)

    assert take(deliveries, 1) == [("porch", 2)]


def test_what_is_held_is_bounded_by_bytes_whether_it_waits_or_is_in_hand() -> None:
    deliveries = Deliveries(threads=4, max_bytes=200 * KIB)
    large = [delivery("porch", number, size=40 * KIB) for number in range(3)]

    assert [deliveries.put(each) for each in large] == [True, True, False]
    assert take(deliveries, 1) == [("porch", 0)]
    assert not deliveries.put(large[2])
    deliveries.done(large[0])
    assert deliveries.put(large[2])


def test_empty_messages_are_bounded_too() -> None:
    deliveries = Deliveries(threads=4, max_bytes=200 * MESSAGE_BYTES)

    assert sum(deliveries.put(delivery("porch", number, size=0)) for number in range(1000)) == 100


def test_half_of_the_room_stays_for_the_others() -> None:
    deliveries = Deliveries(threads=4, max_bytes=100 * KIB)
    deliveries.put(delivery("porch"))

    assert [deliveries.put(delivery("flood", size=20 * KIB)) for _ in range(5)] == [True, True, False, False, False]
    assert deliveries.put(delivery("attic", size=20 * KIB))
    assert not deliveries.has_much_room


def test_one_message_of_any_size_fits() -> None:
    assert Deliveries(threads=4, max_bytes=KIB).put(delivery("porch", size=20 * KIB))


def test_what_nobody_has_begun_is_dropped_after_a_reconnect_unless_the_broker_has_forgotten_it() -> None:
    deliveries = Deliveries(threads=4, max_bytes=200 * KIB)
    begun = delivery("porch", 1, size=30 * KIB)
    for each in (begun, delivery("porch", 2, size=50 * KIB), delivery("attic", 3, qos=0)):
        deliveries.put(each)
    take(deliveries, 1)

    deliveries.drop_unacknowledged()

    assert take(deliveries, 5) == [("attic", 3)]
    deliveries.done(begun)
    assert deliveries.has_much_room


def test_only_as_many_are_in_hand_as_help_but_what_takes_long_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("uploader.mqtt.delivery.monotonic", lambda: now[0])
    deliveries = Deliveries(threads=20, limit=UploadLimit(20, lambda: now[0]))
    for number in range(30):
        deliveries.put(delivery("porch", number))

    assert len(take(deliveries, 30)) == START_UPLOADS
    now[0] += LATE_SECONDS + 0.1
    assert len(take(deliveries, 30)) == START_UPLOADS
    now[0] += LATE_SECONDS + 0.1
    assert len(take(deliveries, 30)) == 20 - 2 * START_UPLOADS  # all threads wait for a bucket that does not answer


def test_a_thread_that_waits_is_woken_for_what_takes_long_no_more() -> None:
    deliveries = Deliveries(threads=2, limit=UploadLimit(1))
    for number in range(2):
        deliveries.put(delivery("porch", number))
    deliveries.get()
    taken: list[Delivery | None] = []
    waiting = threading.Thread(target=lambda: taken.append(deliveries.get()))
    waiting.start()

    deadline = monotonic() + 10 * LATE_SECONDS
    while waiting.is_alive() and monotonic() < deadline:
        deliveries.look_again()
        waiting.join(0.1)

    assert [each.packet_id for each in taken if each] == [1]


def test_closing_ends_every_wait() -> None:
    deliveries = Deliveries(threads=4)
    taken: list[Delivery | None] = []
    waiting = [threading.Thread(target=lambda: taken.append(deliveries.get())) for _ in range(3)]
    for thread in waiting:
        thread.start()

    deliveries.close()

    for thread in waiting:
        thread.join(timeout=10)
    assert taken == [None, None, None]
