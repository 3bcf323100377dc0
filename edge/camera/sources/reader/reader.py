"""The thread that reads a camera, and opens it again when it fails."""

import contextlib
import dataclasses
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from camera.sources.frame import Camera, Frame, Source, SourceEndedError, SourceError

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 3.0  # with the time that opening takes, a source that answers again is back within 5 s
WORKED_SECONDS = 10.0  # so long without a failure, and the next retry is a first one again
LOOK_SECONDS = 0.5  # how often to look whether a camera was plugged in
CLOCKS_DIFFER_SECONDS = 5.0
LEAST_STEP_SECONDS = 0.001
UNEVEN = 0.1  # of an interval: time stamps are rounded, and cameras are not quite even


@dataclass(slots=True)
class Tally:
    """What was counted since the start, by one reader after the other."""

    grabbed: int = 0
    dropped: int = 0  # lost before they came to us
    damaged: int = 0
    opened: int = 0  # and a frame came
    seconds: float = -math.inf  # of the newest frame


class Cadence:
    """Picks frames so that at most `rate` a second are looked at, evenly, on the source's clock."""

    def __init__(self, rate: float) -> None:
        """`rate` in frames a second; it may be changed at any time."""
        self.rate = rate
        self._taken = float("-inf")  # when the last one was due

    def due(self, seconds: float) -> bool:
        """Whether the frame at this time is to be looked at."""
        interval = 1 / self.rate
        due = self._taken + interval
        if seconds < due - interval * UNEVEN:
            return False
        self._taken = due if seconds - due < interval else seconds
        return True


class Reader:
    """A thread that reads until told to stop, or the source has ended. Abandoned, it leaves as soon as it can."""

    def __init__(
        self,
        camera: Camera,
        rate: Callable[[], float],
        stop: threading.Event,
        tally: Tally,
        keep: Callable[[Frame], None],
        tell: Callable[[str], None],
    ) -> None:
        """`rate`: tells how many frames a second are wanted at most; `keep` takes them, `tell` why there are none."""
        self.done = threading.Event()
        self.abandoned = threading.Event()
        self._camera, self._rate, self._stop, self._tally = camera, rate, stop, tally
        self._keep, self._tell = keep, tell
        self._deadline = math.inf
        threading.Thread(target=self._run, name="reader", daemon=True).start()

    @property
    def stuck_seconds(self) -> float:
        """How much longer than it may a call has taken; 0 or less if none has."""
        return time.monotonic() - self._deadline

    def _run(self) -> None:
        try:
            self._go_on()
        finally:
            self.done.set()

    def _go_on(self) -> None:
        retry_seconds = FIRST_RETRY_SECONDS
        while self._wanted:
            began, before = time.monotonic(), self._tally.grabbed
            try:
                self._read()
            except SourceEndedError:
                return
            except SourceError as error:
                self._complain(str(error))
            except Exception as error:  # one camera's failure, whatever it is, must not touch the others
                log.exception("Reading a camera broke")
                self._complain(f"Reading the camera broke ({type(error).__name__}); opening it again.")
            if self._tally.grabbed > before and time.monotonic() - began > WORKED_SECONDS:
                retry_seconds = FIRST_RETRY_SECONDS
            returned = self._rest(retry_seconds)
            retry_seconds = FIRST_RETRY_SECONDS if returned else min(retry_seconds * 2, LONGEST_RETRY_SECONDS)

    @property
    def _wanted(self) -> bool:
        return not self._stop.is_set() and not self.abandoned.is_set()

    def _read(self) -> None:
        with self._within(self._camera.patience.open_seconds):
            source = self._camera.open(self._stop)
        try:
            self._pass_on(source)
        finally:
            with self._within(self._camera.patience.grab_seconds):
                source.close()

    def _pass_on(self, source: Source) -> None:
        cadence, clock, losses = Cadence(self._rate()), Shift(self._tally.seconds), Losses()
        first = True
        while self._wanted:
            with self._within(self._camera.patience.grab_seconds):
                seconds = source.grab()
            self._tally.grabbed += 1
            losses.grabs += 1
            cadence.rate = self._rate()
            if not cadence.due(seconds) or not self._wanted:
                continue
            frame = source.retrieve()
            if frame is None:
                self._tally.damaged += 1
                continue
            self._tally.opened += first
            first = False
            self._tally.dropped += losses.before(frame.number)
            self._tally.seconds = clock.ours(frame.seconds)
            self._keep(dataclasses.replace(frame, seconds=self._tally.seconds))

    def _rest(self, seconds: float) -> bool:
        """Wait before the next try, but no longer than until the camera is back; tell whether it is."""
        until = time.monotonic() + seconds
        while self._wanted and (left := until - time.monotonic()) > 0:
            self._stop.wait(min(left, LOOK_SECONDS))
            if self._camera.returned():
                return True
        return False

    def _complain(self, trouble: str) -> None:
        if not self.abandoned.is_set():
            self._tell(trouble)

    @contextlib.contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        self._deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline = math.inf


class Shift:
    """Puts sources that keep a clock of their own, as files do, on ours: it goes on when they are opened again."""

    def __init__(self, newest: float) -> None:
        """For one opening; `newest`: the time of the last frame of the one before."""
        self._newest = newest
        self._shift: float | None = None

    def ours(self, seconds: float) -> float:
        """The source's time on our monotonic clock."""
        if self._shift is None:
            difference = time.monotonic() - seconds
            self._shift = difference if abs(difference) > CLOCKS_DIFFER_SECONDS else 0.0
            self._shift = max(self._shift, self._newest + LEAST_STEP_SECONDS - seconds)
        return seconds + self._shift


class Losses:
    """Counts the frames that a source numbered and we never saw."""

    def __init__(self) -> None:
        """For one opening."""
        self.grabs = 0  # since the last frame that was counted
        self._number: int | None = None

    def before(self, number: int) -> int:
        """How many were lost since the last frame."""
        lost = 0 if self._number is None else max(0, number - self._number - self.grabs)
        self._number, self.grabs = number, 0
        return lost
