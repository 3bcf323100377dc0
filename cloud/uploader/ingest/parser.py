"""The receiving half of the contract: a message on usbcam/<edge>/images becomes a capture, or is refused."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from common.contract import topics
from common.contract.capture import CAPTURE_ID, SCHEMA, CaptureId
from common.contract.times import parse_timestamp, whole_milliseconds
from common.paho.properties import MAX_PROPERTY_BYTES, MAX_USER_PROPERTIES
from storage.capture import UNKNOWN_CAMERA, Capture
from uploader.ingest.image import PROVEN, UNLIMITED, DecodeMeter, ImageInfo, NotAnImageError, validate_image

DETAILS = ("box", "score", "quality", "track", "shot", "poor", "brightened", "timezone", "picture")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MAX_AHEAD = timedelta(days=1)
TOO_MANY_PROPERTIES = f"more than {MAX_USER_PROPERTIES} user properties or {MAX_PROPERTY_BYTES >> 10} KiB of properties"
MAX_DETAIL_LENGTH = 128  # S3 takes 2 KB of metadata in all

log = logging.getLogger(__name__)


@dataclass(frozen=True)  # without slots, which a cached property cannot have
class IncomingMessage:
    """One message as the broker delivered it."""

    topic: str
    payload: bytes = field(repr=False)
    properties: Mapping[str, str]  # the MQTT 5 user properties
    arrived_at: datetime
    oversized: bool = False  # it carried more properties than anybody reads, and none was read
    malformed: bool = False  # it carried some that cannot be read, and none was

    @cached_property
    def sha256(self) -> str:
        """Of the payload, computed once."""
        return hashlib.sha256(self.payload).hexdigest()

    @cached_property
    def identity(self) -> bytes:
        """The same bytes of the same edge are the same message."""
        return hashlib.sha256(f"{self.topic} {self.sha256}".encode()).digest()


class InvalidMessageError(Exception):
    """A message that can never be stored as a capture: keep it in rejected/ and move on."""

    def __init__(self, reason: str, reason_code: str) -> None:
        """`reason_code`: one of a few words, for the metrics. What the reason quotes of the sender is made one line."""
        super().__init__("".join(char if char.isprintable() else "?" for char in reason))
        self.reason_code = reason_code


def parse_capture(message: IncomingMessage, max_pixels: int, meter: DecodeMeter = UNLIMITED) -> Capture:
    """Take the metadata from the message, else from the image; without either the image is bare.

    Raises InvalidMessageError for what can never be stored.
    """
    edge = _edge(message.topic)
    if message.oversized:
        raise InvalidMessageError(TOO_MANY_PROPERTIES, "properties")
    if message.malformed:
        raise InvalidMessageError("its properties cannot be read", "properties")
    image = _checked_image(message, edge, max_pixels, meter)
    metadata = _metadata(message.properties, image.metadata)
    capture = Capture(
        edge=edge,
        camera=_camera(metadata),
        captured_at=_captured_at(metadata, message.arrived_at) or whole_milliseconds(message.arrived_at),
        image=message.payload,
        content_type=image.content_type,
        sha256=message.sha256,
        bare=not metadata,
        details=_details(metadata),
    )
    _check_id(metadata, capture)
    return capture


def _checked_image(message: IncomingMessage, edge: str, max_pixels: int, meter: DecodeMeter) -> ImageInfo:
    if _has_its_hash(message) and not meter.take_sample():
        meter = PROVEN
    try:
        return validate_image(message.payload, max_pixels, meter)
    except NotAnImageError as error:
        raise InvalidMessageError(str(error), "image") from error
    except MemoryError:
        raise  # that is no fault of the image
    except Exception as error:  # it would end this process, be delivered again, and end the next one
        log.exception("The uploader has a fault: reading an image of the edge %s failed", edge)
        raise InvalidMessageError(f"reading the image failed: {type(error).__name__}", "image") from error


def edge_or_underscore(topic: str) -> str:
    """The edge that the topic names; _ if the topic is not to be trusted with a key."""
    try:
        return _edge(topic)
    except InvalidMessageError:
        return "_"


def claimed_id(message: IncomingMessage) -> str | None:
    """The id under which the sender would wait for a receipt."""
    claimed = message.properties.get("id", "")
    return claimed if CAPTURE_ID.fullmatch(claimed) else None


def _has_its_hash(message: IncomingMessage) -> bool:
    """Whether the sender knew the hash of these very bytes: then they are all that it sent."""
    claimed = claimed_id(message)
    return claimed is not None and CaptureId.parse(claimed).digest == message.sha256[:8]


def _edge(topic: str) -> str:
    edge = topics.edge_of_images(topic)
    if not topics.is_edge_name(edge):
        raise InvalidMessageError("the topic does not name an edge: usbcam/<edge>/images", "topic")
    return edge


def _metadata(properties: Mapping[str, str], embedded: str | None) -> Mapping[str, str]:
    """Prefer the properties; a message that lost them is described by its image."""
    if "id" in properties or "captured_at" in properties:
        metadata: Mapping[str, str] = properties
    else:
        metadata = _embedded(embedded)
    schema = metadata.get("schema", str(SCHEMA))
    if schema != str(SCHEMA):
        raise InvalidMessageError(f"schema {schema[:8]} is not supported: update the uploader", "schema")
    return metadata


def _embedded(text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(metadata, dict) or "captured_at" not in metadata:
        return {}
    return {key: str(value) for key, value in metadata.items() if isinstance(value, str | int | float)}


def _camera(metadata: Mapping[str, str]) -> str:
    camera = metadata.get("camera", UNKNOWN_CAMERA)
    if not topics.CAMERA_NAME.fullmatch(camera):
        raise InvalidMessageError("camera is not a name of letters, digits, - and _", "camera")
    return camera


def _captured_at(metadata: Mapping[str, str], now: datetime) -> datetime | None:
    name = "captured_at" if "captured_at" in metadata else "id"
    if name not in metadata:
        return None
    try:
        text = metadata[name]
        moment = parse_timestamp(text) if name == "captured_at" else CaptureId.parse(text).captured_at
    except ValueError as error:
        raise InvalidMessageError(f"{name} is not in the format of the contract", name) from error
    if not EARLIEST <= moment <= now + MAX_AHEAD:
        problem = f"{name} {text[:24]} is before {EARLIEST.year} or more than a day ahead: set the camera's clock"
        raise InvalidMessageError(problem, "captured_at")
    return moment


def _details(metadata: Mapping[str, str]) -> dict[str, str]:
    """Keep what the contract defines, as the printable ASCII that S3 metadata allows."""
    details = {name: _printable_ascii(metadata[name]) for name in DETAILS if name in metadata}
    return {name: text for name, text in details.items() if text}


def _printable_ascii(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        text = "".join(char for char in text if char.isascii() and char.isprintable())
    return text.strip()[:MAX_DETAIL_LENGTH].strip()


def _check_id(metadata: Mapping[str, str], capture: Capture) -> None:
    claimed = metadata.get("id", capture.id)
    if claimed == capture.id:
        return
    if claimed[-8:] != capture.id[-8:]:
        raise InvalidMessageError("the id does not match the bytes", "id")
    raise InvalidMessageError("the id does not match captured_at", "id")
