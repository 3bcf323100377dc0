"""The state of the broker connection, as one snapshot."""

from dataclasses import dataclass
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
        return self.phase in {Phase.CONNECTED, Phase.SUBSCRIBED}

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
