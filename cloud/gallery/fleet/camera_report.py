"""A camera's status message, read as what it is: something that an edge may have made up."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from common.contract.times import timestamp, timestamp_of

MAX_BYTES = 8192  # a camera writes less than 1 KB
MAX_TEXT = 300
MAX_COUNT = 10**9


class InvalidReportError(Exception):
    """A message that no camera writes."""


@dataclass(frozen=True, slots=True)
class CameraReport:
    """What a camera reported; None for what it left out."""

    online: bool
    at: datetime | None = None  # by the edge's clock
    state: str | None = None
    problem: str | None = None
    blind: str | None = None
    blind_since: datetime | None = None
    last_captured_at: datetime | None = None
    waiting: int | None = None
    dropped: int | None = None
    version: str | None = None

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Raises InvalidReportError."""
        if len(payload) > MAX_BYTES:
            raise InvalidReportError("it is too long")
        try:
            content = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise InvalidReportError("it is not JSON") from error
        if not isinstance(content, dict):
            raise InvalidReportError("it is not an object")
        return cls.of(content)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Take what can be understood."""
        return cls(
            online=content.get("online") is True,
            at=timestamp_of(content.get("at")),
            state=_text(content.get("state")),
            problem=_text(content.get("problem")),
            blind=_text(content.get("blind")),
            blind_since=timestamp_of(content.get("blind_since")),
            last_captured_at=timestamp_of(content.get("last_captured_at")),
            waiting=_count(content.get("waiting")),
            dropped=_count(content.get("dropped")),
            version=_text(content.get("version")),
        )

    def to_dict(self) -> dict[str, object]:
        """For JSON: times as the contract writes them, and nothing that is None."""
        return {
            name: timestamp(value) if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
            if value is not None
        }


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return value[:MAX_TEXT].encode("utf-8", "replace").decode()


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_COUNT else None
