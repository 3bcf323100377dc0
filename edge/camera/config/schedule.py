"""When a camera runs: SCHEDULE, and commands that override it."""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from typing import Literal, Self

from common.contract.times import in_timezone

DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
ENTRY = re.compile(r"(?:([a-z]{2})(?:-([a-z]{2}))?/)?([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)")
PAUSE, RUN = "pause", "run"
EVERY_DAY = range(7)
MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From one time of day to another; one that ends before it begins ends on the next day."""

    days: frozenset[int]  # 0 is Monday; the days on which it begins
    begins: time_of_day
    ends: time_of_day

    def covers(self, now: datetime) -> bool:
        """Whether a local time is within this range."""
        clock, today, yesterday = now.time(), now.weekday(), (now - timedelta(days=1)).weekday()
        if self.begins < self.ends:
            return today in self.days and self.begins <= clock < self.ends
        return (today in self.days and clock >= self.begins) or (yesterday in self.days and clock < self.ends)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a camera runs; without any range, always."""

    ranges: tuple[TimeRange, ...] = ()
    paused: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `run`, `pause`, or ranges such as `mo-fr/08:00-18:00,sa/10:00-14:00`; raises ValueError."""
        text = text.strip().lower()
        if text in {"", RUN}:
            return cls()
        if text == PAUSE:
            return cls(paused=True)
        return cls(tuple(_time_range(entry) for entry in text.split(",")))

    def is_active_at(self, now: datetime, timezone: str) -> bool:
        """Whether the camera runs at this time (aware)."""
        if self.paused or not self.ranges:
            return not self.paused
        local = in_timezone(now, timezone)
        return any(time_range.covers(local) for time_range in self.ranges)

    def next_start(self, now: datetime, timezone: str) -> datetime | None:
        """When the camera will run again; None if it has no such time."""
        if self.paused or not self.ranges:
            return None
        local = in_timezone(now, timezone)
        days = [local.date() + timedelta(days=ahead) for ahead in range(len(DAYS) + 1)]
        starts = (
            datetime.combine(day, time_range.begins, local.tzinfo)
            for day in days
            for time_range in self.ranges
            if day.weekday() in time_range.days
        )
        return min((start.astimezone(UTC) for start in starts if start > local), default=None)


@dataclass(frozen=True, slots=True)
class Activity:
    """Whether a camera may run, by a schedule in one minute."""

    schedule: Schedule
    minute: int  # of the system clock
    is_active: bool
    paused_at: datetime | None  # None while it is active


class ScheduleController:
    """Decides whether a camera runs now: by its schedule, or by the command that overrides it."""

    def __init__(self, schedule: str, timezone: str) -> None:
        """Both as the settings have them."""
        self._schedule, self._timezone = Schedule.parse(schedule), timezone
        self._override: Schedule | None = None
        self._activity = self._activity_at(time.time(), None)

    def override(self, text: str) -> None:
        """Apply a command: `pause`, `run`, time ranges, or empty to return to SCHEDULE; raises ValueError."""
        self._override = Schedule.parse(text) if text.strip() else None
        self.update()

    def update(self) -> None:
        """Follow the clock. Cheap enough for every frame: a schedule changes by the minute only."""
        last, now = self._activity, time.time()
        if self._current is not last.schedule or int(now // MINUTE_SECONDS) != last.minute:
            self._activity = self._activity_at(now, last.paused_at)

    def is_active(self) -> bool:
        """Whether the camera may run, as of the last update."""
        return self._activity.is_active

    def pause_reason(self) -> Literal["command", "schedule"] | None:
        """What keeps the camera from running."""
        if self.is_active():
            return None
        return "command" if self._override else "schedule"

    def pause_span(self) -> tuple[datetime | None, datetime | None]:
        """Since when the camera does not run, and until when by the schedule that holds; None for unknown."""
        activity = self._activity
        if activity.is_active:
            return None, None
        return activity.paused_at, activity.schedule.next_start(datetime.now(UTC), self._timezone)

    @property
    def _current(self) -> Schedule:
        return self._override or self._schedule

    def _activity_at(self, seconds: float, paused_at: datetime | None) -> Activity:
        schedule, now = self._current, datetime.fromtimestamp(seconds, UTC)
        is_active = schedule.is_active_at(now, self._timezone)
        return Activity(schedule, int(seconds // MINUTE_SECONDS), is_active, None if is_active else paused_at or now)


def valid_schedule(text: str) -> str:
    """Return a text that is a schedule; raises ValueError."""
    Schedule.parse(text)
    return text


def _time_range(entry: str) -> TimeRange:
    found = ENTRY.fullmatch(entry)
    if found is None:
        raise ValueError(f"{entry} is not a time range")
    first, last, *clock = found.groups()
    begins = time_of_day(int(clock[0]), int(clock[1]))
    ends = time_of_day(0, 0) if clock[2:] == ["24", "00"] else time_of_day(int(clock[2]), int(clock[3]))
    if begins == ends and clock[2] != "24":
        raise ValueError(f"{entry} has no length")
    return TimeRange(_days(first, last), begins, ends)


def _days(first: str | None, last: str | None) -> frozenset[int]:
    if first is None:
        return frozenset(EVERY_DAY)
    begin, end = DAYS.index(first), DAYS.index(last or first)  # ValueError when there is no such day
    return frozenset((begin + step) % 7 for step in range((end - begin) % 7 + 1))
