"""Spoilt bytes for every reader of what others wrote: each answers, or refuses in its own words. FUZZ=n sends more."""

import contextlib
import json
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from paho.mqtt.exception import MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from camera.config.schedule import Schedule
from camera.config.settings import Settings
from camera.control.homeassistant import Edge
from camera.diagnostics.broker import BrokerSnapshot, check_broker
from common.contract.capture import Capture, CaptureId, NotACaptureError
from common.contract.receipt import Receipt
from common.contract.status import CameraReport, CameraState, InvalidReportError
from common.contract.times import parse_timestamp
from common.contract.uploader_status import UploaderStatus
from common.contract.visit import Visit
from common.paho.properties import unpack_message
from gallery.catalog.cursor import Cursor
from gallery.pictures.pixel_budget import PixelBudget
from gallery.pictures.shrinking import NoImageError, shrink
from storage.keys.parser import KeyParser
from storage.keys.template import DEFAULT_TEMPLATE
from tests.support.images import pictures
from uploader.ingest.image import NotAnImageError, validate_image
from uploader.ingest.parser import InvalidMessageError, parse_capture

INPUTS = int(os.environ.get("FUZZ") or 150)
PIXELS = 1_000_000
SETTINGS = Settings(camera_source="demo")
ID = "20261122T063325.123Z-9f2c01ab"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEEP = b"[" * 100_000
PROPERTIES = b"\x1c\x26\x00\x02id\x00\x03abc\x03\x00\x05image\x01\x01\x09\x00\x02cd"


def properties(content: bytes) -> None:
    unpack_message(Properties(PacketTypes.PUBLISH), content)  # type: ignore[no-untyped-call]


def described(content: bytes) -> None:
    """Read a sound image whose description is spoilt."""
    text = content.decode("utf-8", "replace")
    for said in ({"id": text}, {"captured_at": text}, {"schema": text}, {"camera": text, "id": ID}):
        with contextlib.suppress(InvalidMessageError):
            parse_capture(pictures.message(PNG, said), PIXELS)


def retained(content: bytes) -> None:
    """Read what an edge's broker keeps, as the doctor does."""
    snapshot = BrokerSnapshot(answers=True)
    for topic in ("usbcam-bridge/state", "usbcam-bridge/token", "usbcam/status/door"):
        snapshot.add(topic, content)
    assert all(result.message for result in check_broker(SETTINGS, snapshot))
    assert isinstance(snapshot.statuses["door"], CameraReport)


def text_of(reader: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda content: reader(content.decode("utf-8", "replace"))


PNG, JPEG = pictures.png(1, pictures.description()), pictures.jpeg(1, pictures.description())
RECEIPT = json.dumps({"stored": [{"id": ID, "key": "a/b.png"}], "rejected": [{"id": ID, "reason": "no"}]}).encode()
VISIT = Visit("t-1", "door", NOON, NOON, (ID,), ID).to_json()
STATUS = CameraReport(online=True, at=NOON, state=CameraState.RUNNING, waiting=3).to_json()
READERS: dict[str, tuple[Callable[[bytes], object], tuple[bytes, ...], tuple[type[Exception], ...]]] = {
    "properties": (properties, (PROPERTIES, b"\x00", b"\x05" + PROPERTIES), (MQTTException,)),
    "receipts": (Receipt.parse, (RECEIPT, b"{}", DEEP), (ValueError,)),
    "visits": (Visit.parse, (VISIT, b'{"captures": 3}', DEEP), (ValueError,)),
    "statuses": (CameraReport.parse, (STATUS, b'{"waiting": 1e999, "at": "now"}', DEEP), (InvalidReportError,)),
    "uploader's status": (UploaderStatus.parse, (b'{"uploader": "x", "problem": null}', DEEP), ()),
    "images": (lambda content: validate_image(content, PIXELS), (PNG, JPEG), (NotAnImageError,)),
    "thumbnails": (lambda content: shrink(content, PixelBudget(PIXELS)), (PNG, JPEG), (NoImageError,)),
    "spool files": (Capture.parse, (PNG, JPEG), (NotACaptureError,)),
    "metadata": (described, (ID.encode(), b"2026-11-22T06:33:25.123Z", b"1"), ()),
    "cursors": (text_of(Cursor.decode), (Cursor(("a", "b"), ("c", "d")).encode().encode(), b"W10="), (ValueError,)),
    "keys": (text_of(KeyParser(DEFAULT_TEMPLATE).parse), (f"porch/door/2026/11/22/{ID}.png".encode(), b"a/" * 500), ()),
    "ids": (text_of(CaptureId.parse), (ID.encode(),), (ValueError,)),
    "times": (text_of(parse_timestamp), (b"2026-11-22T06:33:25.123Z",), (ValueError,)),
    "what a broker retains": (
        retained,
        (
            b'{"online": true, "state": "running", "frames_per_second": 9.9, "waiting": 3, "problem": null}',
            b'{"last_captured_at": "2026-11-22T06:33:25.123Z", "waiting": 1e999, "frames_per_second": NaN}',
            b'{"name": "porch", "host": "h", "port": 8883, "expires": 1795000000}',
            b'{"name": "porch", "host": "h", "port": 8883, "expires": 1e300}',
            DEEP,
        ),
        (),
    ),
    "commands": (text_of(Schedule.parse), (b"pause", b"mo-fr/08:00-18:00,sa/10:00-14:00"), (ValueError,)),
    "the edge's name": (
        Edge.parse,
        (b'{"name": "porch", "homeassistant": true}', b"[]", DEEP),
        (ValueError, KeyError, TypeError, RecursionError),
    ),
}


def spoil(chance: random.Random, right: bytes) -> bytes:
    content = bytearray(right)
    for _ in range(chance.choice((0, 1, 1, 2, 8))):
        place = chance.randrange(len(content) + 1)
        match chance.randrange(5):
            case 0:
                content[place : place + 1] = bytes([chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))])
            case 1:
                content[place:place] = chance.randbytes(chance.randint(1, 9))
            case 2:
                del content[place : place + chance.randint(1, 40)]
            case 3:
                del content[place:]
            case 4:
                content[place:place] = chance.choice((b'"', b"{}", b"9" * 5000, b"\xed\xa0\x80", b"[" * 2000, b"NaN"))
    return bytes(content)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what is odd
@pytest.mark.parametrize("name", READERS)
def test_whatever_comes_is_read_or_refused_in_its_own_words(name: str) -> None:
    read, samples, refusals = READERS[name]
    chance = random.Random(f"{name} {os.environ.get('SEED') or 1}")

    for _ in range(INPUTS):
        content = spoil(chance, chance.choice(samples))
        with contextlib.suppress(*refusals):
            read(content)
