"""A file by which a process says that it works: written by the process itself, read by its command `health`."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from common.os_error import plain_reason
from common.runtime.files import atomic_write

STALE_SECONDS = 30.0
MAX_SILENCE_SECONDS = 60.0  # of what a process depends on, before it calls itself unhealthy
WRITTEN_AT = "written_at"  # monotonic: the same clock in every process, and nobody sets it

log = logging.getLogger(__name__)


class HeartbeatError(Exception):
    """There is no heartbeat that counts; the text is a sentence for the user."""


class Heartbeat:
    """Writes the file. A failure is logged once, until it can be written again."""

    def __init__(self, file: Path, setting: str) -> None:
        """`setting` names in the log what to change."""
        self._file, self._setting = file, setting
        self._failed = False

    def write(self, content: Mapping[str, object]) -> None:
        """Replace the file with what the process says of itself now."""
        try:
            atomic_write(self._file, json.dumps({WRITTEN_AT: monotonic(), **content}).encode(), durable=False)
        except OSError as error:
            if not self._failed:
                words = "%s=%s cannot be written (%s); choose another file"
                log.error(words, self._setting, self._file, error.strerror)  # noqa: TRY400 (a sentence, not a trace)
            self._failed = True
        else:
            self._failed = False

    def remove(self) -> None:
        """End it: the process stops as it should."""
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("Could not remove %s: %s", self._file, error.strerror)


def read_heartbeat(file: Path, program: str, stale_seconds: float = STALE_SECONDS) -> dict[str, Any]:
    """Return what a running process wrote lately; raises HeartbeatError."""
    try:
        content = json.loads(file.read_text())
        age_seconds = monotonic() - float(content[WRITTEN_AT])
    except FileNotFoundError:
        raise HeartbeatError(f"No heartbeat in {file}: the {program} has not started.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HeartbeatError(f"The heartbeat in {file} cannot be read: {plain_reason(error)}.") from error
    if age_seconds < 0:  # from before this machine was restarted
        raise HeartbeatError(f"No heartbeat in {file}: the {program} has not started.")
    if age_seconds > stale_seconds:
        raise HeartbeatError(f"The last heartbeat is {age_seconds:.0f} s old: the {program} is stuck or has stopped.")
    return dict(content)


def is_running(file: Path, program: str = "process", stale_seconds: float = STALE_SECONDS) -> bool:
    """Whether a process wrote this file lately."""
    try:
        read_heartbeat(file, program, stale_seconds)
    except HeartbeatError:
        return False
    return True


def health_problem(file: Path, program: str, stale_seconds: float = STALE_SECONDS) -> str | None:
    """Say why a process is not healthy; None if it is."""
    try:
        problem = read_heartbeat(file, program, stale_seconds)["problem"]
    except HeartbeatError as error:
        return str(error)
    except KeyError:
        return f"The heartbeat in {file} does not say whether the {program} is healthy."
    return None if problem is None else str(problem)
