"""Which capture is published next, and which must be published again. Decides; touches nothing.

Oldest first, but a fresh capture does not wait behind a backlog: fresh ones and the backlog take turns, and
the backlog's share of the window follows the time that receipts take, so that what a slow link still has to
carry ahead of a fresh capture stays worth about `SLOW_SECONDS` (additive increase, multiplicative decrease, as
TCP's congestion avoidance).

A receipt is missing for one of two reasons. If captures that were sent later have theirs, the capture was lost and
goes again. If nobody gets any, the link or S3 is away, the brokers still hold what they took, and copies would only
fill their memory: then a single capture goes again as a probe, ever less often. (The bridge's state does not tell:
Mosquitto 2.0 leaves it at 1 when a link swallows packets.)
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

FRESH_SECONDS = 30.0  # older captures belong to the backlog
SLOW_SECONDS = 2.0  # a receipt that takes longer halves the backlog's share
FIRST_SHARE, LEAST_SHARE = 8.0, 2.0
RECEIPT_SECONDS, LONGEST_RECEIPT_SECONDS = 30.0, 600.0  # patience with a missing receipt, doubled each time
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
    taken: bool = False  # the broker holds it, or has passed it on


class Window:
    """The captures that wait and those on their way. All times are monotonic seconds."""

    def __init__(self, limit: int, waiting: Iterable[str] = (), size_of: Callable[[str], int] = lambda _: 0) -> None:
        """`limit`: the most captures on their way; `waiting`: ids from an earlier run, oldest first; sizes in bytes."""
        self.bridge_up: bool | None = None  # None: nobody says, then it counts as up
        self._limit, self._size_of = limit, size_of
        self._backlog = deque(waiting)
        self._fresh: deque[tuple[float, str]] = deque()
        self._missed: deque[str] = deque()  # sent, and to be sent again
        self._on_way: dict[str, Sent] = {}
        self._attempts: dict[str, int] = {}
        self._share = min(FIRST_SHARE, float(limit))
        self._shrunk_at = float("-inf")
        self._turn_of_fresh = True
        self._newest_settled = float("-inf")  # when the youngest capture with an answer was sent
        self._probe_at, self._probe_pause = float("-inf"), RECEIPT_SECONDS

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
        if self._missed:
            return self._send(self._missed.popleft(), now, from_backlog=False)
        backlog_may = bool(self._backlog) and self._backlog_on_way() < min(self._share, limit)
        if backlog_may and not (self._fresh and self._turn_of_fresh):
            self._turn_of_fresh = True
            return self._send(self._backlog.popleft(), now, from_backlog=True)
        if self._fresh:
            self._turn_of_fresh = False
            return self._send(self._fresh.popleft()[1], now, from_backlog=False)
        return None

    def answered(self, capture_id: str, now: float, *, taken: bool) -> None:
        """The broker has answered: it took the capture, or refused it."""
        sent = self._on_way.get(capture_id)
        if sent is None:
            return
        first, longest = (
            (RECEIPT_SECONDS, LONGEST_RECEIPT_SECONDS) if taken else (REFUSED_SECONDS, LONGEST_REFUSED_SECONDS)
        )
        sent.taken = taken
        sent.again_at = now + min(first * 2.0**sent.attempt, longest)

    def settle(self, capture_id: str, now: float) -> None:
        """Somebody has answered for the capture, or it is gone: never publish it again."""
        sent = self._on_way.pop(capture_id, None)
        self._attempts.pop(capture_id, None)
        if sent is None:
            self._forget(capture_id)
            return
        self._newest_settled = max(self._newest_settled, sent.at)
        self._probe_at, self._probe_pause = float("-inf"), RECEIPT_SECONDS
        if sent.from_backlog:
            self._adapt(now - sent.at, now)

    def again(self) -> None:
        """The brokers may have lost what they had: publish everything again that they had taken."""
        answered = [key for key, sent in self._on_way.items() if sent.again_at is not None]
        for capture_id in answered:
            del self._on_way[capture_id]
        self._backlog.extendleft(reversed(answered))

    def _age(self, now: float) -> None:
        while self._fresh and now - self._fresh[0][0] > FRESH_SECONDS:
            self._backlog.append(self._fresh.popleft()[1])
        if self.bridge_up is False:
            return
        for capture_id in self._missing(now):
            self._attempts[capture_id] = self._on_way.pop(capture_id).attempt + 1
            self._missed.append(capture_id)

    def _missing(self, now: float) -> list[str]:
        """What goes again: what was lost or refused, else one probe."""
        late = {key: sent for key, sent in self._on_way.items() if sent.again_at is not None and now >= sent.again_at}
        lost = [key for key, sent in late.items() if not sent.taken or sent.at < self._newest_settled]
        if lost or not late or now < self._probe_at:
            return lost
        self._probe_at = now + self._probe_pause
        self._probe_pause = min(self._probe_pause * 2, LONGEST_RECEIPT_SECONDS)
        return [next(iter(late))]

    def _send(self, capture_id: str, now: float, *, from_backlog: bool) -> str:
        attempt = self._attempts.pop(capture_id, 0)
        self._on_way[capture_id] = Sent(now, self._size_of(capture_id), attempt, from_backlog)
        return capture_id

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
        for waiting in (self._missed, self._backlog):
            if capture_id in waiting:
                waiting.remove(capture_id)
