"""How a key is parsed: what S3_KEY_TEMPLATE tells about it."""

import functools
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from common.contract.capture import CAPTURE_ID, CaptureId
from storage.keys.segments import (
    DatePrefix,
    MixedSegment,
    Part,
    Text,
    TimeSegment,
    folder_segments,
    segments_to_date,
    template_parts,
)
from storage.keys.template import EXTENSIONS, MAX_KEY_BYTES

ID = CAPTURE_ID.pattern
# strftime directives whose values sort as times do when they go from coarse to fine, and what they match.
SORTED = {"Y": r"\d{4}", "m": r"\d{2}", "d": r"\d{2}", "H": r"\d{2}", "M": r"\d{2}", "S": r"\d{2}", "f": r"\d{6}"}
ORDER = "YmdHMSf"
SUFFIX = rf"(?:-(?:[0-9a-f]{{8}}|{ID}))?"  # of a capture whose key was taken

NAME = r"[^/]{1,63}?"  # of an edge or camera
UNFORMATTED = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{6})?\+00:00"  # {captured_at} alone
MAX_ALTERNATIVES = 12  # as many as there are months
# Moments that show every name, and the shortest and longest number, that a directive can write.
MOMENTS = [
    *(datetime(2024, 1, 1, tzinfo=UTC) + number * timedelta(hours=25, minutes=1) for number in range(366)),
    *(datetime(year, 1, 1, tzinfo=UTC) for year in range(2002, 2100)),
]


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """What a key tells about its capture; None for what it does not tell."""

    edge: str | None
    camera: str | None
    day: date | None  # in UTC
    captured_at: datetime | None  # aware, UTC


class KeyParser:
    """Parses the keys that one template made."""

    def __init__(self, template: str) -> None:
        """`template` is a valid S3_KEY_TEMPLATE."""
        parts = list(template_parts(template))
        self.segments = list(folder_segments(parts))
        if not self.by_day:
            self.segments = segments_to_date(parts) or self.segments
        self._pattern = re.compile(_pattern(parts))

    @property
    def by_day(self) -> bool:
        """Whether prefixes lead to a day."""
        if self.segments and isinstance(self.segments[-1], DatePrefix):
            return True
        formats = "".join(segment.format for segment in self.segments if isinstance(segment, TimeSegment))
        directives = re.findall("%(.)", formats)
        if any(isinstance(segment, MixedSegment) for segment in self.segments):
            return False
        return directives[:3] == ["Y", "m", "d"] and directives == list(ORDER[: len(directives)])

    def parse(self, key: str) -> ParsedKey | None:
        """What the key tells; None if the template cannot have made it, or S3 cannot have it."""
        if len(key.encode("utf-8", "replace")) > MAX_KEY_BYTES:
            return None
        found = self._pattern.fullmatch(key)
        return _parsed(found.groupdict()) if found else None


def _pattern(parts: list[Part]) -> str:
    """A regular expression that matches whole keys."""
    seen: set[str] = set()
    pattern = "".join(_piece(part, seen) for part in parts)
    for extension in EXTENSIONS:
        if pattern.endswith(re.escape(extension)):  # the uploader writes the one that fits
            return pattern.removesuffix(re.escape(extension)) + SUFFIX + r"\.(?:png|jpg|jpeg)"
    return pattern + SUFFIX


def _piece(part: Part, seen: set[str]) -> str:
    if isinstance(part, Text):
        return re.escape(part.text)
    if part.name == "captured_at":
        directives = re.sub(r"%(.)|([^%]+)", lambda found: _directive(found, seen), part.format)
        return directives or UNFORMATTED
    return _group(part.name, ID if part.name == "id" else NAME, seen)


def _directive(found: re.Match[str], seen: set[str]) -> str:
    if found[2] or found[1] not in SORTED:
        return re.escape(found[2]) if found[2] else _written(found[1])
    return _group(f"at_{found[1]}", SORTED[found[1]], seen)


@functools.cache
def _written(directive: str) -> str:
    """What another directive writes: its names, or as many characters; no two ways to match, however many there are."""
    values = {moment.strftime(f"%{directive}") for moment in MOMENTS}
    if len(values) <= MAX_ALTERNATIVES:
        return f"(?:{'|'.join(re.escape(value) for value in sorted(values, reverse=True))})"
    widths = {len(value) for value in values}
    return f".{{{min(widths)},{max(widths)}}}"


def _group(name: str, pattern: str, seen: set[str]) -> str:
    """A named group; from the second time on, what it matched before."""
    if name in seen:
        return f"(?P={name})"
    seen.add(name)
    return f"(?P<{name}>{pattern})"


def _parsed(found: dict[str, str | None]) -> ParsedKey:
    day = _time("".join(found.get(f"at_{directive}") or "-" for directive in "Ymd"), "%Y%m%d")
    at = _time("".join(found.get(f"at_{directive}") or "-" for directive in "YmdHMS"), "%Y%m%d%H%M%S")
    if at and (fraction := found.get("at_f")):
        at = at.replace(microsecond=int(fraction))
    at = _id_time(found.get("id") or "") or at
    day = day or at
    return ParsedKey(found.get("edge"), found.get("camera"), day.date() if day else None, at)


def _id_time(text: str) -> datetime | None:
    try:
        return CaptureId.parse(text).captured_at
    except ValueError:
        return None


def _time(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None
