"""What S3_KEY_TEMPLATE tells about keys: which prefixes stand for edges, cameras and times, and how to parse a key."""

import functools
import itertools
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from common.contract.capture import CAPTURE_ID, CaptureId
from storage.keys import EXTENSIONS, MAX_KEY_BYTES

ID = CAPTURE_ID.pattern
# strftime directives whose values sort as times do when they go from coarse to fine, and what they match.
SORTED = {"Y": r"\d{4}", "m": r"\d{2}", "d": r"\d{2}", "H": r"\d{2}", "M": r"\d{2}", "S": r"\d{2}", "f": r"\d{6}"}
ORDER = "YmdHMSf"
SUFFIX = rf"(?:-(?:[0-9a-f]{{8}}|{ID}))?"  # of a capture whose key was taken

SHORT = {"F": "%Y-%m-%d", "T": "%H:%M:%S"}
NAME = r"[^/]{1,63}?"  # of an edge or camera
UNFORMATTED = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{6})?\+00:00"  # {captured_at} alone
MAX_ALTERNATIVES = 12  # as many as there are months
# Moments that show every name, and the shortest and longest number, that a directive can write.
MOMENTS = [
    *(datetime(2024, 1, 1, tzinfo=UTC) + number * timedelta(hours=25, minutes=1) for number in range(366)),
    *(datetime(year, 1, 1, tzinfo=UTC) for year in range(2002, 2100)),
]
ID_DAY = "%Y%m%d"  # what an id begins with


@dataclass(frozen=True, slots=True)
class LiteralSegment:
    """A folder with the same name in every key."""

    text: str


@dataclass(frozen=True, slots=True)
class FieldSegment:
    """A folder for each edge or each camera."""

    field: str  # edge or camera


@dataclass(frozen=True, slots=True)
class TimeSegment:
    """A folder for a time."""

    format: str  # strftime


@dataclass(frozen=True, slots=True)
class DatePrefix:
    """No folder: the beginning of all object names of one day."""

    format: str  # strftime


@dataclass(frozen=True, slots=True)
class MixedSegment:
    """A folder whose name combines fields, such as {edge}-{camera}."""


Segment = LiteralSegment | FieldSegment | TimeSegment | DatePrefix | MixedSegment


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """What a key tells about its capture; None for what it does not tell."""

    edge: str | None
    camera: str | None
    day: date | None  # in UTC
    captured_at: datetime | None  # aware, UTC


@dataclass(frozen=True, slots=True)
class _Text:
    """Literal text of a template."""

    text: str


@dataclass(frozen=True, slots=True)
class _Field:
    """A replacement field of a template."""

    name: str
    format: str = ""  # strftime, of captured_at


_Part = _Text | _Field


class KeyParser:
    """Parses the keys that one template made."""

    def __init__(self, template: str) -> None:
        """`template` is a valid S3_KEY_TEMPLATE."""
        parts = list(_parts(template))
        self.segments = list(_segments(parts))
        if not self.by_day:
            self.segments = _segments_to_date(parts) or self.segments
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


def _parts(template: str) -> Iterator[_Part]:
    for literal, field, form, _ in string.Formatter().parse(template):
        if literal:
            yield _Text(literal)
        if field is not None:
            yield _Field(field, re.sub("%(.)", lambda found: SHORT.get(found[1], found[0]), form or ""))


def _segments(parts: list[_Part]) -> Iterator[Segment]:
    """The folders of the path; what follows the last slash is the object's own name."""
    folder: list[_Part] = []
    for part in parts:
        first, *rest = _split(part)
        folder.append(first)
        for piece in rest:
            yield _segment(folder)
            folder = [piece]


def _split(part: _Part) -> list[_Part]:
    """A part at its slashes."""
    if isinstance(part, _Text):
        return [_Text(piece) for piece in part.text.split("/")]
    return [_Field(part.name, piece) for piece in part.format.split("/")]


def _segment(folder: list[_Part]) -> Segment:
    pieces = [part for part in folder if part not in {_Text(""), _Field("captured_at", "")}]
    fields = {part.name for part in pieces if isinstance(part, _Field)}
    if fields == {"captured_at"}:
        return TimeSegment("".join(part.text if isinstance(part, _Text) else part.format for part in pieces))
    if not fields:
        return LiteralSegment("".join(part.text for part in pieces if isinstance(part, _Text)))
    if len(pieces) == 1 and fields <= {"edge", "camera"}:
        return FieldSegment(fields.pop())
    return MixedSegment()


def _segments_to_date(parts: list[_Part]) -> list[Segment]:
    """The folders before object names that begin with a day, and that beginning; empty if there is none."""
    before = list(itertools.takewhile(lambda part: not _tells_time(part), parts))
    literal = before[-1] if before else _Text("")
    segments = list(_segments(before))
    day = _day_format(parts[len(before)]) if len(before) < len(parts) else ""
    if not day or not isinstance(literal, _Text) or any(isinstance(segment, MixedSegment) for segment in segments):
        return []
    if len(before) > 1 and "/" not in literal.text:  # the name begins with a field
        return []
    return [*segments, DatePrefix(literal.text.rpartition("/")[2].replace("%", "%%") + day)]


def _tells_time(part: _Part) -> bool:
    return isinstance(part, _Field) and part.name in {"captured_at", "id"}


def _day_format(part: _Part) -> str:
    """The beginning of a part's format that tells the whole day; empty if something else precedes that."""
    if not isinstance(part, _Field):
        return ""
    if part.name == "id":
        return ID_DAY
    day = ""
    seen: set[str] = set()
    for found in re.finditer("%(.)|[^%]+", part.format):
        if seen == set("Ymd"):
            break
        if found[1]:
            if found[1] not in "Ymd":
                return ""
            seen.add(found[1])
        day += found[0]
    return day if seen == set("Ymd") else ""


def _pattern(parts: list[_Part]) -> str:
    """A regular expression that matches whole keys."""
    seen: set[str] = set()
    pattern = "".join(_piece(part, seen) for part in parts)
    for extension in EXTENSIONS:
        if pattern.endswith(re.escape(extension)):  # the uploader writes the one that fits
            return pattern.removesuffix(re.escape(extension)) + SUFFIX + r"\.(?:png|jpg|jpeg)"
    return pattern + SUFFIX


def _piece(part: _Part, seen: set[str]) -> str:
    if isinstance(part, _Text):
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
