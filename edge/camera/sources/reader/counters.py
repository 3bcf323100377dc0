"""Counts of frames: since the start, a second, and those that a source lost."""

import threading
import time
from dataclasses import dataclass

RATE_WINDOW_SECONDS = 5.0


@dataclass(slots=True)
class FrameCounters:
    """One camera's frames since the start. Its owner hands it to each reader, and it outlives them all."""

    grabbed: int = 0  # arrived from the source
    skipped: int = 0  # due, but replaced by a newer one while the detector was busy
    dropped: int = 0  # lost by the source before they arrived
    damaged: int = 0  # arrived and could not be used
    reopened: int = 0  # times that the source worked again after a failure


class RateMeter:
    """How many a second, over the last few seconds. Safe to use from several threads."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._times: list[float] = []
        self._lock = threading.Lock()

    def count(self) -> None:
        """One more, now."""
        recent = self._recent()
        with self._lock:
            self._times = [*recent, time.monotonic()]

    def per_second(self) -> float:
        """The rate until now."""
        recent = self._recent()
        return (len(recent) - 1) / (time.monotonic() - recent[0]) if len(recent) > 1 else 0.0

    def _recent(self) -> list[float]:
        earliest = time.monotonic() - RATE_WINDOW_SECONDS
        with self._lock:
            return [at for at in self._times if at > earliest]


class DropCounter:
    """Counts the frames that a source numbered but never delivered, during one opening."""

    def __init__(self) -> None:
        """No frame yet."""
        self._grabs = 0  # since the last frame that was counted
        self._number: int | None = None

    def count_grab(self) -> None:
        """One more frame arrived, whether or not it is retrieved."""
        self._grabs += 1

    def count_before(self, number: int) -> int:
        """How many were lost between the last frame and this one."""
        lost = 0 if self._number is None else max(0, number - self._number - self._grabs)
        self._number, self._grabs = number, 0
        return lost
