"""What was told already, and since when something is wrong that was not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from gallery.fleet.notifications.alarms import Check

FORGET = timedelta(days=60)


@dataclass(slots=True)
class Told:
    """For one thread."""

    alarms: dict[str, datetime] = field(default_factory=dict)  # by key: when it was told
    pending: dict[str, datetime] = field(default_factory=dict)  # by key: since when it is so

    def update(self, checks: Iterable[Check], after: timedelta, now: datetime) -> tuple[list[str], list[str]]:
        """Return what is to be told now: alarms, and what is good again. Who was not checked stays as he is."""
        alarms, good = [], []
        for check in checks:
            if check.alarm is None:
                self.pending.pop(check.key, None)
                if self.alarms.pop(check.key, None):
                    good.append(check.good)
            elif check.key not in self.alarms:
                since = self.pending.setdefault(check.key, check.since or now)
                if check.at_once or now - since >= after:
                    del self.pending[check.key]
                    self.alarms[check.key] = now
                    alarms.append(check.alarm)
        return alarms, good

    def to_json(self) -> dict[str, object]:
        return {"alarms": {key: moment.isoformat() for key, moment in self.alarms.items()}}

    @classmethod
    def of_json(cls, content: Mapping[str, Any], now: datetime) -> Self:
        """What is pending begins anew: how long it lasted while nobody looked is unknown."""
        alarms = {str(key): datetime.fromisoformat(moment) for key, moment in content["alarms"].items()}
        return cls({key: moment for key, moment in alarms.items() if now - moment < FORGET})
