"""Which capture is published next."""

from collections import deque

from camera.delivery.delivery_status import Bridge
from camera.delivery.send_window import FRESH_SECONDS, MAX_IN_FLIGHT_BYTES, MIN_QUEUED, RECEIPT_SECONDS, SendWindow


def drain(window: SendWindow, now: float) -> list[str]:
    """All that may be published now."""
    taken = []
    while (capture_id := window.pop_next(now)) is not None:
        taken.append(capture_id)
    return taken


def backlog(size: int) -> list[str]:
    return [f"old-{number:04d}" for number in range(size)]


def test_no_more_than_the_window_is_in_flight() -> None:
    window = SendWindow(4)
    for number in range(10):
        window.add(f"new-{number}", 0.0)

    assert drain(window, 0.0) == ["new-0", "new-1", "new-2", "new-3"]
    assert window.in_flight == 4
    window.complete("new-1", 0.1)
    assert drain(window, 0.1) == ["new-4"]


def test_a_backlog_goes_oldest_first() -> None:
    assert drain(SendWindow(4, backlog(9)), 0.0) == backlog(4)


def test_a_fresh_capture_goes_before_a_backlog_of_thousands() -> None:
    window = SendWindow(64, backlog(5000))
    first = drain(window, 0.0)

    window.add("new", 1.0)

    assert len(first) < 64, "the backlog must leave room"
    assert drain(window, 1.0) == ["new"]


def test_a_backlog_is_not_starved_by_fresh_captures() -> None:
    window = SendWindow(8, backlog(100))
    for number in range(8):
        window.add(f"new-{number}", 0.0)

    taken = drain(window, 0.0)

    assert sum(capture_id.startswith("old") for capture_id in taken) == 4


def test_the_backlogs_quota_shrinks_with_slow_receipts_and_grows_with_fast_ones() -> None:
    window = SendWindow(64, backlog(5000))
    in_flight = drain(window, 0.0)
    for now in (10.0, 20.0, 30.0):
        for capture_id in in_flight:
            window.complete(capture_id, now)
        in_flight = drain(window, now)
    slow = len(in_flight)
    for step in range(60):
        for capture_id in in_flight:
            window.complete(capture_id, 31.0 + step)
        in_flight = drain(window, 31.0 + step)

    assert slow == 2
    assert len(in_flight) == 64


