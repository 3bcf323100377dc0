"""How the contract writes times: UTC, to the millisecond, in two spellings."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
COMPACT = re.compile(r"\d{8}T\d{6}\.\d{3}Z", re.ASCII)


def whole_milliseconds(moment: datetime) -> datetime:
    """Return the moment in UTC without the microseconds that the contract cannot carry."""
    return moment.astimezone(UTC).replace(microsecond=_milliseconds(moment) * 1000)


@lru_cache
def timestamp(moment: datetime) -> str:
    """RFC 3339, as properties and metadata have it: `2026-11-22T06:33:25.123Z`."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{utc.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def parse_timestamp(text: str) -> datetime:
    """Parse what `timestamp` writes and nothing else; raises ValueError."""
    return _parse(text, TIMESTAMP)


def timestamp_of(value: object) -> datetime | None:
    """Read a time that somebody else wrote; None for whatever `timestamp` does not write."""
    try:
        return parse_timestamp(value) if isinstance(value, str) else None
    except ValueError:
        return None


def valid_timezone(name: str) -> str:
    """Return the name of a known time zone, or nothing for the host's; raises ValueError."""
    try:
        if name:
            ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # unknown, or a folder of zones
        raise ValueError("must be a time zone such as Europe/Berlin") from error
    return name


def in_timezone(moment: datetime, name: str) -> datetime:
    """The moment on the clock of a time zone; an empty name is the host's."""
    return moment.astimezone(ZoneInfo(name) if name else None)


def compact(moment: datetime) -> str:
    """ISO 8601's basic format, as ids have it: `20261122T063325.123Z`."""
    return timestamp(moment).replace("-", "").replace(":", "")


def parse_compact(text: str) -> datetime:
    """Parse what `compact` writes and nothing else; raises ValueError."""
    return _parse(text, COMPACT)


def _parse(text: str, pattern: re.Pattern[str]) -> datetime:
    if not pattern.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a time of the contract")
    return datetime.fromisoformat(text)


def _milliseconds(moment: datetime) -> int:
    return moment.microsecond // 1000
