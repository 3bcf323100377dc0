"""The latest frame of a camera: a source that fails or hangs is reopened."""

import math
import threading
import time

from camera.sources.frame import Frame, FrameSourceFactory
from camera.sources.reader.counters import FrameCounters
from camera.sources.reader.reader import ReaderThread, ReadSession
from camera.sources.reader.slot import FrameSlot
from camera.sources.reader.status import ReaderStatus

TICK_SECONDS = 0.5
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
        self._stop = stop
        self.counters = counters or FrameCounters()
        self._slot = FrameSlot(self.counters, name)
        self._session = ReadSession(source, rate, stop, self.counters, self._slot)
        self._thread = threading.Thread(target=self._supervise, name="frames", daemon=True)
        self._thread.start()

    @property
    def status(self) -> ReaderStatus:
        """How it goes now."""
        return self._slot.status

    @property
    def age_seconds(self) -> float:
        """How long ago the last whole frame arrived; infinite if none did."""
        arrived_at = self.status.last_frame_at
        return math.inf if arrived_at is None else time.monotonic() - arrived_at

    def set_rate(self, rate: float) -> None:
        """Ask for another number of frames a second, from the next frame on."""
        self._session.rate = rate

    def take(self, timeout_seconds: float) -> Frame | None:
        """The newest frame that nobody has taken; None if none arrived in time."""
        return self._slot.take(timeout_seconds)

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
        self._slot.update(ReaderStatus.ended)

    def _abandon(self, reader: ReaderThread) -> ReaderThread:
        reader.abandoned.set()
        self._slot.update(ReaderStatus.stalled)
        return reader

    def _update_hang_state(self, hung: list[ReaderThread]) -> None:
        """Say that the camera hangs, and after a while that no reader can help it."""
        seconds = max((reader.overdue_seconds for reader in hung), default=0.0)
        self._slot.update(lambda status: status.overdue(seconds))
