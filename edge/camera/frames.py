"""Frames as they come: the latest one wins, and a source that fails is opened again."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from camera.detector import Image

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 10.0  # a camera that was plugged in again is back within this time


class SourceError(Exception):
    """A source that does not deliver now; the text is a sentence for the user."""


class SourceEndedError(Exception):
    """A source that has nothing more to give: a file at its end."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a source."""

    image: Image
    captured_at: datetime  # aware, UTC
    seconds: float  # on the source's own clock, which never steps back
    number: int  # counted from 0 over the source's life


class Source(Protocol):
    """Something that gives frames. Grabbing is cheap; retrieving decodes."""

    def grab(self) -> float:
        """Wait for the next frame and return its seconds; raises SourceError or SourceEndedError."""

    def retrieve(self) -> Frame | None:
        """Decode the frame that was grabbed last; None if it is damaged."""

    def close(self) -> None:
        """Let go of the device or connection."""


class Cadence:
    """Picks frames so that at most `rate` a second are looked at, evenly, on the source's clock."""

    def __init__(self, rate: float) -> None:
        """`rate` in frames a second."""
        self._interval = 1 / rate
        self._due = float("-inf")

    def due(self, seconds: float) -> bool:
        """Whether the frame at this time is to be looked at."""
        if seconds < self._due - self._interval / 100:  # time stamps are rounded
            return False
        on_time = seconds - self._due < self._interval
        self._due = (self._due if on_time else seconds) + self._interval
        return True


class LatestFrame:
    """A thread that reads a source and keeps its newest due frame, so that capturing never waits for detection."""

    def __init__(self, open_source: Callable[[], Source], rate: float, stop: threading.Event) -> None:
        """`rate`: frames a second wanted at most; `stop` ends the thread."""
        self.grabbed = 0
        self.passed_over = 0  # due, but the detector was still busy
        self.trouble: str | None = None  # why there are no frames, as a sentence
        self.ended = threading.Event()
        self._open_source = open_source
        self._rate = rate
        self._stop = stop
        self._newest: Frame | None = None
        self._arrived = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="frames", daemon=True)
        self._thread.start()

    def take(self, timeout_seconds: float) -> Frame | None:
        """The newest frame that nobody has taken; None if none came in time."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._newest is not None, timeout_seconds)
            frame, self._newest = self._newest, None
            return frame

    def join(self, timeout_seconds: float) -> None:
        """Wait for the thread, after `stop` is set."""
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        retry_seconds = FIRST_RETRY_SECONDS
        while not self._stop.is_set():
            began, before = time.monotonic(), self.grabbed
            try:
                self._read()
            except SourceEndedError:
                break
            except SourceError as error:
                self._tell(str(error))
            if self.grabbed > before and time.monotonic() - began > LONGEST_RETRY_SECONDS:
                retry_seconds = FIRST_RETRY_SECONDS  # it had worked for a while
            self._stop.wait(retry_seconds)
            retry_seconds = min(retry_seconds * 2, LONGEST_RETRY_SECONDS)
        self.ended.set()

    def _read(self) -> None:
        source = self._open_source()
        cadence = Cadence(self._rate)
        try:
            while not self._stop.is_set():
                seconds = source.grab()
                self.grabbed += 1
                if cadence.due(seconds) and (frame := source.retrieve()) is not None:
                    self._keep(frame)
        finally:
            source.close()

    def _keep(self, frame: Frame) -> None:
        self._recover()
        with self._arrived:
            if self._newest is not None:
                self.passed_over += 1
            self._newest = frame
            self._arrived.notify()

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:  # said once, not at every attempt
            log.warning("%s", trouble)
        self.trouble = trouble

    def _recover(self) -> None:
        if self.trouble is not None:
            log.info("Frames arrive again")
            self.trouble = None
