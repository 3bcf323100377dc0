"""How reading goes, event by event."""

from camera.sources.reader.status import HUNG_SECONDS, ReaderState, ReaderStatus

LONG = HUNG_SECONDS + 1


def test_a_problem_lasts_until_a_frame_arrives() -> None:
    status = ReaderStatus().failed("It broke.")

    assert (status.state, status.problem) == (ReaderState.RECONNECTING, "It broke.")
    assert status.frame_arrived(3.0) == ReaderStatus(ReaderState.RUNNING, None, 3.0)


def test_a_call_that_hangs_is_a_stall_first_and_hung_after_a_while() -> None:
    status = ReaderStatus().frame_arrived(3.0).stalled().overdue(0.1)

    assert (status.state, status.problem) == (ReaderState.STALLED, "The camera hangs; opening it again.")
    assert not status.is_hung
    assert status.overdue(LONG).is_hung
    assert status.overdue(LONG).last_frame_at == 3.0


def test_another_reader_that_hangs_makes_a_hung_camera_no_better() -> None:
    hung = ReaderStatus().stalled().overdue(LONG)

    assert hung.stalled() == hung


def test_what_fails_while_the_camera_hangs_says_nothing_new() -> None:
    stalled = ReaderStatus().stalled().overdue(0.1)

    assert stalled.failed("Device or resource busy") == stalled
    assert stalled.overdue(LONG).failed("Device or resource busy") == stalled.overdue(LONG)


def test_a_hung_call_that_returns_is_no_longer_hung_but_no_frame_came_yet() -> None:
    status = ReaderStatus().stalled().overdue(LONG).overdue(0)

    assert status.state is ReaderState.STALLED
    assert status.problem is not None


def test_an_abandoned_reader_that_still_hangs_matters_no_more_once_frames_arrive() -> None:
    running = ReaderStatus().stalled().overdue(LONG).frame_arrived(3.0)

    assert running.overdue(LONG) == running


def test_what_ended_keeps_its_problem() -> None:
    status = ReaderStatus().failed("It broke.").ended()

    assert status.has_ended
    assert status.problem == "It broke."
