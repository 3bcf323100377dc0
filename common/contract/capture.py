"""The writing half of the contract: what a capture looks like as a message and as a file.

The reading half is cloud/uploader/message.py; tests/contract binds the two.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

SCHEMA = 1
IMAGES_TOPIC = "usbcam/images"
RECEIPTS_TOPIC = "usbcam/receipts"
VISITS_TOPIC = "usbcam/visits"
# Both brokers take packets of 16 MiB; the rest is room for topic and properties.
MAX_IMAGE_BYTES = 16 * 1024 * 1024 - 64 * 1024

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8"
CHUNK_KEYWORD = b"usbcam"
AFTER_IHDR = len(PNG_SIGNATURE) + 25  # length, type, 13 bytes and CRC of the header chunk
JPEG_COMMENT = 0xFE
JPEG_START_OF_SCAN = 0xDA


class NotACaptureError(Exception):
    """Bytes that do not hold a capture: damaged, cut short, or somebody else's picture."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a face is: the left upper corner, width and height, in pixels of the frame."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        """Write the box as it travels: `x,y,w,h`."""
        return f"{self.x},{self.y},{self.width},{self.height}"

    @classmethod
    def parse(cls, text: str) -> "Box":
        """Read `x,y,w,h`; raises ValueError."""
        x, y, width, height = (int(part) for part in text.split(","))
        return cls(x, y, width, height)


@dataclass(frozen=True, slots=True)
class Capture:
    """One picture of one face, as it travels: the image carries its own description."""

    camera: str
    captured_at: datetime  # aware, UTC, whole milliseconds
    box: Box
    score: float  # YuNet's, 0 to 1
    image: bytes  # PNG or JPEG
    quality: float = 0.0  # of the shot, 0 to 1
    track: str = ""  # the visit it belongs to; empty if nobody followed
    shot: str = ""  # first, better, stay or last of the visit; more, where not the best is wanted
    frame: int = field(default=0, compare=False)  # its number in the source; does not travel

    @property
    def id(self) -> str:
        """UTC time to the millisecond and the first 8 hex digits of the image's SHA-256."""
        digest = hashlib.sha256(self.image).hexdigest()[:8]
        return f"{self.captured_at:%Y%m%dT%H%M%S}.{milliseconds(self.captured_at):03d}Z-{digest}"

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
        description = describe(
            self.camera, self.captured_at, self.box, self.score, followed=(self.quality, self.track, self.shot)
        )
        pairs = [(name, str(value)) for name, value in description.items()]
        return [pairs[0], ("id", self.id), *pairs[1:]]


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody was there: told when it is over."""

    track: str
    camera: str
    began_at: datetime  # aware, UTC
    ended_at: datetime
    captures: tuple[str, ...]  # ids, in their order: the last one is the visit's last
    best: str  # the id of the best shot; empty without any

    def content(self) -> dict[str, object]:
        """Say it as the message on `usbcam/visits` does."""
        return {
            "schema": SCHEMA,
            "track": self.track,
            "camera": self.camera,
            "began_at": timestamp(self.began_at),
            "ended_at": timestamp(self.ended_at),
            "captures": list(self.captures),
            "best": self.best,
            "last": self.captures[-1] if self.captures else "",
        }


def milliseconds(moment: datetime) -> int:
    """Milliseconds within the second."""
    return moment.microsecond // 1000


def whole_milliseconds(moment: datetime) -> datetime:
    """Cut what the contract's time stamps cannot carry."""
    return moment.replace(microsecond=milliseconds(moment) * 1000)


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-22T06:33:25.123Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds(moment):03d}Z"


def describe(
    camera: str, captured_at: datetime, box: Box, score: float, followed: tuple[float, str, str] = (0.0, "", "")
) -> dict[str, str | int]:
    """Say what a picture shows, in the words of the contract; the id follows from the bytes.

    `followed`: quality, track and shot, which are left out where nobody followed the face.
    """
    said: dict[str, str | int] = {
        "schema": SCHEMA,
        "camera": camera,
        "captured_at": timestamp(captured_at),
        "box": str(box),
        "score": f"{score:.3f}",
    }
    quality, track, shot = followed
    if track:
        said |= {"quality": f"{quality:.3f}", "track": track, "shot": shot}
    return said


def with_description(image: bytes, description: dict[str, str | int]) -> bytes:
    """Put the description into a PNG (iTXt chunk) or JPEG (comment segment).

    `image` must come from an encoder: it is not checked beyond its first bytes.
    """
    text = json.dumps(description, separators=(",", ":")).encode()
    if image.startswith(PNG_SIGNATURE):
        # keyword, NUL, not compressed, compression method, no language, no translated keyword
        body = b"iTXt" + CHUNK_KEYWORD + b"\0\0\0\0\0" + text
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        return image[:AFTER_IHDR] + chunk + image[AFTER_IHDR:]
    comment = CHUNK_KEYWORD + b" " + text
    return image[:2] + bytes([0xFF, JPEG_COMMENT]) + struct.pack(">H", len(comment) + 2) + comment + image[2:]


def read_capture(image: bytes) -> Capture:
    """Read a capture back from its own bytes; raises NotACaptureError."""
    try:
        description = json.loads(_description(image))
        return Capture(
            camera=description["camera"],
            captured_at=datetime.fromisoformat(description["captured_at"]).astimezone(UTC),
            box=Box.parse(description["box"]),
            score=float(description["score"]),
            image=image,
            quality=float(description.get("quality", 0)),
            track=str(description.get("track", "")),
            shot=str(description.get("shot", "")),
        )
    except (ValueError, KeyError, TypeError, IndexError, struct.error) as error:
        raise NotACaptureError(f"no readable description: {error}") from error


def _description(image: bytes) -> bytes:
    """Find the description's JSON; raises ValueError."""
    if image.startswith(PNG_SIGNATURE):
        for kind, body in _png_chunks(image):
            if kind == b"iTXt" and body.startswith(CHUNK_KEYWORD + b"\0"):
                return body[len(CHUNK_KEYWORD) + 5 :]
    if image.startswith(JPEG_SIGNATURE):
        for marker, body in _jpeg_segments(image):
            if marker == JPEG_COMMENT and body.startswith(CHUNK_KEYWORD + b" "):
                return body[len(CHUNK_KEYWORD) + 1 :]
    raise ValueError("neither a PNG nor a JPEG of ours")


def _png_chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(image):
        (length,) = struct.unpack_from(">I", image, position)
        yield image[position + 4 : position + 8], image[position + 8 : position + 8 + length]
        position += 12 + length


def _jpeg_segments(image: bytes) -> Iterator[tuple[int, bytes]]:
    position = 2
    while position + 4 <= len(image) and image[position] == 0xFF and image[position + 1] != JPEG_START_OF_SCAN:  # noqa: PLR2004 -- the marker's first byte
        (length,) = struct.unpack_from(">H", image, position + 2)
        yield image[position + 1], image[position + 4 : position + 2 + length]
        position += 2 + length
