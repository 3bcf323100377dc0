"""A visit, as the camera writes it and every reader understands it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from common.contract.capture import SCHEMA
from common.contract.times import parse_timestamp, timestamp

MAX_BYTES = 32_768
MAX_CAPTURES = 500  # that a message names
MAX_UNLISTED = 100_000_000  # years of captures


@dataclass(frozen=True, slots=True)
class Visit:
    """A person was in view; published when that is over."""

    track: str
    camera: str
    began_at: datetime  # aware, UTC
    ended_at: datetime
    captures: tuple[str, ...]  # ids, in their order: the last one is the visit's last
    best: str  # the id of the best shot; empty without any
    unlisted: int = 0  # earlier captures of a visit that has more than are named

    @property
    def count(self) -> int:
        """How many captures there are of it."""
        return len(self.captures) + self.unlisted

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the message; raises ValueError for anything else."""
        if len(payload) > MAX_BYTES:
            raise ValueError("it is too long")
        try:
            content = json.loads(payload)
            return cls(
                track=str(content["track"]),
                camera=str(content["camera"]),
                began_at=parse_timestamp(content["began_at"]),
                ended_at=parse_timestamp(content["ended_at"]),
                captures=tuple(map(str, content["captures"])),
                best=str(content["best"]),
                unlisted=_count(content.get("unlisted", 0)),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not a visit: {error}") from error

    def to_json(self) -> bytes:
        """Write the message on `usbcam/visits`."""
        content: dict[str, object] = {
            "schema": SCHEMA,
            "track": self.track,
            "camera": self.camera,
            "began_at": timestamp(self.began_at),
            "ended_at": timestamp(self.ended_at),
            "captures": list(self.captures),
            "best": self.best,
            "last": self.captures[-1] if self.captures else "",
        }
        if self.unlisted:
            content["unlisted"] = self.unlisted
        return json.dumps(content).encode()


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_UNLISTED:
        raise ValueError("unlisted is not a number of captures")
    return value
