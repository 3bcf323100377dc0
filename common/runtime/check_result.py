"""What a look at one thing found: a line, green or red, that names the mend."""

import os
import sys
from dataclasses import dataclass
from enum import Enum
from typing import TextIO

SUBJECT_WIDTH = 16


class Level(Enum):
    """How bad it is; only FAILURE fails the command."""

    FINE = "ok"
    CHANGED = "set"
    WARNING = "warn"
    FAILURE = "FAIL"
    UNKNOWN = "--"


COLOURS = {Level.FINE: "32", Level.CHANGED: "36", Level.WARNING: "33", Level.FAILURE: "31", Level.UNKNOWN: "90"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `check` or `setup`."""

    level: Level
    subject: str
    sentence: str

    def line(self, *, coloured: bool = False) -> str:
        mark = f"{self.level.value:<4}"
        if coloured:
            mark = f"\033[{COLOURS[self.level]}m{mark}\033[0m"
        return f"{mark}  {self.subject:<{SUBJECT_WIDTH}}  {' '.join(self.sentence.split())}"


def fine(subject: str, sentence: str) -> Finding:
    return Finding(Level.FINE, subject, sentence)


def changed(subject: str, sentence: str) -> Finding:
    return Finding(Level.CHANGED, subject, sentence)


def warning(subject: str, sentence: str) -> Finding:
    return Finding(Level.WARNING, subject, sentence)


def failure(subject: str, sentence: str) -> Finding:
    return Finding(Level.FAILURE, subject, sentence)


def unknown(subject: str, sentence: str) -> Finding:
    return Finding(Level.UNKNOWN, subject, sentence)


def takes_colours(stream: TextIO = sys.stdout) -> bool:
    """Tell whether somebody looks at it who sees colours (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")
