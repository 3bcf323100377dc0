"""What a template of keys says about folders: which of them are edges, cameras and times."""

import itertools
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from storage.keys import EXTENSIONS

ID = r"\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{8}"
# Directives of strftime that sort as times do when they stand from the coarse to the fine, and what they look like.
SORTED = {"Y": r"\d{4}", "m": r"\d{2}", "d": r"\d{2}", "H": r"\d{2}", "M": r"\d{2}", "S": r"\d{2}", "f": r"\d{6}"}
ORDER = "YmdHMSf"
SUFFIX = rf"(?:-(?:[0-9a-f]{{8}}|{ID}))?"  # of a capture whose name was taken

SHORT = {"F": "%Y-%m-%d", "T": "%H:%M:%S"}
ID_DAY = "%Y%m%d"  # what an id begins with

Kind = Literal["edge", "camera", "time", "date", "other"]


@dataclass(frozen=True, slots=True)
class Level:
    """One folder of the path."""

    kind: Kind
    text: str  # a strftime format of a time, or of the beginning of all names of a day; else what stands there


@dataclass(frozen=True, slots=True)
class Name:
    """What a key tells about its capture."""

    edge: str | None
    camera: str | None
    day: date | None  # in UTC
    captured_at: datetime | None  # aware, UTC


class Layout:
    """Reads keys that one template made."""

    def __init__(self, template: str) -> None:
        """`template`: as S3_KEY_TEMPLATE has it, checked."""
        parts = list(_parts(template))
        self.levels = list(_levels(parts))
        if not self.by_day:
            self.levels = _down_to_date(parts) or self.levels
        self._pattern = re.compile(_pattern(parts))

    @property
    def by_day(self) -> bool:
        """Whether folders lead to a day, or names begin with one."""
        if self.levels and self.levels[-1].kind == "date":
            return True
        formats = "".join(level.text for level in self.levels if level.kind == "time")
        directives = re.findall("%(.)", formats)
        known = [level.kind != "other" or "{" not in level.text for level in self.levels]
        return directives[:3] == ["Y", "m", "d"] and directives == list(ORDER[: len(directives)]) and all(known)

    def read(self, key: str) -> Name | None:
        """What the key tells; None if no such template made it."""
        found = self._pattern.fullmatch(key)
        return _name(found.groupdict()) if found else None


def _parts(template: str) -> Iterator[tuple[str, str]]:
    """Literals as ("", text), fields as (name, format)."""
    for literal, field, form, _ in string.Formatter().parse(template):
        if literal:
            yield "", literal
        if field is not None:
            yield field, re.sub("%(.)", lambda found: SHORT.get(found[1], found[0]), form or "")


def _levels(parts: list[tuple[str, str]]) -> Iterator[Level]:
    """The folders; the last name, which is the object's own, is none."""
    folder: list[tuple[str, str]] = []
    for field, text in parts:
        pieces = text.split("/") if field in {"", "captured_at"} else [text]
        for number, piece in enumerate(pieces):
            if number:
                yield _level(folder)
                folder = []
            if piece or field in {"edge", "camera", "id"}:
                folder.append((field, piece))


def _level(folder: list[tuple[str, str]]) -> Level:
    text = "".join(piece if field in {"", "captured_at"} else f"{{{field}}}" for field, piece in folder)
    fields = {field for field, _ in folder if field}
    if len(folder) == 1 and fields <= {"edge", "camera"} and fields:
        return Level("edge" if "edge" in fields else "camera", text)
    if fields == {"captured_at"}:
        return Level("time", text)
    return Level("other", text)


def _down_to_date(parts: list[tuple[str, str]]) -> list[Level]:
    """The folders before a name that begins with a day, and that; empty where the way is another."""
    before = list(itertools.takewhile(lambda part: part[0] not in {"captured_at", "id"}, parts))
    field, text = parts[len(before)] if len(before) < len(parts) else ("", "")
    day = ID_DAY if field == "id" else _day_format(text)
    levels = list(_levels(before))
    at, literal = before[-1] if before else ("", "")
    begins = at == "" and (len(before) < 2 or "/" in literal)  # noqa: PLR2004 (text and a field before it)
    if not day or not begins or any("{" in level.text for level in levels if level.kind == "other"):
        return []
    return [*levels, Level("date", literal.rpartition("/")[2].replace("%", "%%") + day)]


def _day_format(text: str) -> str:
    """The beginning of a format that tells the whole day; empty if something else stands before that."""
    day = ""
    seen: set[str] = set()
    for found in re.finditer("%(.)|[^%]+", text):
        if seen == set("Ymd"):
            break
        if found[1]:
            if found[1] not in "Ymd":
                return ""
            seen.add(found[1])
        day += found[0]
    return day if seen == set("Ymd") else ""


def _pattern(parts: list[tuple[str, str]]) -> str:
    """A regular expression of whole keys."""
    seen: set[str] = set()
    made = "".join(_piece(field, text, seen) for field, text in parts)
    for extension in EXTENSIONS:
        if made.endswith(re.escape(extension)):  # the uploader writes the one that fits
            return made.removesuffix(re.escape(extension)) + SUFFIX + r"\.(?:png|jpg|jpeg)"
    return made + SUFFIX


def _piece(field: str, text: str, seen: set[str]) -> str:
    if field == "":
        return re.escape(text)
    if field == "captured_at":
        return re.sub(r"%(.)|([^%]+)", lambda found: _directive(found, seen), text) if text else r"[^/]+"
    look = ID if field == "id" else r"[^/]+?"
    if field in seen:
        return f"(?P={field})"
    seen.add(field)
    return f"(?P<{field}>{look})"


def _directive(found: re.Match[str], seen: set[str]) -> str:
    if found[2] or found[1] not in SORTED:
        return re.escape(found[2]) if found[2] else r"[^/]+?"
    name = f"at_{found[1]}"
    if name in seen:
        return f"(?P={name})"
    seen.add(name)
    return f"(?P<{name}>{SORTED[found[1]]})"


def _name(found: dict[str, str | None]) -> Name:
    day = _moment("".join(found.get(f"at_{directive}") or "-" for directive in "Ymd"), "%Y%m%d")
    at = _moment("".join(found.get(f"at_{directive}") or "-" for directive in "YmdHMS"), "%Y%m%d%H%M%S")
    if at and (fraction := found.get("at_f")):
        at = at.replace(microsecond=int(fraction))
    at = _moment((found.get("id") or "")[:20], "%Y%m%dT%H%M%S.%fZ") or at
    day = day or at
    return Name(found.get("edge"), found.get("camera"), day.date() if day else None, at)


def _moment(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None
