"""One message to people, as it waits to be sent."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

MAX_VISIT_AGE, MAX_ALARM_AGE = timedelta(hours=1), timedelta(hours=24)


class Kind(StrEnum):
    """What a message is about; the services colour it by that."""

    VISIT = "info"
    ALARM = "warning"
    RESOLVED = "success"


@dataclass(frozen=True, slots=True)
class Message:
    """A title, what else there is to say, and the key of a picture."""

    kind: Kind
    title: str
    body: str
    created_at: datetime  # aware, UTC
    services: tuple[str, ...]  # that have not taken it yet
    key: str | None = None
    sending: bool = False  # whether it is being sent: after a crash, a service may have it or not

    def is_stale(self, now: datetime) -> bool:
        """Whether it is too old to be sent."""
        return now - self.created_at > (MAX_VISIT_AGE if self.kind is Kind.VISIT else MAX_ALARM_AGE)

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
