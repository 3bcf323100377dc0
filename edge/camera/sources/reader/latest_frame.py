"""The latest frame of a camera: a source that fails or hangs is reopened."""

import logging
import math
import threading
import time

from camera.sources.frame import Frame, FrameSourceFactory
from camera.sources.reader.counters import FrameCounters
from camera.sources.reader.reader import ReaderThread, ReadSession
from camera.sources.reader.status import ReaderStatus

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
MAX_HUNG_READERS = 3  # threads that hang in a driver; the next one would, too


class LatestFrame:
    """Keeps a camera's newest due frame, so that capturing never waits for detection.

    One thread reads and another watches it, since a call into a driver may never return. A reader that hangs is
    abandoned, and a new one reopens the camera.
    """

    def __init__(
        self,
        source: FrameSourceFactory,
        rate: float,
        stop: threading.Event,
        counters: FrameCounters | None = None,
        name: str = "camera",
    ) -> None:
        """`rate`: frames a second at most; `stop` ends it; `counters` go on counting; `name` is for the log."""
        self._name, self._stop = name, stop
        self.counters = counters or FrameCounters()
        self._session = ReadSession(source, rate, stop, self.counters, self._store, self._report)
        self._status = ReaderStatus()
        self._newest: Frame | None = None
        self._changed = threading.Condition()  # guards the status and the newest frame
        self._thread = threading.Thread(target=self._supervise, name="frames", daemon=True)
        self._thread.start()

    @property
    def status(self) -> ReaderStatus:
        """How it goes now."""
        return self._status

    @property
    def age_seconds(self) -> float:
        """How long ago the last whole frame arrived; infinite if none did."""
        arrived_at = self._status.last_frame_at
        return math.inf if arrived_at is None else time.monotonic() - arrived_at

    def set_rate(self, rate: float) -> None:
        """Ask for another number of frames a second, from the next frame on."""
        self._session.rate = rate

    def take(self, timeout_seconds: float) -> Frame | None:
        """The newest frame that nobody has taken; None if none arrived in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None, timeout_seconds)
            frame, self._newest = self._newest, None
            return frame

    def join(self, timeout_seconds: float) -> bool:
        """Wait for the end, after `stop` is set or the source has ended; tell whether it came."""
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _supervise(self) -> None:
        reader: ReaderThread | None = ReaderThread(self._session)
        hung: list[ReaderThread] = []
        while reader is not None or not self._stop.is_set():
            if reader is None and len(hung) < MAX_HUNG_READERS:
                reader = ReaderThread(self._session)
            (reader.done if reader else self._stop).wait(TICK_SECONDS)
            hung = [each for each in hung if not each.done.is_set()]
            if reader is not None and reader.done.is_set():
                break
            if reader is not None and reader.overdue_seconds > 0:
                hung.append(self._abandon(reader))
                reader = None
            self._update_hang_state(hung)
        with self._changed:
            self._set_status(self._status.ended())

    def _abandon(self, reader: ReaderThread) -> ReaderThread:
        reader.abandoned.set()
        with self._changed:
            self._set_status(self._status.stalled())
        return reader

    def _update_hang_state(self, hung: list[ReaderThread]) -> None:
        """Say that the camera hangs, and after a while that no reader can help it."""
        seconds = max((reader.overdue_seconds for reader in hung), default=0.0)
        with self._changed:
            self._set_status(self._status.overdue(seconds))

    def _report(self, problem: str) -> None:
        """Take a reader's problem."""
        with self._changed:
            self._set_status(self._status.failed(problem))

    def _store(self, frame: Frame) -> None:
        """Take a reader's frame."""
        with self._changed:
            self._set_status(self._status.frame_arrived(time.monotonic()))
            if self._newest is not None:
                self.counters.skipped += 1
            self._newest = frame
            self._changed.notify()

    def _set_status(self, new: ReaderStatus) -> None:
        """Replace the status, and log what changed: a problem once, not at every attempt."""
        old = self._status
        if old.has_ended:
            return
        self._status = new
        if new.problem is not None and new.problem != old.problem:
            log.warning("%s: %s", self._name, new.problem)
        elif new.problem is None and old.problem is not None:
            log.info("%s: frames arrive again", self._name)
