"""When a camera may look: SCHEDULE, and a pause from outside."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo

DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
ENTRY = re.compile(r"(?:([a-z]{2})(?:-([a-z]{2}))?/)?([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)")
PAUSE, RUN = "pause", "run"
EVERY_DAY = range(7)


@dataclass(frozen=True, slots=True)
class Span:
    """From one time of a day to another; one that ends before it begins ends on the next day."""

    days: frozenset[int]  # 0 is Monday; those on which it begins
    begins: time
    ends: time

    def covers(self, now: datetime) -> bool:
        """Whether a local time is in it."""
        clock, today, yesterday = now.time(), now.weekday(), (now - timedelta(days=1)).weekday()
        if self.begins < self.ends:
            return today in self.days and self.begins <= clock < self.ends
        return (today in self.days and clock >= self.begins) or (yesterday in self.days and clock < self.ends)


@dataclass(frozen=True, slots=True)
class Hours:
    """When to look; without any span, always."""

    spans: tuple[Span, ...] = ()
    paused: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `run`, `pause`, or hours such as `mo-fr/08:00-18:00,sa/10:00-14:00`; raises ValueError."""
        text = text.strip().lower()
        if text in {"", RUN}:
            return cls()
        if text == PAUSE:
            return cls(paused=True)
        return cls(tuple(_span(entry) for entry in text.split(",")))

    @classmethod
    def checked(cls, text: str) -> str:
        """Return a text that can be parsed; raises ValueError."""
        cls.parse(text)
        return text

    def open_at(self, moment: datetime, timezone: str) -> bool:
        """Whether to look at this moment (aware)."""
        if self.paused or not self.spans:
            return not self.paused
        local = moment.astimezone(ZoneInfo(timezone))
        return any(span.covers(local) for span in self.spans)


class Clock:
    """Tells whether a camera may look now: by its schedule, or by what was commanded since."""

    def __init__(self, schedule: str, timezone: str) -> None:
        """Both as the settings have them."""
        self._scheduled, self._timezone = Hours.parse(schedule), timezone
        self._commanded: Hours | None = None

    def command(self, text: str) -> None:
        """Follow a command: `pause`, `run`, hours, or nothing for the settings' hours again; raises ValueError."""
        self._commanded = Hours.parse(text) if text.strip() else None

    @property
    def may_look(self) -> bool:
        """Whether the camera may look now."""
        return (self._commanded or self._scheduled).open_at(datetime.now(UTC), self._timezone)

    @property
    def paused_by(self) -> Literal["command", "schedule"] | None:
        """What keeps the camera from looking now."""
        if self.may_look:
            return None
        return "command" if self._commanded else "schedule"


def zone(name: str) -> str:
    """Return the name of a time zone that is known; raises ValueError."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # unknown, or a folder of zones
        raise ValueError(f"{name} is no time zone") from error
    return name


def _span(entry: str) -> Span:
    found = ENTRY.fullmatch(entry)
    if found is None:
        raise ValueError(f"{entry} is no span of hours")
    first, last, *clock = found.groups()
    begins = time(int(clock[0]), int(clock[1]))
    ends = time(0, 0) if clock[2:] == ["24", "00"] else time(int(clock[2]), int(clock[3]))
    if begins == ends and clock[2] != "24":
        raise ValueError(f"{entry} has no length")
    return Span(_days(first, last), begins, ends)


def _days(first: str | None, last: str | None) -> frozenset[int]:
    if first is None:
        return frozenset(EVERY_DAY)
    begin, end = DAYS.index(first), DAYS.index(last or first)  # ValueError when there is no such day
    return frozenset((begin + step) % 7 for step in range((end - begin) % 7 + 1))
