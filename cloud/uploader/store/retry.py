"""Retries until S3 does what is asked, however long it is unavailable; the log says so once."""

import logging
import random
import threading
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from common.runtime.log import RepeatFilter, filtered_logger
from storage.errors import S3_ERRORS, S3Error, S3ErrorKind, classify

T = TypeVar("T")
BROKEN = {S3ErrorKind.DENIED, S3ErrorKind.UNSUITABLE}  # somebody has to fix something
MIN_DELAY_SECONDS = 0.2
MAX_DELAY_SECONDS = 30.0
MANY_CONFLICTS = 8  # of one object in a row: a store that always says so, and no other writer
log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The uploader is stopping: the broker will redeliver what was not completed."""


class VoidError(Exception):
    """What was to be stored is not wanted any more."""


class RetryCoordinator:
    """Shared by all threads: when one of them learns that S3 is back, all of them continue."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._changed = threading.Condition()
        self._is_stopping = False
        self._error: S3Error | None = None
        self._failures = 0
        self._recoveries = 0
        self._waiting = 0
        self._repeats = RepeatFilter()
        self._log = filtered_logger(log, self._repeats)
        self._was_logged = False  # the current outage
        self._succeeded_at: float | None = None

    @property
    def error(self) -> S3Error | None:
        """The latest error, as long as nothing has succeeded since."""
        return self._error

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    def seconds_since_success(self) -> float | None:
        return None if self._succeeded_at is None else monotonic() - self._succeeded_at

    def is_available(self, max_silence_seconds: float) -> bool:
        """Whether S3 does what is asked, and did so lately."""
        seconds = self.seconds_since_success()
        return self._error is None and seconds is not None and seconds <= max_silence_seconds

    def stop(self) -> None:
        """End every wait."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def run(self, attempt: Callable[[], T], is_void: Callable[[], bool] = lambda: False) -> T:
        """Try until it succeeds, however long that takes; the delays are AWS's decorrelated jitter.

        After a failure it gives up what is void by then; raises VoidError.
        """
        delay, conflicts = MIN_DELAY_SECONDS, 0
        while True:
            recoveries = self._recoveries
            try:
                result = attempt()
            except S3_ERRORS as error:
                s3_error = self.record_failure(error)
                conflicts += s3_error.kind is S3ErrorKind.CONFLICT
                if conflicts == MANY_CONFLICTS:
                    self._note(S3Error(S3ErrorKind.CONFLICT, f"{s3_error.reason}, {conflicts} times in a row"))
            else:
                self.record_success()
                return result
            if is_void():
                raise VoidError
            delay = min(MAX_DELAY_SECONDS, random.uniform(MIN_DELAY_SECONDS, delay * 3))  # noqa: S311 (jitter)
            self._wait(delay, s3_error, recoveries)

    def record_success(self) -> None:
        """Note that S3 did what was asked."""
        with self._changed:
            self._recover()

    def wake_waiters(self) -> None:
        """Note that the bucket answers: waiting threads retry now, and their success ends the outage."""
        with self._changed:
            if self._error and self._error.kind is S3ErrorKind.UNSUITABLE:
                return  # that it answers is no news
            if self._waiting == 0:
                self._recover()
                return
            self._recoveries += 1
            self._changed.notify_all()

    def record_failure(self, error: Exception) -> S3Error:
        """Note and log an error of S3."""
        s3_error = classify(error, self._bucket)
        if s3_error.kind is not S3ErrorKind.CONFLICT:
            self._note(s3_error)
        return s3_error

    def _note(self, s3_error: S3Error) -> None:
        with self._changed:
            self._error = s3_error
            self._failures += 1
            self._log_failure(s3_error)

    def _wait(self, seconds: float, error: S3Error, recoveries: int) -> None:
        # Throttling asks for the whole delay; an S3 that was unavailable is back when it answers any thread.
        may_wake = error.kind in (S3ErrorKind.UNAVAILABLE, S3ErrorKind.DENIED)
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._is_stopping or (may_wake and self._recoveries != recoveries), seconds)
            self._waiting -= 1
            if self._is_stopping:
                raise StoppedError

    def _recover(self) -> None:
        self._succeeded_at = monotonic()
        if self._error is None:
            return
        if self._was_logged:
            log.info("S3 is back after %d failed attempts", self._failures)
        self._was_logged = False
        self._error = None
        self._failures = 0
        self._recoveries += 1
        self._changed.notify_all()

    def _log_failure(self, error: S3Error) -> None:
        message = f"{error.message}; retrying"
        self._was_logged |= not self._repeats.is_repeat(message)
        self._log.log(logging.ERROR if error.kind in BROKEN else logging.WARNING, "%s", message)
