"""Frames as they come: the latest one wins, and a source that fails or hangs is opened again."""

import logging
import math
import threading
import time

from camera.sources.frame import Camera, Frame, Patience, Source, SourceEndedError, SourceError
from camera.sources.reader.reader import Cadence, Reader, Tally

__all__ = [
    "Cadence",
    "Camera",
    "Frame",
    "LatestFrame",
    "Patience",
    "Source",
    "SourceEndedError",
    "SourceError",
]

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
STUCK_SECONDS = 15.0
MOST_ABANDONED = 3  # threads that hang in a driver; the next one would, too


class LatestFrame:
    """Keeps a camera's newest due frame, so that capturing never waits for detection.

    One thread reads, another watches it, since a call into a driver may never come back: then the reader is abandoned
    and a new one opens the camera again.
    """

    def __init__(self, camera: Camera, rate: float, stop: threading.Event, name: str = "camera") -> None:
        """`rate`: frames a second wanted at most, to be set anew at will; `stop` ends it; `name` is for the log."""
        self._name, self.rate = name, rate
        self.passed_over = 0  # due, but the detector was still busy
        self.trouble: str | None = None  # why there are no frames, as a sentence
        self.stuck = False  # a call into the driver hangs, and nothing that we can do helps
        self.ended = threading.Event()
        self._camera, self._stop = camera, stop
        self._tally = Tally()
        self._hangs = False  # and no frame came since
        self._newest: Frame | None = None
        self._kept_at: float | None = None
        self._arrived = threading.Condition()
        self._thread = threading.Thread(target=self._supervise, name="frames", daemon=True)
        self._thread.start()

    @property
    def grabbed(self) -> int:
        """Frames that came."""
        return self._tally.grabbed

    @property
    def dropped(self) -> int:
        """Frames that the source lost before they came to us."""
        return self._tally.dropped

    @property
    def damaged(self) -> int:
        """Frames that came and could not be used."""
        return self._tally.damaged

    @property
    def reopened(self) -> int:
        """How often the source worked again after a failure."""
        return max(0, self._tally.opened - 1)

    @property
    def age_seconds(self) -> float:
        """How long ago the last whole frame came; infinite if none did."""
        return math.inf if self._kept_at is None else time.monotonic() - self._kept_at

    def take(self, timeout_seconds: float) -> Frame | None:
        """The newest frame that nobody has taken; None if none came in time."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._newest is not None, timeout_seconds)
            frame, self._newest = self._newest, None
            return frame

    def join(self, timeout_seconds: float) -> None:
        """Wait for the threads, after `stop` is set."""
        self._thread.join(timeout_seconds)

    def _supervise(self) -> None:
        reader: Reader | None = self._start()
        abandoned: list[Reader] = []
        while reader is not None or not self._stop.is_set():
            if reader is None and len(abandoned) < MOST_ABANDONED:
                reader = self._start()
            (reader.done if reader else self._stop).wait(TICK_SECONDS)
            abandoned = [each for each in abandoned if not each.done.is_set()]
            if reader is not None and reader.done.is_set():
                break
            if reader is not None and reader.stuck_seconds > 0:
                reader.abandoned.set()
                abandoned.append(reader)
                reader, self._hangs = None, True
            self._judge(abandoned)
        self.ended.set()

    def _start(self) -> Reader:
        return Reader(self._camera, lambda: self.rate, self._stop, self._tally, self._keep, self._report)

    def _judge(self, abandoned: list[Reader]) -> None:
        """Say that the camera hangs, and after a while that we cannot help it."""
        longest = max((reader.stuck_seconds for reader in abandoned), default=0.0)
        self.stuck = self._hangs and longest > STUCK_SECONDS
        if self.stuck:
            self._tell("The camera hangs in its driver: unplug it and plug it in again, or restart this machine.")
        elif self._hangs and longest > 0:
            self._tell("The camera hangs; opening it again.")

    def _report(self, trouble: str) -> None:
        """Take a reader's trouble, unless it follows from a camera that hangs."""
        if not self._hangs:
            self._tell(trouble)

    def _keep(self, frame: Frame) -> None:
        self._kept_at, self._hangs, self.stuck = time.monotonic(), False, False
        self._recover()
        with self._arrived:
            if self._newest is not None:
                self.passed_over += 1
            self._newest = frame
            self._arrived.notify()

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:  # said once, not at every attempt
            log.warning("%s: %s", self._name, trouble)
        self.trouble = trouble

    def _recover(self) -> None:
        if self.trouble is not None:
            log.info("%s: frames arrive again", self._name)
            self.trouble = None
