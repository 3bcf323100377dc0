"""A limit on how often something may happen."""

BURST_SECONDS = 30.0  # what may come at once


class TokenBucket:
    """So many a minute over time, half a minute's worth at once."""

    def __init__(self, per_minute: int) -> None:
        """Full at the start."""
        self._per_second = per_minute / 60
        self._most = max(1.0, self._per_second * BURST_SECONDS)
        self._tokens, self._filled_at = self._most, float("-inf")

    def take(self, seconds: float) -> bool:
        """One more, if there may be one at this time of the source."""
        if seconds > self._filled_at:
            gained = (seconds - self._filled_at) * self._per_second
            self._tokens, self._filled_at = min(self._most, self._tokens + gained), seconds
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
