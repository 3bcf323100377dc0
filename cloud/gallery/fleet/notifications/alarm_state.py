"""Which alarms are firing, and which are pending: wrong, but not for long enough."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from gallery.fleet.notifications.alarms import Check

MAX_AGE = timedelta(days=60)


@dataclass(slots=True)
class AlarmState:
    """For one thread."""

    firing: dict[str, datetime] = field(default_factory=dict)  # by key: when people were notified
    pending: dict[str, datetime] = field(default_factory=dict)  # by key: since when

    def update(self, checks: Iterable[Check], after: timedelta, now: datetime) -> tuple[list[str], list[str]]:
        """Return the new alarms and the messages of those that are over. What was not checked stays as it is."""
        alarms, resolved = [], []
        for check in checks:
            if check.alarm is None:
                self.pending.pop(check.key, None)
                if self.firing.pop(check.key, None):
                    resolved.append(check.resolved)
            elif check.key not in self.firing:
                since = self.pending.setdefault(check.key, check.since or now)
                if check.at_once or now - since >= after:
                    del self.pending[check.key]
                    self.firing[check.key] = now
                    alarms.append(check.alarm)
        return alarms, resolved

    def to_json(self) -> dict[str, object]:
        return {"firing": {key: at.isoformat() for key, at in self.firing.items()}}

    @classmethod
    def of_json(cls, content: Mapping[str, Any], now: datetime) -> Self:
        """What was pending starts over: nothing was checked in between."""
        firing = {str(key): datetime.fromisoformat(at) for key, at in content["firing"].items()}
        return cls({key: at for key, at in firing.items() if now - at < MAX_AGE})
