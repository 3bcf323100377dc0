"""The state of the broker connection: one snapshot, and who replaces it."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

MAX_PENDING_PINGS = 6  # a minute of BROKER_CHECK_SECONDS; keep-alive finds a dead broker in half of that


class Phase(Enum):
    """How far the connection is."""

    CONNECTING = "connecting"
    CONNECTED = "connected"  # accepted: a session that exists already delivers before it is subscribed again
    SUBSCRIBED = "subscribed"
    UNUSABLE = "unusable"  # accepted, but without something that is needed; only another connection changes that
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Connection:
    """Replaced as a whole, so that threads never read a mixture of two states."""

    number: int = 0
    phase: Phase = Phase.CONNECTING
    last_ack_at: float | None = None  # monotonic; when the broker last granted the subscription
    pending_pings: int = 0
    problem: str | None = None

    @property
    def is_up(self) -> bool:
        return self.phase is Phase.SUBSCRIBED or self.phase is Phase.CONNECTED  # an enum's hash takes its time

    @property
    def is_stuck(self) -> bool:
        """Whether it is up, but the network thread no longer runs."""
        return self.is_up and self.pending_pings > MAX_PENDING_PINGS

    def describe_problem(self, address: str, now: float, max_silence_seconds: float) -> str | None:
        """Say what is wrong with the subscription, if anything is."""
        if self.phase is not Phase.SUBSCRIBED or self.last_ack_at is None:
            return f"not subscribed at the broker at {address}: {self.problem or 'it has not answered yet'}"
        silence = now - self.last_ack_at
        if silence > max_silence_seconds:
            return f"the broker at {address} has not answered for {silence:.0f} s"
        return None


class ConnectionState:
    """The connection as it is now; each event replaces the snapshot, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = Connection()

    @property
    def now(self) -> Connection:
        return self._now

    def begin(self, phase: Phase) -> None:
        """Count a new connection, so that nothing of the previous one can be acknowledged."""
        with self._lock:
            last = self._now
            self._now = Connection(last.number + 1, phase, pending_pings=last.pending_pings, problem=last.problem)

    @contextlib.contextmanager
    def held(self, number: int) -> Iterator[bool]:
        """Let no other connection begin during the `with`; yields whether this one is up."""
        with self._lock:
            yield self._now.is_up and self._now.number == number

    def record_accepted(self) -> None:
        """The broker accepted the connection."""
        with self._lock:
            self._now = replace(self._now, phase=Phase.CONNECTED, pending_pings=0)

    def record_unusable(self) -> None:
        """The broker accepted it, but lacks something that is needed."""
        with self._lock:
            self._now = replace(self._now, phase=Phase.UNUSABLE, pending_pings=0)

    def record_ping(self) -> bool:
        """Count a ping, if there is a connection for it; return whether there is."""
        with self._lock:
            if self._now.is_up:
                self._now = replace(self._now, pending_pings=self._now.pending_pings + 1)
            return self._now.is_up

    def record_answer(self) -> None:
        """The broker answered, whatever it says: the network thread runs."""
        with self._lock:
            self._now = replace(self._now, pending_pings=0)

    def record_subscribed(self, now: float) -> None:
        """The broker granted the subscription."""
        with self._lock:
            self._now = replace(self._now, phase=Phase.SUBSCRIBED, last_ack_at=now, problem=None)

    def record_problem(self, problem: str) -> None:
        """Nothing arrives, and this is why."""
        with self._lock:
            self._now = replace(self._now, problem=problem)
