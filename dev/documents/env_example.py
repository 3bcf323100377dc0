""".env.example as data: each setting with its section, its sentence and its default."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECTION = re.compile(r"# --- (.+)")
SETTING = re.compile(r"#?([A-Z][A-Z0-9_]*)=(.*)")
COMMENT = re.compile(r"#(?: (.*))?")


@dataclass(frozen=True, slots=True)
class ExampleSetting:
    """A setting as .env.example shows it."""

    name: str
    default: str
    meaning: str  # empty where it has no comment of its own
    section: str


def example_settings(text: str | None = None) -> list[ExampleSetting]:
    """Return the settings in the order of the file."""
    return list(_read((ROOT / ".env.example").read_text(encoding="utf-8") if text is None else text))


def _read(text: str) -> Iterator[ExampleSetting]:
    section, comment = "", ""
    for line in text.splitlines():
        if title := SECTION.fullmatch(line):
            section, comment = title[1], ""
        elif setting := SETTING.fullmatch(line):
            yield ExampleSetting(setting[1], setting[2], comment.strip(), section)
            comment = ""
        elif more := COMMENT.fullmatch(line):
            comment += f" {more[1] or ''}"
        else:
            comment = ""
