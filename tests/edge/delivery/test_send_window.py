"""Which capture is published next."""

from camera.delivery.send_window import FRESH_SECONDS, MOST_BYTES, RECEIPT_SECONDS, Window


def drain(window: Window, now: float) -> list[str]:
    """All that may be published now."""
    taken = []
    while (capture_id := window.next(now)) is not None:
        taken.append(capture_id)
    return taken


def backlog(size: int) -> list[str]:
    return [f"old-{number:04d}" for number in range(size)]


def test_no_more_than_the_window_is_on_its_way() -> None:
    window = Window(4)
    for number in range(10):
        window.add(f"new-{number}", 0.0)

    assert drain(window, 0.0) == ["new-0", "new-1", "new-2", "new-3"]
    assert window.on_way == 4
    window.settle("new-1", 0.1)
    assert drain(window, 0.1) == ["new-4"]


def test_a_backlog_goes_oldest_first() -> None:
    assert drain(Window(4, backlog(9)), 0.0) == backlog(4)


def test_a_fresh_capture_goes_before_a_backlog_of_thousands() -> None:
    window = Window(64, backlog(5000))
    first = drain(window, 0.0)

    window.add("new", 1.0)

    assert len(first) < 64, "the backlog must leave room"
    assert drain(window, 1.0) == ["new"]


def test_a_backlog_is_not_starved_by_fresh_captures() -> None:
    window = Window(8, backlog(100))
    for number in range(8):
        window.add(f"new-{number}", 0.0)

    taken = drain(window, 0.0)

    assert sum(capture_id.startswith("old") for capture_id in taken) == 4


def test_the_backlogs_share_shrinks_with_slow_receipts_and_grows_with_fast_ones() -> None:
    window = Window(64, backlog(5000))
    on_way = drain(window, 0.0)
    for now in (10.0, 20.0, 30.0):
        for capture_id in on_way:
            window.settle(capture_id, now)
        on_way = drain(window, now)
    slow = len(on_way)
    for step in range(60):
        for capture_id in on_way:
            window.settle(capture_id, 31.0 + step)
        on_way = drain(window, 31.0 + step)

    assert slow == 2
    assert len(on_way) == 64


def test_large_captures_fill_the_window_by_their_bytes() -> None:
    window = Window(64, backlog(10), size_of=lambda _: MOST_BYTES // 3 + 1)

    assert len(drain(window, 0.0)) == 3
    window.settle("old-0000", 0.1)
    assert len(drain(window, 0.1)) == 1


def test_while_the_bridge_is_down_one_capture_waits_in_the_broker() -> None:
    window = Window(64)
    window.bridge_up = False
    for number in range(10):
        window.add(f"new-{number}", 0.0)

    assert drain(window, 0.0) == ["new-0"]
    window.bridge_up = True
    assert len(drain(window, 0.0)) == 9


def test_what_the_broker_took_goes_again_when_the_bridge_comes_back() -> None:
    window = Window(64)
    for name in ("taken", "unanswered"):
        window.add(name, 0.0)
    drain(window, 0.0)
    window.answered("taken", 0.0, taken=True)

    window.again()

    assert drain(window, 0.0) == ["taken"]


def test_a_missing_receipt_is_waited_for_ever_longer() -> None:
    window = Window(64)
    window.add("lost", 0.0)
    now = 0.0
    for factor in (1, 2, 4, 8):
        assert drain(window, now) == ["lost"]
        window.answered("lost", now, taken=True)
        now += RECEIPT_SECONDS * factor
        assert drain(window, now - 0.1) == []

    assert drain(window, now) == ["lost"]


def taken(window: Window, names: list[str], now: float) -> None:
    """The broker takes all of these."""
    for name in names:
        window.add(name, now)
    for name in drain(window, now):
        window.answered(name, now, taken=True)


def test_while_nobody_gets_receipts_one_capture_at_a_time_probes_ever_less_often() -> None:
    window = Window(64)
    taken(window, [f"new-{number:02d}" for number in range(64)], 0.0)

    copies = 0
    for now in range(1, 6 * 3600):
        for name in drain(window, float(now)):
            window.answered(name, float(now), taken=True)
            copies += 1

    assert 20 < copies < 50


def test_what_goes_again_keeps_its_order() -> None:
    window = Window(64, ["waits"])
    taken(window, ["a", "b", "c"], 0.0)

    window.again()

    assert [name for name in drain(window, 1.0) if name != "waits"] == ["a", "b", "c"]


def test_what_is_missing_goes_again_once_later_captures_have_their_receipts() -> None:
    window = Window(64)
    taken(window, ["lost-1", "lost-2"], 0.0)
    taken(window, ["later"], 1.0)

    window.settle("later", 2.0)

    assert drain(window, RECEIPT_SECONDS - 1) == []
    assert drain(window, RECEIPT_SECONDS + 1) == ["lost-1", "lost-2"]


def test_a_probes_receipt_frees_everything_that_was_sent_before_it() -> None:
    window = Window(64)
    taken(window, ["a", "b", "c"], 0.0)
    (probe,) = drain(window, RECEIPT_SECONDS)
    window.answered(probe, RECEIPT_SECONDS, taken=True)

    window.settle(probe, RECEIPT_SECONDS + 1)

    assert len(drain(window, RECEIPT_SECONDS + 2)) == 2


def test_nothing_goes_again_by_time_while_the_bridge_is_down() -> None:
    window = Window(64)
    window.add("new", 0.0)
    drain(window, 0.0)
    window.answered("new", 0.0, taken=True)
    window.bridge_up = False

    assert drain(window, 10 * RECEIPT_SECONDS) == []


def test_a_refused_capture_goes_again_soon() -> None:
    window = Window(64)
    window.add("new", 0.0)
    drain(window, 0.0)
    window.answered("new", 0.0, taken=False)

    assert drain(window, 4.9) == []
    assert drain(window, 5.0) == ["new"]


def test_a_receipt_for_what_waits_to_go_again_settles_it() -> None:
    window = Window(64)
    window.add("new", 0.0)
    drain(window, 0.0)
    window.answered("new", 0.0, taken=True)
    window.again()

    window.settle("new", 1.0)

    assert drain(window, 1.0) == []


def test_captures_of_an_outage_become_backlog_in_their_order() -> None:
    window = Window(64, ["old"])
    window.bridge_up = False
    drain(window, 0.0)
    for number in range(5):
        window.add(f"new-{number}", float(number))
    window.bridge_up = True

    window.add("fresh", FRESH_SECONDS + 10)

    assert drain(window, FRESH_SECONDS + 10)[0] in ("fresh", "new-0")
    assert window.on_way == 7
