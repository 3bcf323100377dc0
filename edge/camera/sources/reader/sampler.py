"""Which frames are processed, and when they were taken on our clock."""

import time

CLOCKS_DIFFER_SECONDS = 5.0
MIN_STEP_SECONDS = 0.001
UNEVENNESS = 0.1  # of an interval: time stamps are rounded, and cameras are not quite even


class FrameSampler:
    """Picks at most `rate` frames a second, evenly, on the source's clock."""

    def __init__(self, rate: float) -> None:
        """`rate` in frames a second; it may be changed at any time."""
        self.rate = rate
        self._last_due = float("-inf")

    def accept(self, seconds: float) -> bool:
        """Take the frame of this time if one is due; tell whether it was taken."""
        interval = 1 / self.rate
        due = self._last_due + interval
        if seconds < due - interval * UNEVENNESS:
            return False
        self._last_due = due if seconds - due < interval else seconds
        return True


class ClockOffset:
    """Maps sources with their own clock, such as files, to ours, which never steps back when they are reopened."""

    def __init__(self, newest: float) -> None:
        """For one opening; `newest`: the time of the previous opening's last frame."""
        self._newest = newest
        self._offset: float | None = None

    def to_monotonic(self, seconds: float) -> float:
        """The source's time on our monotonic clock."""
        if self._offset is None:
            difference = time.monotonic() - seconds
            self._offset = difference if abs(difference) > CLOCKS_DIFFER_SECONDS else 0.0
            self._offset = max(self._offset, self._newest + MIN_STEP_SECONDS - seconds)
        return seconds + self._offset
