"""The reader's half of the contract: what a message on usbcam/<edge>/images says."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from storage.capture import UNKNOWN_CAMERA, Capture
from uploader.ingest.image import NotAnImageError, examine

SCHEMA = "1"
EDGE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
RESERVED_EDGES = frozenset({"status", "images", "receipts"})
CAMERA_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
ID = re.compile(r"\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{8}")
CAPTURED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DETAILS = ("box", "score", "quality", "track", "shot")
LONGEST_DETAIL = 128  # S3 takes 2 KB of metadata in all


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the broker delivered it."""

    topic: str
    payload: bytes = field(repr=False)
    properties: Mapping[str, str]  # the MQTT 5 user properties
    arrived_at: datetime


class InvalidMessageError(Exception):
    """A message that can never be stored as a picture: keep it in rejected/ and move on."""

    def __init__(self, reason: str, about: str) -> None:
        """`about`: one of a few words, to count by."""
        super().__init__(reason)
        self.about = about


def parse(message: Message, max_pixels: int) -> Capture:
    """Read a capture from a message, from its picture, or from nothing but the bytes."""
    edge = _edge(message.topic)
    try:
        image = examine(message.payload, max_pixels)
    except NotAnImageError as error:
        raise InvalidMessageError(str(error), "image") from error
    said = _description(message.properties, image.description)
    capture = Capture(
        edge=edge,
        camera=_camera(said),
        captured_at=_captured_at(said) or _to_milliseconds(message.arrived_at),
        image=message.payload,
        content_type=image.content_type,
        sha256=hashlib.sha256(message.payload).hexdigest(),
        bare=not said,
        details=_details(said),
    )
    _check_id(said, capture)
    return capture


def edge_or_underscore(topic: str) -> str:
    """Name the sender as far as the topic can be trusted with a place in the bucket."""
    try:
        return _edge(topic)
    except InvalidMessageError:
        return "_"


def claimed_id(message: Message) -> str | None:
    """Tell under which id a sender would wait for a receipt."""
    claimed = message.properties.get("id", "")
    return claimed if ID.fullmatch(claimed) else None


def _edge(topic: str) -> str:
    edge = topic.removeprefix("usbcam/").removesuffix("/images")
    if not EDGE_NAME.fullmatch(edge) or edge in RESERVED_EDGES:
        raise InvalidMessageError("the topic does not name an edge: usbcam/<edge>/images", "topic")
    return edge


def _description(properties: Mapping[str, str], embedded: str | None) -> Mapping[str, str]:
    """Prefer the properties; a message that lost them on the way is described by its picture."""
    if "id" in properties or "captured_at" in properties:
        said: Mapping[str, str] = properties
    else:
        said = _embedded(embedded)
    schema = said.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise InvalidMessageError(f"schema {schema[:8]} is unknown here: update the uploader", "schema")
    return said


def _embedded(text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict) or "captured_at" not in said:
        return {}
    return {key: str(value) for key, value in said.items() if isinstance(value, str | int | float)}


def _camera(said: Mapping[str, str]) -> str:
    camera = said.get("camera", UNKNOWN_CAMERA)
    if not CAMERA_NAME.fullmatch(camera):
        raise InvalidMessageError("camera is not a name of letters, digits, - and _", "camera")
    return camera


def _captured_at(said: Mapping[str, str]) -> datetime | None:
    if "captured_at" in said:
        return _time(said["captured_at"], CAPTURED_AT, "captured_at")
    if "id" in said:
        return _time(said["id"], ID, "id")
    return None


def _time(text: str, pattern: re.Pattern[str], name: str) -> datetime:
    try:
        if pattern.fullmatch(text):
            stamp = text.rpartition("-")[0] if name == "id" else text
            return datetime.fromisoformat(stamp)
    except ValueError:  # the thirteenth month
        pass
    raise InvalidMessageError(f"{name} is not as the contract writes it", name)


def _to_milliseconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def _details(said: Mapping[str, str]) -> dict[str, str]:
    """Carry what the contract knows, in the plain ASCII that S3's metadata takes."""
    plain = {name: _plain(said.get(name, "")) for name in DETAILS}
    return {name: text for name, text in plain.items() if text}


def _plain(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        text = "".join(sign for sign in text if sign.isascii() and sign.isprintable())
    return text.strip()[:LONGEST_DETAIL].strip()


def _check_id(said: Mapping[str, str], capture: Capture) -> None:
    claimed = said.get("id", capture.id)
    if claimed == capture.id:
        return
    if claimed[-8:] != capture.id[-8:]:
        raise InvalidMessageError("the id does not fit the bytes", "id")
    raise InvalidMessageError("the id does not fit captured_at", "id")
