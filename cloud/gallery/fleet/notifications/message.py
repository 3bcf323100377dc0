"""One message to people, as it waits to be sent."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

VISIT_LASTS, ALARM_LASTS = timedelta(hours=1), timedelta(hours=24)


class Kind(StrEnum):
    """What a message is about; the services colour it by that."""

    VISIT = "info"
    ALARM = "warning"
    BACK = "success"


@dataclass(frozen=True, slots=True)
class Message:
    """A title, what else there is to say, and the key of a picture."""

    kind: Kind
    title: str
    body: str
    created_at: datetime  # aware, UTC
    services: tuple[str, ...]  # that have not taken it yet
    key: str | None = None
    sending: bool = False  # whether a service is just being asked: after a crash it may have it or not

    def is_stale(self, now: datetime) -> bool:
        """Whether it is news no longer."""
        return now - self.created_at > (VISIT_LASTS if self.kind is Kind.VISIT else ALARM_LASTS)

    def without(self, service: str) -> Self:
        """The message once this service is done with."""
        return replace(self, services=tuple(name for name in self.services if name != service), sending=False)

    def to_json(self) -> dict[str, object]:
        return {**asdict(self), "kind": self.kind.value, "created_at": self.created_at.isoformat()}

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> Self:
        """Raises ValueError, KeyError or TypeError."""
        key = content.get("key")
        return cls(
            Kind(content["kind"]),
            str(content["title"]),
            str(content["body"]),
            datetime.fromisoformat(content["created_at"]),
            tuple(map(str, content["services"])),
            str(key) if key else None,
            sending=content.get("sending") is True,
        )
