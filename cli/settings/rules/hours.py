"""When cameras look: SCHEDULE and TIMEZONE."""

from __future__ import annotations

import difflib
import functools
import re
from pathlib import Path

from cli.settings.dotenv.env_file import EnvFile
from cli.settings.rules.hosts import Rule

DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
RANGE = re.compile(r"(?:([a-z]{2})(?:-([a-z]{2}))?/)?([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)")
ZONES = Path("/usr/share/zoneinfo")
MAX_HOUR = 24


def schedule(value: str, _env: EnvFile) -> str | None:
    text = value.strip().lower()
    if text in {"run", "pause"}:
        return None
    if all(map(_is_range, text.split(","))):
        return None
    meant = _usual(text)
    if all(map(_is_range, meant.split(","))):
        return f"must be hours; write {meant}"
    return "must be hours such as 08:00-18:00 or mo-fr/08:00-18:00,sa/22:00-02:00"


def _usual(text: str) -> str:
    """Hours that were written in another way, such as Mo-Fr 8-18."""
    plain = re.sub(r"\s*[\u2013\u2014-]\s*", "-", text.replace(".", ":"))
    plain = re.sub(r"([a-z])\s+(?=\d)", r"\1/", plain)
    plain = re.sub(r"[\s,;]+", ",", plain)
    plain = re.sub(r"\b(mo|tu|we|th|fr|sa|su)[a-z]+", r"\1", plain)
    plain = re.sub(r"(?<![\d:])(\d{1,2})(?![\d:])", r"\1:00", plain)
    return re.sub(r"(?<!\d)(\d):", r"0\1:", plain)


def _is_range(entry: str) -> bool:
    found = RANGE.fullmatch(entry)
    if found is None:
        return False
    days: list[str] = [day for day in found.groups()[:2] if day]
    begin, end = found[3] + found[4], found[5] + found[6]
    hours = int(found[3]) < MAX_HOUR and (int(found[5]) < MAX_HOUR or end == "2400")
    return hours and begin != end and all(day in DAYS for day in days)


def timezone(value: str, _env: EnvFile) -> str | None:
    must = "must be a name such as Europe/Berlin"
    if re.search(r"^/|\.\.|\s", value):
        return must
    if not ZONES.is_dir() or (ZONES / value).is_file():
        return None
    known = _zones()
    close = difflib.get_close_matches(value, known, n=1) or [zone for zone in known if zone.split("/")[-1] == value]
    return f"is no time zone; did you mean {close[0]}?" if close else f"is no time zone; it {must}"


@functools.lru_cache(maxsize=None)
def _zones() -> frozenset[str]:
    return frozenset(str(zone.relative_to(ZONES)) for zone in ZONES.glob("[A-Z]*/*"))


RULES: dict[str, Rule] = {"SCHEDULE": schedule, "TIMEZONE": timezone}
