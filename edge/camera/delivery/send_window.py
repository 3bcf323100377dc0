"""Which capture is published next, and which must be published again. Decides; touches nothing.

Oldest first, but a fresh capture does not wait behind a backlog: fresh ones and the backlog take turns. The backlog's
quota of the window follows the time that receipts take (additive increase, multiplicative decrease, as in TCP's
congestion avoidance). So what a slow link must still carry ahead of a fresh capture stays worth about `SLOW_SECONDS`.

A receipt is missing for one of two reasons. If captures that were published later have theirs, the capture was lost and
is published again. If none arrive at all, the link or S3 is down. The brokers still hold what they accepted, and
copies would only fill their memory. Then a single capture is published again as a probe, less and less often.
(The bridge's state does not tell: Mosquitto 2.0 leaves it at 1 when a link swallows packets.)
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from camera.delivery.delivery_status import Bridge

FRESH_SECONDS = 30.0  # older captures belong to the backlog
SLOW_SECONDS = 2.0  # a receipt that takes longer halves the backlog's quota
INITIAL_QUOTA, MIN_QUOTA = 8.0, 2.0
RECEIPT_SECONDS, MAX_RECEIPT_SECONDS = 30.0, 600.0  # how long to wait for a receipt, doubled each time
REFUSED_SECONDS, MAX_REFUSED_SECONDS = 5.0, 300.0  # how long to wait after the broker refused, doubled each time
MAX_IN_FLIGHT_BYTES = 32_000_000  # a broker holds them in memory, and whole frames are large
MIN_QUEUED = 10_000  # ids that may wait before it is looked which of them a full spool has dropped
LIMIT_WHILE_BRIDGE_IS_DOWN = 1  # one capture waits in the broker, the others on disk


@dataclass(slots=True)
class InFlight:
    """A capture that was published and not completed."""

    published_at: float  # seconds, monotonic
    size: int  # bytes
    attempt: int  # from 0
    from_backlog: bool
    retry_at: float | None = None  # set once the broker has acknowledged
    accepted: bool = False  # the broker holds it, or has passed it on


class SendWindow:
    """The captures that wait and those in flight. All times are monotonic seconds."""

    def __init__(self, limit: int, waiting: Iterable[str] = (), size_of: Callable[[str], int] = lambda _: 1) -> None:
        """`limit`: the most captures in flight; `waiting`: ids from an earlier run, oldest first.

        `size_of` says how many bytes a capture has; 0 if it is gone.
        """
        self._limit, self._size_of = limit, size_of
        self._bridge_is_down = False
        self._backlog = deque(waiting)
        self._fresh: deque[tuple[float, str]] = deque()
        self._overdue: deque[str] = deque()  # published, and to be published again
        self._in_flight: dict[str, InFlight] = {}
        self._attempts: dict[str, int] = {}
        self._backlog_quota = min(INITIAL_QUOTA, float(limit))
        self._quota_halved_at = float("-inf")
        self._turn_of_fresh = True
        self._max_queued = MIN_QUEUED
        self._newest_completed = float("-inf")  # when the latest of all completed captures was published
        self._probe_at, self._probe_delay = float("-inf"), RECEIPT_SECONDS

    @property
    def in_flight(self) -> int:
        """How many captures are published and not completed."""
        return len(self._in_flight)

    def add(self, capture_id: str, now: float) -> None:
        """Add a new capture."""
        self._fresh.append((now, capture_id))
        if len(self._fresh) + len(self._backlog) > self._max_queued:
            self._forget_dropped()

    def pop_next(self, now: float) -> str | None:
        """Take the capture to publish now, if any; it is in flight from here on."""
        self._update_queues(now)
        if not (self._overdue or self._backlog or self._fresh):
            return None
        limit = LIMIT_WHILE_BRIDGE_IS_DOWN if self._bridge_is_down else self._limit
        if len(self._in_flight) >= limit or self._in_flight_bytes() >= MAX_IN_FLIGHT_BYTES:
            return None
        if self._overdue:
            return self._launch(self._overdue.popleft(), now, from_backlog=False)
        backlog_may = bool(self._backlog) and self._backlog_in_flight() < min(self._backlog_quota, limit)
        if backlog_may and not (self._fresh and self._turn_of_fresh):
            self._turn_of_fresh = True
            return self._launch(self._backlog.popleft(), now, from_backlog=True)
        if self._fresh:
            self._turn_of_fresh = False
            return self._launch(self._fresh.popleft()[1], now, from_backlog=False)
        return None

    def acknowledge(self, capture_id: str, now: float, *, accepted: bool) -> None:
        """The broker has acknowledged the capture: accepted it, or refused it."""
        flight = self._in_flight.get(capture_id)
        if flight is None:
            return
        initial, longest = (
            (RECEIPT_SECONDS, MAX_RECEIPT_SECONDS) if accepted else (REFUSED_SECONDS, MAX_REFUSED_SECONDS)
        )
        flight.accepted = accepted
        flight.retry_at = now + min(initial * 2.0**flight.attempt, longest)

    def complete(self, capture_id: str, now: float) -> None:
        """The capture has its receipt, or is gone: never publish it again."""
        flight = self._in_flight.pop(capture_id, None)
        self._attempts.pop(capture_id, None)
        if flight is None:
            self._drop_queued(capture_id)
            return
        self._newest_completed = max(self._newest_completed, flight.published_at)
        self._probe_at, self._probe_delay = float("-inf"), RECEIPT_SECONDS
        if flight.from_backlog:
            self._adjust_quota(now - flight.published_at, now)

    def due_at(self) -> float:
        """When `pop_next`, which has just returned None, may return something without further news; inf if never."""
        if self._bridge_is_down:
            return float("inf")
        return min([self._due_at(flight) for flight in self._in_flight.values()], default=float("inf"))

    def update_bridge(self, bridge: Bridge) -> None:
        """Hold back while the bridge is down; what was acknowledged by then is published again when it is back."""
        if bridge is Bridge.UP and self._bridge_is_down:
            self.requeue_acknowledged()
        self._bridge_is_down = bridge is Bridge.DOWN

    def requeue_acknowledged(self) -> None:
        """The brokers may have lost what they acknowledged: publish all of it again."""
        acknowledged = [key for key, flight in self._in_flight.items() if flight.retry_at is not None]
        for capture_id in acknowledged:
            del self._in_flight[capture_id]
        self._backlog.extendleft(reversed(acknowledged))

    def _forget_dropped(self) -> None:
        """Forget what a full spool has dropped: during an outage nothing else does."""
        self._backlog = deque(capture_id for capture_id in self._backlog if self._size_of(capture_id))
        self._fresh = deque((at, capture_id) for at, capture_id in self._fresh if self._size_of(capture_id))
        self._max_queued = max(MIN_QUEUED, 2 * (len(self._fresh) + len(self._backlog)))

    def _update_queues(self, now: float) -> None:
        while self._fresh and now - self._fresh[0][0] > FRESH_SECONDS:
            self._backlog.append(self._fresh.popleft()[1])
        if self._bridge_is_down:
            return
        for capture_id in self._find_overdue(now):
            self._attempts[capture_id] = self._in_flight.pop(capture_id).attempt + 1
            self._overdue.append(capture_id)

    def _find_overdue(self, now: float) -> list[str]:
        """What must be published again: what was lost or refused, else one probe."""
        late = {key: f for key, f in self._in_flight.items() if f.retry_at is not None and now >= f.retry_at}
        lost = [key for key, flight in late.items() if self._is_lost(flight)]
        if lost or not late or now < self._probe_at:
            return lost
        self._probe_at = now + self._probe_delay
        self._probe_delay = min(self._probe_delay * 2, MAX_RECEIPT_SECONDS)
        return [next(iter(late))]

    def _is_lost(self, flight: InFlight) -> bool:
        """Whether its time is all that it waits for; else it may be the next probe."""
        return not flight.accepted or flight.published_at < self._newest_completed

    def _due_at(self, flight: InFlight) -> float:
        if flight.retry_at is None:
            return float("inf")
        return flight.retry_at if self._is_lost(flight) else max(flight.retry_at, self._probe_at)

    def _launch(self, capture_id: str, now: float, *, from_backlog: bool) -> str:
        attempt = self._attempts.pop(capture_id, 0)
        self._in_flight[capture_id] = InFlight(now, self._size_of(capture_id), attempt, from_backlog)
        return capture_id

    def _in_flight_bytes(self) -> int:
        return sum([flight.size for flight in self._in_flight.values()])

    def _backlog_in_flight(self) -> int:
        return sum(1 for flight in self._in_flight.values() if flight.from_backlog)

    def _adjust_quota(self, receipt_seconds: float, now: float) -> None:
        if receipt_seconds <= SLOW_SECONDS:
            self._backlog_quota = min(self._backlog_quota + 1, float(self._limit))
        elif now - self._quota_halved_at > receipt_seconds:  # once for all that were in flight together
            self._backlog_quota = max(self._backlog_quota / 2, MIN_QUOTA)
            self._quota_halved_at = now

    def _drop_queued(self, capture_id: str) -> None:
        """A receipt for a capture that waits to be published again: rare, so a linear search will do."""
        for queue in (self._overdue, self._backlog):
            if capture_id in queue:
                queue.remove(capture_id)
