"""When no visits are notified."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import Self

from common.contract.times import in_timezone

HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of day to another, perhaps over midnight."""

    begins: time
    ends: time
    timezone: str = ""

    @classmethod
    def parse(cls, text: str, timezone: str = "") -> Self | None:
        """Read `22:00-07:00`, or nothing; raises ValueError."""
        if not text.strip():
            return None
        found = HOURS.fullmatch(text.strip())
        if not found:
            raise ValueError("must be hours such as 22:00-07:00")
        numbers = [int(number) for number in found.groups()]
        return cls(time(numbers[0], numbers[1]), time(numbers[2], numbers[3]), timezone)

    def cover(self, now: datetime) -> bool:
        clock = in_timezone(now, self.timezone).time()
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends
