"""Which capture is published next, and which must be published again. Decides; touches nothing.

Oldest first, but a fresh capture does not wait behind a backlog: fresh ones and the backlog take turns, and
the backlog's share of the window follows the time that receipts take, so that what a slow link still has to
carry ahead of a fresh capture stays worth about `SLOW_SECONDS` (additive increase, multiplicative decrease, as
TCP's congestion avoidance).
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

FRESH_SECONDS = 30.0  # older captures belong to the backlog
SLOW_SECONDS = 2.0  # a receipt that takes longer halves the backlog's share
FIRST_SHARE, LEAST_SHARE = 8.0, 2.0
RECEIPT_SECONDS, LONGEST_RECEIPT_SECONDS = 30.0, 3600.0  # patience with a missing receipt, doubled each time
REFUSED_SECONDS, LONGEST_REFUSED_SECONDS = 5.0, 300.0  # patience with a broker that refuses, doubled each time
MOST_BYTES = 32_000_000  # on the way: a broker holds them in memory, and whole frames are large
WHILE_BRIDGE_IS_DOWN = 1  # one capture waits in the broker, the others on disk


@dataclass(slots=True)
class Sent:
    """A capture on its way."""

    at: float  # seconds, monotonic
    size: int  # bytes
    attempt: int  # from 0
    from_backlog: bool
    again_at: float | None = None  # set when the broker has answered


class Window:
    """The captures that wait and those on their way. All times are monotonic seconds."""

    def __init__(self, limit: int, waiting: Iterable[str] = (), size_of: Callable[[str], int] = lambda _: 0) -> None:
        """`limit`: the most captures on their way; `waiting`: ids from an earlier run, oldest first; sizes in bytes."""
        self.bridge_up: bool | None = None  # None: nobody says, then it counts as up
        self._limit, self._size_of = limit, size_of
        self._backlog = deque(waiting)
        self._fresh: deque[tuple[float, str]] = deque()
        self._on_way: dict[str, Sent] = {}
        self._attempts: dict[str, int] = {}
        self._share = min(FIRST_SHARE, float(limit))
        self._shrunk_at = float("-inf")
        self._turn_of_fresh = True

    @property
    def on_way(self) -> int:
        """How many captures are published and not settled."""
        return len(self._on_way)

    def add(self, capture_id: str, now: float) -> None:
        """A capture was made."""
        self._fresh.append((now, capture_id))

    def next(self, now: float) -> str | None:
        """The capture to publish now, if any; it counts as sent."""
        self._age(now)
        limit = WHILE_BRIDGE_IS_DOWN if self.bridge_up is False else self._limit
        if len(self._on_way) >= limit or sum(sent.size for sent in self._on_way.values()) >= MOST_BYTES:
            return None
        backlog_may = bool(self._backlog) and self._backlog_on_way() < min(self._share, limit)
        from_backlog = backlog_may and not (self._fresh and self._turn_of_fresh)
        if not from_backlog and not self._fresh:
            return None
        self._turn_of_fresh = from_backlog
        capture_id = self._backlog.popleft() if from_backlog else self._fresh.popleft()[1]
        self._on_way[capture_id] = Sent(now, self._size_of(capture_id), self._attempts.pop(capture_id, 0), from_backlog)
        return capture_id

    def answered(self, capture_id: str, now: float, *, taken: bool) -> None:
        """The broker has answered: it took the capture, or refused it."""
        sent = self._on_way.get(capture_id)
        if sent is None:
            return
        first, longest = (
            (RECEIPT_SECONDS, LONGEST_RECEIPT_SECONDS) if taken else (REFUSED_SECONDS, LONGEST_REFUSED_SECONDS)
        )
        sent.again_at = now + min(first * 2.0**sent.attempt, longest)

    def settle(self, capture_id: str, now: float) -> None:
        """Somebody has answered for the capture, or it is gone: never publish it again."""
        sent = self._on_way.pop(capture_id, None)
        self._attempts.pop(capture_id, None)
        if sent is None:
            self._forget(capture_id)
        elif sent.from_backlog:
            self._adapt(now - sent.at, now)

    def again(self) -> None:
        """The brokers may have lost what they had: publish everything again that they had taken."""
        for capture_id in [key for key, sent in self._on_way.items() if sent.again_at is not None]:
            self._put_back(capture_id, attempt=0)

    def _age(self, now: float) -> None:
        while self._fresh and now - self._fresh[0][0] > FRESH_SECONDS:
            self._backlog.append(self._fresh.popleft()[1])
        if self.bridge_up is False:
            return
        late = [key for key, sent in self._on_way.items() if sent.again_at is not None and now >= sent.again_at]
        for capture_id in late:
            self._put_back(capture_id, attempt=self._on_way[capture_id].attempt + 1)

    def _put_back(self, capture_id: str, *, attempt: int) -> None:
        del self._on_way[capture_id]
        self._attempts[capture_id] = attempt
        self._backlog.append(capture_id) if attempt else self._backlog.appendleft(capture_id)

    def _backlog_on_way(self) -> int:
        return sum(1 for sent in self._on_way.values() if sent.from_backlog)

    def _adapt(self, took_seconds: float, now: float) -> None:
        if took_seconds <= SLOW_SECONDS:
            self._share = min(self._share + 1, float(self._limit))
        elif now - self._shrunk_at > took_seconds:  # once for all that were on their way together
            self._share = max(self._share / 2, LEAST_SHARE)
            self._shrunk_at = now

    def _forget(self, capture_id: str) -> None:
        """A receipt for what waits to go again: rare, so a search will do."""
        if capture_id in self._backlog:
            self._backlog.remove(capture_id)
