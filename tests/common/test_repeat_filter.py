"""A message that keeps coming back is logged once a minute."""

import logging

import pytest

from common.runtime import log
from common.runtime.log import SILENCE_SECONDS, RepeatFilter, filtered_logger

LOG = logging.getLogger("usbcam-test")


class Clock:
    """Stands for `monotonic`."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(log, "monotonic", clock)
    return clock


def test_messages_that_alternate_are_logged_once_each(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    logger = filtered_logger(LOG, RepeatFilter())

    for _ in range(3):
        clock.now += 1
        logger.warning("it is %s", "slow")
        logger.warning("it is %s", "gone")

    assert caplog.messages == ["it is slow", "it is gone"]


def test_after_a_minute_a_message_is_logged_again(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    logger = filtered_logger(LOG, RepeatFilter())

    for _ in range(3):
        logger.warning("it is gone")
        clock.now += SILENCE_SECONDS

    assert len(caplog.messages) == 3


def test_asking_whether_a_message_is_a_repeat_changes_nothing(clock: Clock) -> None:
    repeats = RepeatFilter()

    assert not repeats.is_repeat("it is gone")
    assert not repeats.is_repeat("it is gone")
    filtered_logger(LOG, repeats).warning("it is gone")
    assert repeats.is_repeat("it is gone")
    clock.now += SILENCE_SECONDS
    assert not repeats.is_repeat("it is gone")


def test_a_filtered_logger_filters_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    loggers = [filtered_logger(LOG, RepeatFilter()), filtered_logger(LOG, RepeatFilter()), LOG]

    for logger in loggers:
        logger.warning("it is gone")

    assert len(caplog.messages) == 3
    assert {record.name for record in caplog.records} == {"usbcam-test"}
