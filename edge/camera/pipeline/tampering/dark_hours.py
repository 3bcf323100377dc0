"""At which hours it was dark lately: learned from the pictures, kept over restarts."""

import contextlib
import json
import logging
from datetime import date, datetime, timedelta
from pathlib import Path

from common.runtime.files import atomic_write

log = logging.getLogger(__name__)

HOURS = 24
REMEMBER = timedelta(days=7)
MARGIN_HOURS = 2  # lamps go on and off at other times than yesterday
ENOUGH_DAYS = 2  # of light at an hour, until darkness at its beginning is a surprise


class DarkHours:
    """Hours are UTC's: what counts is that each is the same as yesterday."""

    def __init__(self, file: Path | None = None) -> None:
        """Without a file nothing is kept."""
        self._file = file
        self._dark: dict[int, date] = {}  # by hour: the last day on which it was dark
        self._light: dict[int, list[date]] = {}  # by hour: the last days on which it was light
        self._read()

    def add(self, at: datetime, *, dark: bool) -> None:
        """Remember that it was dark or light."""
        hour, day = at.hour, at.date()
        if dark and self._dark.get(hour) != day:
            self._dark[hour] = day
            self._write()
        days = self._light.setdefault(hour, [])
        if not dark and day not in days:
            self._light[hour] = [*days, day][-ENOUGH_DAYS:]
            self._write()

    def is_often_dark(self, at: datetime) -> bool:
        """Whether it was dark about this hour on one of the last days."""
        hours = {(at.hour + shift) % HOURS for shift in range(-MARGIN_HOURS, MARGIN_HOURS + 1)}
        return any(self._was_dark(hour, at.date()) for hour in hours)

    def should_be_light(self, at: datetime) -> bool:
        """Whether it was light at this hour on the last days, and dark on none."""
        lit = [day for day in self._light.get(at.hour, ()) if timedelta() < at.date() - day <= REMEMBER]
        return len(lit) >= ENOUGH_DAYS and not self._was_dark(at.hour, at.date())

    def _was_dark(self, hour: int, today: date) -> bool:
        return hour in self._dark and today - self._dark[hour] <= REMEMBER

    def _read(self) -> None:
        if self._file is None:
            return
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
            content = json.loads(self._file.read_text(encoding="utf-8"))
            dark = {int(hour): date.fromisoformat(day) for hour, day in content["dark"].items()}
            light = {int(hour): [date.fromisoformat(day) for day in days] for hour, days in content["light"].items()}
            self._dark, self._light = dark, light

    def _write(self) -> None:
        if self._file is None:
            return
        content = {
            "dark": {hour: str(day) for hour, day in self._dark.items()},
            "light": {hour: [str(day) for day in days] for hour, days in self._light.items()},
        }
        try:
            atomic_write(self._file, json.dumps(content).encode(), durable=False)
        except OSError as error:
            log.warning("The dark hours cannot be noted in %s: %s", self._file, error.strerror)
