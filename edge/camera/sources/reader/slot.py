"""Room for one frame, the newest, and how reading goes: readers fill it, and whoever detects takes from it."""

import logging
import threading
import time
from collections.abc import Callable

from camera.sources.frame import Frame
from camera.sources.reader.counters import FrameCounters
from camera.sources.reader.status import ReaderStatus

log = logging.getLogger(__name__)


class FrameSlot:
    """Of frames that nobody takes in time only the newest stays. Safe to use from several threads."""

    def __init__(self, counters: FrameCounters, name: str) -> None:
        """Empty; `name` is the camera's, for the log."""
        self._counters, self._name = counters, name
        self._status = ReaderStatus()
        self._newest: Frame | None = None
        self._changed = threading.Condition()  # guards the status and the newest frame

    @property
    def status(self) -> ReaderStatus:
        """How it goes now."""
        return self._status

    def store(self, frame: Frame) -> None:
        """Keep a reader's frame instead of the one before it."""
        with self._changed:
            self._set_status(self._status.frame_arrived(time.monotonic()))
            if self._newest is not None:
                self._counters.skipped += 1
            self._newest = frame
            self._changed.notify()

    def take(self, timeout_seconds: float) -> Frame | None:
        """The newest frame that nobody has taken; None if none arrived in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None, timeout_seconds)
            frame, self._newest = self._newest, None
            return frame

    def update(self, change: Callable[[ReaderStatus], ReaderStatus]) -> None:
        """Replace the status by what an event makes of it."""
        with self._changed:
            self._set_status(change(self._status))

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
