"""What the doctor finds: a line each."""

import sys
from dataclasses import dataclass
from typing import Literal

Mark = Literal["well", "ill", "known"]
SIGNS: dict[Mark, str] = {"well": "✔", "ill": "✘", "known": "•"}
PLAIN_SIGNS: dict[Mark, str] = {"well": "ok", "ill": "WRONG", "known": "-"}
COLOURS: dict[Mark, str] = {"well": "\033[32m", "ill": "\033[31m", "known": ""}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    mark: Mark  # `known`: neither good nor bad, and good to know
    text: str


def well(text: str) -> Finding:
    return Finding("well", text)


def ill(text: str) -> Finding:
    return Finding("ill", text)


def known(text: str) -> Finding:
    return Finding("known", text)


def show(finding: Finding) -> None:
    """Print it, with colour on a terminal alone."""
    encoding = (sys.stdout.encoding or "ascii").lower()
    sign = (SIGNS if encoding.startswith("utf") else PLAIN_SIGNS)[finding.mark]
    colour = COLOURS[finding.mark] if sys.stdout.isatty() else ""
    line = f"{sign} {finding.text}"
    print(f"{colour}{line}\033[0m" if colour else line.encode(encoding, "replace").decode(encoding), flush=True)
