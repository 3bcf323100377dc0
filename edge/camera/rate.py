"""Counting over time: how many a second, and how many in all."""

import threading
import time

SPAN_SECONDS = 5.0


class Sum:
    """A count that goes on over several sources, each of which counts from 0."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.now = 0
        self._before = 0

    def keep(self, last: int) -> None:
        """One source is done; it had counted to `last`."""
        self._before, self.now = self._before + last, 0

    def __int__(self) -> int:
        """The whole count."""
        return self._before + self.now


class Rate:
    """How many a second, over the last few seconds. Safe to use from several threads."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._times: list[float] = []
        self._guard = threading.Lock()

    def count(self) -> None:
        """One more, now."""
        recent = self._recent()
        with self._guard:
            self._times = [*recent, time.monotonic()]

    def per_second(self) -> float:
        """The rate until now."""
        recent = self._recent()
        return (len(recent) - 1) / (time.monotonic() - recent[0]) if len(recent) > 1 else 0.0

    def _recent(self) -> list[float]:
        earliest = time.monotonic() - SPAN_SECONDS
        with self._guard:
            return [at for at in self._times if at > earliest]
