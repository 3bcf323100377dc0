"""How long S3 has been away or unwilling: waited for with patience, said once."""

import logging
import random
import threading
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from common.runtime.repeats import Repeats
from storage.errors import S3_ERRORS, Failure, Kind, explain

T = TypeVar("T")
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
LOG = logging.getLogger(__name__)


class StoppedError(Exception):
    """The uploader is stopping: what was not done is the broker's to deliver again."""


class Outage:
    """Shared by all threads: one of them learns that S3 is back, all of them go on."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._changed = threading.Condition()
        self._stopping = False
        self._failure: Failure | None = None
        self._failures = 0
        self._recoveries = 0
        self._waiting = 0
        self._repeats = Repeats()
        self._said = False  # of this outage
        self._succeeded_at: float | None = None

    @property
    def failure(self) -> Failure | None:
        """The latest failure, as long as nothing has succeeded since."""
        return self._failure

    @property
    def stopping(self) -> bool:
        return self._stopping

    def seconds_since_success(self) -> float | None:
        return None if self._succeeded_at is None else monotonic() - self._succeeded_at

    def stop(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def until_done(self, attempt: Callable[[], T]) -> T:
        """Try until it succeeds, however long that takes."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            recoveries = self._recoveries
            try:
                result = attempt()
            except S3_ERRORS as error:
                failure = self.failed(error)
            else:
                self.succeeded()
                return result
            pause = min(LONGEST_PAUSE_SECONDS, random.uniform(FIRST_PAUSE_SECONDS, pause * 3))  # noqa: S311 (jitter)
            self._wait(pause, failure, recoveries)

    def succeeded(self) -> None:
        """Note that S3 did as it was asked."""
        with self._changed:
            self._recover()

    def reachable(self) -> None:
        """Note that the bucket answers: whoever waits tries again, and knows then."""
        with self._changed:
            if self._waiting == 0:
                self._recover()
                return
            self._recoveries += 1
            self._changed.notify_all()

    def failed(self, error: Exception) -> Failure:
        """Note and say why S3 did not."""
        failure = explain(error, self._bucket)
        if failure.kind is Kind.CONFLICT:
            return failure
        with self._changed:
            self._failure = failure
            self._failures += 1
            self._say_failure(failure)
        return failure

    def _wait(self, seconds: float, failure: Failure, recoveries: int) -> None:
        # A busy S3 wants its pause; an absent one is back when it answers anybody.
        early = failure.kind in {Kind.AWAY, Kind.REFUSED}
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._stopping or (early and self._recoveries != recoveries), seconds)
            self._waiting -= 1
            if self._stopping:
                raise StoppedError

    def _recover(self) -> None:
        self._succeeded_at = monotonic()
        if self._failure is None:
            return
        if self._said:
            LOG.info("S3 is back after %d failed attempts", self._failures)
        self._said = False
        self._failure = None
        self._failures = 0
        self._recoveries += 1
        self._changed.notify_all()

    def _say_failure(self, failure: Failure) -> None:
        if not self._repeats.is_news(failure.sentence):
            return
        self._said = True
        level = logging.ERROR if failure.kind is Kind.REFUSED else logging.WARNING
        LOG.log(level, "%s; waiting, and trying again", failure.sentence)
