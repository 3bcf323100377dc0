"""The thread that reads a source, and reopens it when it fails."""

import contextlib
import dataclasses
import logging
import math
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

from camera.sources.frame import FrameSource, FrameSourceFactory, SourceEndedError, SourceError
from camera.sources.reader.counters import DropCounter, FrameCounters
from camera.sources.reader.sampler import ClockOffset, FrameSampler
from camera.sources.reader.slot import FrameSlot

log = logging.getLogger(__name__)

INITIAL_RETRY_SECONDS = 0.5
MAX_RETRY_SECONDS = 3.0  # with the time that opening takes, a source that answers again is back within 5 s
WORKED_SECONDS = 10.0  # after so long without a failure, the next retry is an initial one again
POLL_SECONDS = 0.5  # how often to check whether a camera was plugged in


@dataclass(slots=True)
class ReadSession:
    """What the readers of one camera share; a reader that takes another's place carries on with it."""

    source: FrameSourceFactory
    rate: float  # frames a second that are wanted at most; may change at any time
    stop: threading.Event
    counters: FrameCounters
    slot: FrameSlot  # takes each frame, and the reason why there are none
    newest_seconds: float = -math.inf
    has_delivered: bool = False


class ReaderThread:
    """Reads until told to stop, or the source has ended. Once abandoned, it leaves as soon as it can."""

    def __init__(self, session: ReadSession) -> None:
        """It starts at once."""
        self.done = threading.Event()
        self.abandoned = threading.Event()
        self._session = session
        self._deadline = math.inf
        threading.Thread(target=self._run, name="reader", daemon=True).start()

    @property
    def overdue_seconds(self) -> float:
        """How far the current call into the source is past its timeout; 0 or less if it is not."""
        return time.monotonic() - self._deadline

    def _run(self) -> None:
        try:
            self._read_and_reopen()
        finally:
            self.done.set()

    def _read_and_reopen(self) -> None:
        counters, retry_seconds = self._session.counters, INITIAL_RETRY_SECONDS
        while self._is_wanted:
            began, before = time.monotonic(), counters.grabbed
            try:
                self._read()
            except SourceEndedError:
                return
            except SourceError as error:
                self._report(str(error))
            except Exception as error:  # noqa: BLE001 -- one camera's failure must not touch the others
                # The places alone: a message of a library may hold the address, and so the password.
                places = "".join(traceback.format_tb(error.__traceback__))
                log.error("Reading a camera broke (%s)\n%s", type(error).__name__, places)  # noqa: TRY400
                self._report(f"Reading the camera broke ({type(error).__name__}); opening it again.")
            if counters.grabbed > before and time.monotonic() - began > WORKED_SECONDS:
                retry_seconds = INITIAL_RETRY_SECONDS
            retry_now = self._wait_before_retry(retry_seconds)
            retry_seconds = INITIAL_RETRY_SECONDS if retry_now else min(retry_seconds * 2, MAX_RETRY_SECONDS)

    @property
    def _is_wanted(self) -> bool:
        return not self._session.stop.is_set() and not self.abandoned.is_set()

    def _read(self) -> None:
        factory = self._session.source
        with self._within(factory.timeouts.open_seconds):
            source = factory.open(self._session.stop)
        try:
            self._read_frames(source, factory.timeouts.grab_seconds)
        finally:
            with self._within(factory.timeouts.grab_seconds):
                source.close()

    def _read_frames(self, source: FrameSource, timeout_seconds: float) -> None:
        session, counters = self._session, self._session.counters
        sampler, clock, drops = FrameSampler(session.rate), ClockOffset(session.newest_seconds), DropCounter()
        is_first = True
        while self._is_wanted:
            with self._within(timeout_seconds):
                seconds = source.grab()
            counters.grabbed += 1
            drops.count_grab()
            sampler.rate = session.rate
            if not sampler.accept(seconds) or not self._is_wanted:
                continue
            frame = source.retrieve()
            if frame is None:
                counters.damaged += 1
                continue
            counters.reopened += is_first and session.has_delivered
            is_first, session.has_delivered = False, True
            counters.dropped += drops.count_before(frame.number)
            session.newest_seconds = clock.to_monotonic(frame.seconds)
            session.slot.store(dataclasses.replace(frame, seconds=session.newest_seconds))

    def _wait_before_retry(self, seconds: float) -> bool:
        """Wait before the next try, but no longer than until the camera is back; tell whether it is."""
        until = time.monotonic() + seconds
        while self._is_wanted and (left := until - time.monotonic()) > 0:
            self._session.stop.wait(min(left, POLL_SECONDS))
            if self._session.source.should_retry_now():
                return True
        return False

    def _report(self, problem: str) -> None:
        if not self.abandoned.is_set():
            self._session.slot.update(lambda status: status.failed(problem))

    @contextlib.contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        self._deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline = math.inf
