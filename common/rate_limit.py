"""A limit on how often something may happen."""

BURST_SECONDS = 30.0  # this much of the rate may be used at once


class TokenBucket:
    """A number per minute over time; up to half a minute's worth at once."""

    def __init__(self, per_minute: int) -> None:
        """Start with a full bucket."""
        self._per_second = per_minute / 60
        self._capacity = max(1.0, self._per_second * BURST_SECONDS)
        self._tokens, self._refilled_at = self._capacity, float("-inf")

    def try_acquire(self, now: float) -> bool:
        """Take one token if there is one at `now`, in seconds of the caller's clock."""
        if now > self._refilled_at:
            gained = (now - self._refilled_at) * self._per_second
            self._tokens, self._refilled_at = min(self._capacity, self._tokens + gained), now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
