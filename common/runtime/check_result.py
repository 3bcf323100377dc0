"""What a check found, and how a list of results is printed."""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

import click

from common.runtime.help_page import local

STATUS_WIDTH = 7
SUBJECT_WIDTH = 16


class Status(Enum):
    """How it went; only FAIL fails the command."""

    PASS = "pass"  # noqa: S105 (a status, no password)
    CHANGED = "changed"
    INFO = "info"
    WARN = "warn"
    SKIP = "skip"
    FAIL = "FAIL"


COLORS = {
    Status.PASS: "green",
    Status.CHANGED: "cyan",
    Status.WARN: "yellow",
    Status.SKIP: "bright_black",
    Status.FAIL: "red",
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of a command that checks or sets up."""

    status: Status
    subject: str
    message: str

    def line(self, *, color: bool = False) -> str:
        status = f"{self.status.value:<{STATUS_WIDTH}}"
        if color:
            status = click.style(status, fg=COLORS.get(self.status))
        return f"{status}  {self.subject:<{SUBJECT_WIDTH}}  {' '.join(self.message.split())}"


def passed(subject: str, message: str) -> CheckResult:
    return CheckResult(Status.PASS, subject, message)


def changed(subject: str, message: str) -> CheckResult:
    return CheckResult(Status.CHANGED, subject, message)


def info(subject: str, message: str) -> CheckResult:
    """Neither good nor bad, but worth knowing."""
    return CheckResult(Status.INFO, subject, message)


def warned(subject: str, message: str) -> CheckResult:
    return CheckResult(Status.WARN, subject, message)


def skipped(subject: str, message: str) -> CheckResult:
    return CheckResult(Status.SKIP, subject, message)


def failed(subject: str, message: str) -> CheckResult:
    return CheckResult(Status.FAIL, subject, message)


def print_results(results: Iterable[CheckResult]) -> tuple[Status, ...]:
    """Print each result as soon as it is known, and return the statuses. Color is for terminals (https://no-color.org)."""
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    statuses = []
    for result in results:
        encoding = sys.stdout.encoding or "ascii"  # a terminal without UTF-8 shows ? instead of an error
        said = replace(result, subject=local(result.subject), message=local(result.message))
        click.echo(said.line(color=color).encode(encoding, "replace").decode(encoding), color=color)
        statuses.append(result.status)
    return tuple(statuses)
