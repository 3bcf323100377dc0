"""Whether a picture without anything in it is a surprise: not at night, not at dusk, not where lamps go out daily."""

from collections import deque
from datetime import datetime

from camera.pipeline.tampering.dark_hours import DarkHours
from common.contract.status import Blindness

BLACK = 24.0  # brightness, of 255
DIM_SHARE = 0.35  # of the usual brightness
LIT = 40.0
HISTORY_SECONDS = 20.0  # dusk takes longer
SPELL_SECONDS = 180.0  # so long it is dark where a lamp went out, and these are dark hours


class Darkness:
    """Follows how light it is."""

    def __init__(self, hours: DarkHours) -> None:
        self._hours = hours
        self._now = 0.0
        self._recent = deque[tuple[float, float]]()  # times and brightness
        self._since: float | None = None
        self._is_surprise = False

    def judge(self, brightness: float, usual: float, elapsed: float, at: datetime) -> Blindness | None:
        """Judge a picture without anything in it; brightness in grey levels, `elapsed`: seconds since the last one."""
        self._now += elapsed
        if brightness >= max(BLACK, DIM_SHARE * usual):
            return Blindness.COVERED
        if self._since is None:
            self._since = self._now
            self._is_surprise = self._was_lit() and not self._hours.is_often_dark(at)
        self._is_surprise = self._is_surprise or self._hours.should_be_light(at)
        if self._now - self._since >= SPELL_SECONDS:
            self._hours.add(at, dark=True)
        if not self._is_surprise:
            return None
        return Blindness.DARK if brightness < BLACK else Blindness.COVERED

    def end(self, brightness: float, elapsed: float, at: datetime) -> None:
        """Take note of a picture with something in it; arguments as those of `judge`."""
        self._now += elapsed
        self._since, self._is_surprise = None, False
        self._recent.append((self._now, brightness))
        while self._recent[0][0] < self._now - HISTORY_SECONDS:
            self._recent.popleft()
        if brightness >= LIT:
            self._hours.add(at, dark=False)

    def _was_lit(self) -> bool:
        """Whether it was light for as long as is remembered."""
        return bool(self._recent) and min(brightness for _, brightness in self._recent) >= LIT
