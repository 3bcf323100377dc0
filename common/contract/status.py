"""A camera's status message, as its edge writes it and every reader understands it.

A reader takes what it can: an older or a newer camera may have written the message, or an edge that makes things up.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from common.contract.times import timestamp, timestamp_of

MAX_BYTES = 8192  # a camera writes less than 1 KB
MAX_TEXT = 300
MAX_NUMBER = 10**9
LAST_WILL = b'{"online": false}'  # a status from which all else is missing


class CameraState(StrEnum):
    """What a camera does now."""

    STARTING = "starting"  # no frame was processed yet
    RUNNING = "running"
    PAUSED = "paused"  # by its schedule or by a command
    RECONNECTING = "reconnecting"  # its source gives no frames and is opened again
    HUNG = "hung"  # in its driver: only the end of the process may help
    CRASHED = "crashed"  # and started again; no frame was processed since
    ENDED = "ended"  # its source has nothing more to give


class Blindness(StrEnum):
    """Why a camera does not see what it usually sees."""

    COVERED = "covered"  # or sprayed: an even surface lies before the lens
    DEFOCUSED = "defocused"
    TURNED = "turned"
    FROZEN = "frozen"  # the same picture again and again
    DARK = "dark"  # though it should be light


class InvalidReportError(Exception):
    """A message that no camera writes."""


@dataclass(frozen=True, slots=True)
class CameraReport:
    """What a camera says of itself, in the order of the message; None for what it does not say."""

    online: bool = False
    at: datetime | None = None  # by the edge's clock
    version: str | None = None
    state: str | None = None  # a CameraState, or a word of a newer camera
    problem: str | None = None
    blind: str | None = None  # a Blindness, or a word of a newer camera
    blind_since: datetime | None = None
    frames_per_second: float | None = None
    skipped: int | None = None
    faces: int | None = None
    captured: int | None = None
    last_captured_at: datetime | None = None
    refused: int | None = None
    waiting: int | None = None  # this and what follows: of all cameras of the host
    stored: int | None = None
    rejected: int | None = None
    dropped: int | None = None
    bridge: bool | None = None  # whether the bridge to the cloud is up

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the message; raises InvalidReportError."""
        if len(payload) > MAX_BYTES:
            raise InvalidReportError("it is too long")
        try:
            content = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise InvalidReportError("it is not JSON") from error
        if not isinstance(content, dict):
            raise InvalidReportError("it is not an object")
        return cls.from_dict(content)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Take what can be understood."""
        bridge = content.get("bridge")
        return cls(
            online=content.get("online") is True,
            at=timestamp_of(content.get("at")),
            version=_text(content.get("version")),
            state=_text(content.get("state")),
            problem=_text(content.get("problem")),
            blind=_text(content.get("blind")),
            blind_since=timestamp_of(content.get("blind_since")),
            frames_per_second=_number(content.get("frames_per_second")),
            skipped=_count(content.get("skipped")),
            faces=_count(content.get("faces")),
            captured=_count(content.get("captured")),
            last_captured_at=timestamp_of(content.get("last_captured_at")),
            refused=_count(content.get("refused")),
            waiting=_count(content.get("waiting")),
            stored=_count(content.get("stored")),
            rejected=_count(content.get("rejected")),
            dropped=_count(content.get("dropped")),
            bridge=bridge if isinstance(bridge, bool) else None,
        )

    def to_dict(self) -> dict[str, object]:
        """Write it in the words and order of the message."""
        words = asdict(self).items()
        return {name: timestamp(value) if isinstance(value, datetime) else value for name, value in words}

    def to_json(self) -> bytes:
        """Write the message on `usbcam/status/<camera>`."""
        return json.dumps(self.to_dict()).encode()


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return value[:MAX_TEXT].encode("utf-8", "replace").decode()


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MAX_NUMBER else None


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_NUMBER else None
