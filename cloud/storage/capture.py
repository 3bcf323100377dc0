"""What the uploader stores: one picture, and what is known about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

UNKNOWN_CAMERA = "unknown"


@dataclass(frozen=True, slots=True)
class Capture:
    """One picture from one camera; a bare one came without a description."""

    edge: str
    camera: str
    captured_at: datetime  # aware, UTC; of a bare capture the time of its arrival
    image: bytes = field(repr=False)
    content_type: str
    sha256: str
    bare: bool = False
    details: Mapping[str, str] = field(default_factory=dict)  # box, score, quality, track

    @property
    def id(self) -> str:
        """Equal bytes at an equal time are the same capture."""
        return f"{id_time(self.captured_at)}-{self.sha256[:8]}"

    @property
    def metadata(self) -> dict[str, str]:
        """Describe the capture as its message did; the edge too, which a key of another template may not tell."""
        return {
            "schema": "1",
            "id": self.id,
            "edge": self.edge,
            "camera": self.camera,
            "captured_at": rfc3339(self.captured_at),
            **self.details,
        }


@dataclass(frozen=True, slots=True)
class Rejected:
    """Bytes that can never be stored as a picture, kept for whoever wants to know why."""

    edge: str
    payload: bytes = field(repr=False)
    sha256: str
    reason: str

    @property
    def key(self) -> str:
        """Equal bytes meet at one name, however often they come."""
        return f"rejected/{self.edge}/{self.sha256}.bin"


def id_time(moment: datetime) -> str:
    """Write a time as an id begins: to the millisecond, in UTC."""
    return f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03d}Z"


def rfc3339(moment: datetime) -> str:
    """Write a time as the properties do: to the millisecond, in UTC."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
