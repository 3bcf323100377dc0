"""A capture, as the camera writes it and every reader understands it."""

import hashlib
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from common.contract.embedded import PNG_SIGNATURE, embed_metadata, extract_metadata
from common.contract.times import COMPACT, compact, parse_compact, parse_timestamp, timestamp

SCHEMA = 1
WHOLE_FRAME = "frame"  # what a picture is that is no crop
PACKET_OVERHEAD_BYTES = 64 * 1024  # room for topic and properties
CAPTURE_ID = re.compile(COMPACT.pattern + r"-[0-9a-f]{8}", re.ASCII)


def max_image_bytes(max_image_mb: int) -> int:
    """The largest image that fits a packet of so many MiB, which is what both brokers accept."""
    return max_image_mb * 1024 * 1024 - PACKET_OVERHEAD_BYTES


class NotACaptureError(Exception):
    """Bytes that do not hold a capture: damaged, cut short, or an image from elsewhere."""


@dataclass(frozen=True, slots=True)
class CaptureId:
    """When an image was captured, and the first 8 hex digits of its SHA-256."""

    captured_at: datetime
    digest: str

    @classmethod
    def of(cls, captured_at: datetime, image: bytes) -> Self:
        """Hash the image; a capture does this once."""
        return cls.from_sha256(captured_at, hashlib.sha256(image).hexdigest())

    @classmethod
    def from_sha256(cls, captured_at: datetime, sha256: str) -> Self:
        """Use a hash that is known already."""
        return cls(captured_at, sha256[:8])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an id; raises ValueError."""
        time, _, digest = text.rpartition("-")
        if not CAPTURE_ID.fullmatch(text):
            raise ValueError(f"{text[:40]!r} is not an id of a capture")
        return cls(parse_compact(time), digest)

    def __str__(self) -> str:
        """Write it as it travels: `20261122T063325.123Z-9f2c01ab`."""
        return f"{compact(self.captured_at)}-{self.digest}"


@dataclass(frozen=True, slots=True)
class Box:
    """Where a face is: the top left corner, width and height, in pixels of the frame."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        """Write the box as it travels: `x,y,w,h`."""
        return f"{self.x},{self.y},{self.width},{self.height}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `x,y,w,h`; raises ValueError."""
        x, y, width, height = (int(number) for number in text.split(","))
        return cls(x, y, width, height)


class ShotKind(StrEnum):
    """Why a shot is kept."""

    FIRST = "first"
    BETTER = "better"
    DWELL = "dwell"  # the visitor stays
    LAST = "last"
    MORE = "more"  # by a policy that does not look for the best shot


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """Which visit a capture belongs to, and why it was kept."""

    id: str
    shot: str  # a ShotKind, or what a newer edge says
    quality: float  # of the shot, 0 to 1


@dataclass(frozen=True, slots=True)
class CaptureMetadata:
    """What an image shows. The id is not part of it: it follows from the image's bytes."""

    camera: str
    captured_at: datetime  # aware, UTC, whole milliseconds
    box: Box
    score: float  # the detector's, 0 to 1
    track: TrackInfo | None = None  # None if the face was not tracked
    poor: str | None = None  # why the picture is no good, if the visit had none: dark, blurred, turned, eyes shut, cut
    brightened: float | None = None  # how many times lighter than the camera saw the face
    timezone: str | None = None  # where the camera is, such as Europe/Berlin; captured_at is UTC all the same
    picture: str | None = None  # "frame" where it is the whole frame, so that the box lies in it

    def to_dict(self) -> dict[str, str | int]:
        """Write it in the words and order of the contract's table."""
        words: dict[str, str | int] = {
            "schema": SCHEMA,
            "camera": self.camera,
            "captured_at": timestamp(self.captured_at),
            "box": str(self.box),
            "score": f"{self.score:.3f}",
        }
        if self.track:
            words |= {"quality": f"{self.track.quality:.3f}", "track": self.track.id, "shot": self.track.shot}
        if self.poor:
            words["poor"] = self.poor
        if self.brightened:
            words["brightened"] = f"{self.brightened:.1f}"
        if self.timezone:
            words["timezone"] = self.timezone
        if self.picture:
            words["picture"] = self.picture
        return words

    @classmethod
    def from_dict(cls, words: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; raises ValueError, KeyError or TypeError."""
        track = str(words.get("track", ""))
        return cls(
            camera=words["camera"],
            captured_at=parse_timestamp(words["captured_at"]),
            box=Box.parse(words["box"]),
            score=float(words["score"]),
            track=TrackInfo(track, str(words.get("shot", "")), float(words.get("quality", 0))) if track else None,
            poor=_text(words, "poor"),
            brightened=float(words["brightened"]) if words.get("brightened") else None,
            timezone=_text(words, "timezone"),
            picture=_text(words, "picture"),
        )


def _text(words: Mapping[str, Any], name: str) -> str | None:
    return str(words[name]) if words.get(name) else None


@dataclass(frozen=True, slots=True)
class Capture:
    """One image of one face, as it travels: the image carries its own metadata."""

    id: str
    metadata: CaptureMetadata
    image: bytes = field(repr=False)  # PNG or JPEG
    frame: int = field(default=0, compare=False)  # its number in the source; does not travel

    @classmethod
    def create(cls, metadata: CaptureMetadata, encoded: bytes, frame: int = 0) -> Self:
        """Make a capture of an image that has just been encoded."""
        image = embed_metadata(encoded, json.dumps(metadata.to_dict(), separators=(",", ":")))
        return cls(str(CaptureId.of(metadata.captured_at, image)), metadata, image, frame)

    @classmethod
    def parse(cls, image: bytes, expected_id: str | None = None) -> Self:
        """Read a capture back from its own bytes; raises NotACaptureError, also if it has another id."""
        try:
            metadata = CaptureMetadata.from_dict(json.loads(extract_metadata(image) or ""))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error) as error:
            raise NotACaptureError(f"no readable metadata: {error}") from error
        capture_id = str(CaptureId.of(metadata.captured_at, image))
        if expected_id not in {None, capture_id}:
            raise NotACaptureError("its bytes do not match its name")
        return cls(capture_id, metadata, image)

    @property
    def content_type(self) -> str:
        """`image/png` or `image/jpeg`, by the image's first bytes."""
        return "image/png" if self.image.startswith(PNG_SIGNATURE) else "image/jpeg"

    @property
    def extension(self) -> str:
        """`.png` or `.jpg`."""
        return ".png" if self.content_type == "image/png" else ".jpg"

    def properties(self) -> list[tuple[str, str]]:
        """MQTT 5 user properties, in the order of the contract's table."""
        pairs = [(name, str(value)) for name, value in self.metadata.to_dict().items()]
        return [pairs[0], ("id", self.id), *pairs[1:]]
