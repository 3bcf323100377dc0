"""Counting over time: how many a second, and how many in all."""

import threading
import time
from collections import Counter

SPAN_SECONDS = 5.0


class Totals:
    """What sources count, each from 0, one source after the other."""

    def __init__(self, *names: str) -> None:
        """`names` of the attributes that count."""
        self._names = names
        self._before: Counter[str] = Counter()
        self._now: Counter[str] = Counter()

    def read(self, source: object) -> None:
        """Note what the source of now has counted."""
        self._now = Counter({name: getattr(source, name) for name in self._names})

    def keep(self) -> None:
        """The source of now is done."""
        self._before, self._now = self._before + self._now, Counter()

    def __getitem__(self, name: str) -> int:
        """The whole count."""
        return self._before[name] + self._now[name]


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
