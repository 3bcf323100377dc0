"""What a template of keys says about folders: which of them are edges, cameras and times."""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from uploader.key import EXTENSIONS

ID = r"\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{8}"
# Directives of strftime that sort as times do when they stand from the coarse to the fine, and what they look like.
SORTED = {"Y": r"\d{4}", "m": r"\d{2}", "d": r"\d{2}", "H": r"\d{2}", "M": r"\d{2}", "S": r"\d{2}", "f": r"\d{6}"}
ORDER = "YmdHMSf"
SUFFIX = rf"(?:-(?:[0-9a-f]{{8}}|{ID}))?"  # of a capture whose name was taken

Kind = Literal["edge", "camera", "time", "other"]


@dataclass(frozen=True, slots=True)
class Level:
    """One folder of the path."""

    kind: Kind
    text: str  # a strftime format of a time; what stands there of anything else


@dataclass(frozen=True, slots=True)
class Name:
    """What a key tells about its capture."""

    edge: str | None = None
    camera: str | None = None
    id: str | None = None

    @property
    def captured_at(self) -> datetime | None:
        """Aware, UTC."""
        if self.id is None:
            return None
        try:
            return datetime.strptime(self.id[:20], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
        except ValueError:
            return None


class Layout:
    """Reads keys that one template made."""

    def __init__(self, template: str) -> None:
        """`template`: as S3_KEY_TEMPLATE has it, checked."""
        parts = list(_parts(template))
        self.levels = list(_levels(parts))
        self._pattern = re.compile(_pattern(parts))

    @property
    def by_day(self) -> bool:
        """Whether folders by date lead to a day, the newest last in the order of their names."""
        formats = "".join(level.text for level in self.levels if level.kind == "time")
        directives = re.findall("%(.)", formats)
        known = [level.kind != "other" or "{" not in level.text for level in self.levels]
        return directives[:3] == ["Y", "m", "d"] and directives == list(ORDER[: len(directives)]) and all(known)

    def read(self, key: str) -> Name | None:
        """What the key tells; None if no such template made it."""
        found = self._pattern.fullmatch(key)
        return Name(**found.groupdict()) if found else None


def _parts(template: str) -> Iterator[tuple[str, str]]:
    """Literals as ("", text), fields as (name, format)."""
    for literal, field, form, _ in string.Formatter().parse(template):
        if literal:
            yield "", literal
        if field is not None:
            yield field, form or ""


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
        return re.sub(r"%(.)|([^%]+)", _directive, text) if text else r"[^/]+"
    look = ID if field == "id" else r"[^/]+?"
    if field in seen:
        return f"(?P={field})"
    seen.add(field)
    return f"(?P<{field}>{look})"


def _directive(found: re.Match[str]) -> str:
    return re.escape(found[2]) if found[2] else SORTED.get(found[1], r"[^/]+?")