def test_large_captures_fill_the_window_by_their_bytes() -> None:
    window = SendWindow(64, backlog(10), size_of=lambda _: MAX_IN_FLIGHT_BYTES // 3 + 1)

    assert len(drain(window, 0.0)) == 3
    window.complete("old-0000", 0.1)
    assert len(drain(window, 0.1)) == 1


def test_while_the_bridge_is_down_one_capture_waits_in_the_broker() -> None:
    window = SendWindow(64)
    window.update_bridge(Bridge.DOWN)
    for number in range(10):
        window.add(f"new-{number}", 0.0)

    assert drain(window, 0.0) == ["new-0"]
    window.update_bridge(Bridge.UP)
    assert len(drain(window, 0.0)) == 9


def test_what_the_broker_accepted_is_published_again_when_the_bridge_comes_back() -> None:
    window = SendWindow(64)
    for name in ("taken", "unanswered"):
        window.add(name, 0.0)
    drain(window, 0.0)
    window.acknowledge("taken", 0.0, accepted=True)

    window.requeue_acknowledged()

    assert drain(window, 0.0) == ["taken"]


def test_a_missing_receipt_is_waited_for_ever_longer() -> None:
    window = SendWindow(64)
    window.add("lost", 0.0)
    now = 0.0
    for factor in (1, 2, 4, 8):
        assert drain(window, now) == ["lost"]
        window.acknowledge("lost", now, accepted=True)
        now += RECEIPT_SECONDS * factor
        assert drain(window, now - 0.1) == []

    assert drain(window, now) == ["lost"]


def accept_all(window: SendWindow, names: list[str], now: float) -> None:
    """Have the broker accept all of these."""
    for name in names:
        window.add(name, now)
    for name in drain(window, now):
        window.acknowledge(name, now, accepted=True)


def test_while_nobody_gets_receipts_one_capture_at_a_time_probes_ever_less_often() -> None:
    window = SendWindow(64)
    accept_all(window, [f"new-{number:02d}" for number in range(64)], 0.0)

    copies = 0
    for now in range(1, 6 * 3600):
        for name in drain(window, float(now)):
            window.acknowledge(name, float(now), accepted=True)
            copies += 1

    assert 20 < copies < 50


def test_what_is_published_again_keeps_its_order() -> None:
    window = SendWindow(64, ["waits"])
    accept_all(window, ["a", "b", "c"], 0.0)

    window.requeue_acknowledged()

    assert [name for name in drain(window, 1.0) if name != "waits"] == ["a", "b", "c"]


def test_what_is_missing_is_published_again_once_later_captures_have_their_receipts() -> None:
    window = SendWindow(64)
    accept_all(window, ["lost-1", "lost-2"], 0.0)
    accept_all(window, ["later"], 1.0)

    window.complete("later", 2.0)

    assert drain(window, RECEIPT_SECONDS - 1) == []
    assert drain(window, RECEIPT_SECONDS + 1) == ["lost-1", "lost-2"]


def test_a_probes_receipt_frees_everything_that_was_sent_before_it() -> None:
    window = SendWindow(64)
    accept_all(window, ["a", "b", "c"], 0.0)
    (probe,) = drain(window, RECEIPT_SECONDS)
    window.acknowledge(probe, RECEIPT_SECONDS, accepted=True)

    window.complete(probe, RECEIPT_SECONDS + 1)

    assert len(drain(window, RECEIPT_SECONDS + 2)) == 2


def test_nothing_is_published_again_by_time_while_the_bridge_is_down() -> None:
    window = SendWindow(64)
    window.add("new", 0.0)
    drain(window, 0.0)
    window.acknowledge("new", 0.0, accepted=True)
    window.update_bridge(Bridge.DOWN)

    assert drain(window, 10 * RECEIPT_SECONDS) == []


def test_a_refused_capture_is_published_again_soon() -> None:
    window = SendWindow(64)
    window.add("new", 0.0)
    drain(window, 0.0)
    window.acknowledge("new", 0.0, accepted=False)

    assert drain(window, 4.9) == []
    assert drain(window, 5.0) == ["new"]


def test_a_receipt_for_what_waits_to_be_published_again_completes_it() -> None:
    window = SendWindow(64)
    window.add("new", 0.0)
    drain(window, 0.0)
    window.acknowledge("new", 0.0, accepted=True)
    window.requeue_acknowledged()

    window.complete("new", 1.0)

    assert drain(window, 1.0) == []


def test_captures_of_an_outage_become_backlog_in_their_order() -> None:
    window = SendWindow(64, ["old"])
    window.update_bridge(Bridge.DOWN)
    drain(window, 0.0)
    for number in range(5):
        window.add(f"new-{number}", float(number))
    window.update_bridge(Bridge.UP)

    window.add("fresh", FRESH_SECONDS + 10)

    assert drain(window, FRESH_SECONDS + 10)[0] in ("fresh", "new-0")
    assert window.in_flight == 7


def test_what_a_full_spool_has_dropped_is_forgotten_during_an_outage() -> None:
    spooled: deque[str] = deque(maxlen=100)
    asked = 0

    def size_of(capture_id: str) -> int:
        nonlocal asked
        asked += 1
        return int(capture_id in spooled)

    window = SendWindow(64, size_of=size_of)
    for number in range(5 * MIN_QUEUED):
        spooled.append(f"{number:06}")
        window.add(spooled[-1], number / 10)

    assert asked <= 6 * MIN_QUEUED  # not for each one
    taken = []
    while capture_id := window.pop_next(number / 10):
        window.complete(capture_id, number / 10)
        taken.append(capture_id)
    assert set(spooled) <= set(taken)
    assert len(taken) <= MIN_QUEUED
