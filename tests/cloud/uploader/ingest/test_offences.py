"""The offender is named, and its messages do not fill the log."""

import logging

import pytest

from uploader.ingest.offences import MAX_EDGES, OTHERS, SPAN_SECONDS, Offence, Offences


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return said


def test_the_first_is_said_at_once_and_the_others_in_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    offences = Offences(clock)
    with caplog.at_level(logging.WARNING):
        for number in range(500):
            offences.count("flood", Offence.REJECTED, f"Rejected message {number}")
            offences.report()
        assert messages(caplog) == ["Rejected message 0"]

        for _ in range(20):
            offences.count("flood", Offence.DROPPED, "Dropped a message")
        clock.now = SPAN_SECONDS
        offences.report()
        assert messages(caplog) == [
            "Dropped a message",
            "flood: within 60 s 499 rejected, 19 dropped more; the last: Dropped a message",
        ]

        for _ in range(7):
            offences.count("flood", Offence.REJECTED, "Rejected another")
        clock.now = 2 * SPAN_SECONDS
        offences.report()
        offences.report()
        assert messages(caplog) == ["flood: within 60 s 7 rejected more; the last: Rejected another"]


def test_whoever_was_quiet_for_a_minute_is_heard_at_once_again(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    offences = Offences(clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            offences.count("porch", Offence.REJECTED, "Rejected")
            clock.now += SPAN_SECONDS
            offences.report()
        assert messages(caplog) == ["Rejected", "Rejected"]


def test_nothing_is_kept_back_at_the_end_and_each_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    counted: list[tuple[str, Offence]] = []
    offences = Offences(Clock(), lambda edge, offence: counted.append((edge, offence)))
    with caplog.at_level(logging.WARNING):
        for edge in ("porch", "attic", "porch"):
            offences.count(edge, Offence.UNDECODED, "Not decoded")
        offences.report(final=True)

    assert messages(caplog)[2:] == ["porch: within 0 s 1 stored undecoded more; the last: Not decoded"]
    assert len(counted) == 3


def test_any_number_of_names_costs_a_bounded_number_of_lines(caplog: pytest.LogCaptureFixture) -> None:
    offences = Offences(Clock())
    with caplog.at_level(logging.WARNING):
        for number in range(3 * MAX_EDGES):
            offences.count(f"edge-{number}", Offence.REJECTED, "Rejected")
        offences.report(final=True)

    said = messages(caplog)
    assert len(said) == MAX_EDGES + 2
    assert said[-1].startswith(f"{OTHERS}: ")
