"""The parts of a S3_KEY_TEMPLATE, and which folders of a key stand for edges, cameras and times."""

import itertools
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

SHORT = {"F": "%Y-%m-%d", "T": "%H:%M:%S"}
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
class Text:
    """Literal text of a template."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A replacement field of a template."""

    name: str
    format: str = ""  # strftime, of captured_at


Part = Text | Field


def template_parts(template: str) -> Iterator[Part]:
    for literal, field, form, _ in string.Formatter().parse(template):
        if literal:
            yield Text(literal)
        if field is not None:
            yield Field(field, re.sub("%(.)", lambda found: SHORT.get(found[1], found[0]), form or ""))


def folder_segments(parts: list[Part]) -> Iterator[Segment]:
    """The folders of the path; what follows the last slash is the object's own name."""
    folder: list[Part] = []
    for part in parts:
        first, *rest = _split(part)
        folder.append(first)
        for piece in rest:
            yield _segment(folder)
            folder = [piece]


def _split(part: Part) -> list[Part]:
    """A part at its slashes."""
    if isinstance(part, Text):
        return [Text(piece) for piece in part.text.split("/")]
    return [Field(part.name, piece) for piece in part.format.split("/")]


def _segment(folder: list[Part]) -> Segment:
    pieces = [part for part in folder if part not in {Text(""), Field("captured_at", "")}]
    fields = {part.name for part in pieces if isinstance(part, Field)}
    if fields == {"captured_at"}:
        return TimeSegment("".join(part.text if isinstance(part, Text) else part.format for part in pieces))
    if not fields:
        return LiteralSegment("".join(part.text for part in pieces if isinstance(part, Text)))
    if len(pieces) == 1 and fields <= {"edge", "camera"}:
        return FieldSegment(fields.pop())
    return MixedSegment()


def segments_to_date(parts: list[Part]) -> list[Segment]:
    """The folders before object names that begin with a day, and that beginning; empty if there is none."""
    before = list(itertools.takewhile(lambda part: not _tells_time(part), parts))
    literal = before[-1] if before else Text("")
    segments = list(folder_segments(before))
    day = _day_format(parts[len(before)]) if len(before) < len(parts) else ""
    if not day or not isinstance(literal, Text) or any(isinstance(segment, MixedSegment) for segment in segments):
        return []
    if len(before) > 1 and "/" not in literal.text:  # the name begins with a field
        return []
    return [*segments, DatePrefix(literal.text.rpartition("/")[2].replace("%", "%%") + day)]


def _tells_time(part: Part) -> bool:
    return isinstance(part, Field) and part.name in {"captured_at", "id"}


def _day_format(part: Part) -> str:
    """The beginning of a part's format that tells the whole day; empty if something else precedes that."""
    if not isinstance(part, Field):
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
