"""Malformed messages: seeded, an endless stream."""

import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.faults.rig.pictures import capture, noise

PNG = b"\x89PNG\r\n\x1a\n"
DEEP = 100_000
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
ID_LIKE = "20261122T063325.123Z-9f2c01ab"
WORDS = (
    "",
    "x",
    "ä" * 300,
    "\ufeff",
    "../../etc/passwd",
    "a" * 60_000,
    "1" * 5000,
    "NaN",
    "\U0001f600",
    ID_LIKE,
)
NAMES = ("schema", "id", "camera", "captured_at", "box", "score", "quality", "track", "content-type", "")
CLOUD_TOPICS = (  # below the name of who sends it: tests/broker tries all others
    "usbcam/attic/images",
    "usbcam/attic/images/x",
    "usbcam/attic/",
    "usbcam/attic/ö",
)
EDGE_TOPICS = ("usbcam/images", "usbcam/images/x", "usbcam/", "usbcam/a/b/c", "other", "usbcam/status/door")
CLOUD_RECEIPTS, EDGE_RECEIPTS, BRIDGE_STATE = "usbcam/attic/receipts", "usbcam/receipts", "usbcam-bridge/state"


@dataclass(frozen=True, slots=True)
class Nonsense:
    """A message for one of the two brokers."""

    at_edge: bool
    topic: str
    payload: bytes = field(repr=False)
    properties: tuple[tuple[str, str], ...] = ()
    retain: bool = False


def nonsense(seed: int) -> Iterator[Nonsense]:
    chance = random.Random(seed)
    image, jpeg = noise(48, 64), noise(48, 64, "jpeg")
    while True:
        yield chance.choice((_bytes, _picture, _properties, _receipt, _state))(chance, image, jpeg)


def _bytes(chance: random.Random, _image: bytes, _jpeg: bytes) -> Nonsense:
    at_edge = chance.random() < 0.5
    topic = chance.choice(EDGE_TOPICS if at_edge else CLOUD_TOPICS)
    start = chance.choice((b"", b"", PNG, b"\xff\xd8\xff"))
    return Nonsense(at_edge, topic, start + chance.randbytes(chance.randint(0, 3000)), (), chance.random() < 0.05)


def _picture(chance: random.Random, image: bytes, jpeg: bytes) -> Nonsense:
    spoil: Callable[[random.Random, bytes], bytes] = chance.choice((_cut, _flip, _huge, _long_text, _padded))
    spoilt = spoil(chance, chance.choice((image, jpeg)))
    return Nonsense(chance.random() < 0.5, "usbcam/images", spoilt) if chance.random() < 0.5 else _cloud(spoilt)


def _cloud(payload: bytes) -> Nonsense:
    return Nonsense(at_edge=False, topic="usbcam/attic/images", payload=payload)


def _cut(chance: random.Random, image: bytes) -> bytes:
    return image[: chance.randrange(len(image))]


def _flip(chance: random.Random, image: bytes) -> bytes:
    place = chance.randrange(len(image))
    return image[:place] + bytes([image[place] ^ (1 << chance.randrange(8))]) + image[place + 1 :]


def _padded(chance: random.Random, image: bytes) -> bytes:
    return image + chance.randbytes(100)


def _huge(chance: random.Random, _image: bytes) -> bytes:
    """Promise more pixels than fit into any memory, or as many as are allowed and all of them black."""
    width, height = chance.choice(((2**31 - 1, 2**31 - 1), (60_000, 60_000), (8000, 8000), (3000, 3000)))
    rows = zlib.compress(bytes(min(height * (width + 1), 10**7)), 9)
    return PNG + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + _chunk(b"IDAT", rows) + END


def _long_text(_chance: random.Random, _image: bytes) -> bytes:
    """Hide 50 MB of text in 50 KB."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    text = b"usbcam\0\1\0\0\0" + BOMB
    return PNG + head + _chunk(b"iTXt", text) + _chunk(b"IDAT", zlib.compress(b"\0\0")) + END


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


END = _chunk(b"IEND", b"")
BOMB = zlib.compress(b" " * 50_000_000, 9)


def _properties(chance: random.Random, image: bytes, _jpeg: bytes) -> Nonsense:
    """Describe a real picture wrongly: all is right but one thing, or nothing is."""
    real = capture(NEW_YEAR + timedelta(milliseconds=chance.randrange(10**10)), image, camera="liar")
    pairs = real.properties()
    wrong = (chance.choice(NAMES), chance.choice(WORDS))
    if chance.random() < 0.5:
        pairs = [pair for pair in pairs if pair[0] != wrong[0]]
    pairs = [wrong] * chance.choice((1, 1, 1, 300 if len(wrong[1]) < 1000 else 2)) + pairs
    chance.shuffle(pairs)
    at_edge = chance.random() < 0.5
    topic = "usbcam/images" if at_edge else chance.choice(CLOUD_TOPICS)
    return Nonsense(at_edge, topic, real.image, tuple(pairs))


def _receipt(chance: random.Random, _image: bytes, _jpeg: bytes) -> Nonsense:
    at_edge = chance.random() < 0.5
    shape: object = chance.choice(
        (
            {"stored": chance.choice((None, 5, "x", {}, [None], [[]], [{}], [{"id": None}], [{"id": {"id": []}}]))},
            {"stored": [{"id": chance.choice(WORDS), "key": chance.choice(WORDS)}] * 100},
            {"rejected": [{"id": chance.choice(WORDS), "reason": chance.choice(WORDS)}]},
            {"rejected": [{"id": ID_LIKE, "reason": 5}], "stored": [{"id": "\ud800"}]},
            [], "", 0, None, "stored", [["stored"]],
        )
    )  # fmt: skip
    payload = json.dumps(shape).encode()
    payload = chance.choice((payload, payload, payload[:-1], chance.randbytes(50), b"[" * DEEP, b"9" * DEEP, b""))
    properties = ((chance.choice(WORDS), chance.choice(WORDS)),) if chance.random() < 0.3 else ()
    topic = EDGE_RECEIPTS if at_edge else CLOUD_RECEIPTS
    return Nonsense(at_edge, topic, payload, properties, chance.random() < 0.1)


def _state(chance: random.Random, _image: bytes, _jpeg: bytes) -> Nonsense:
    payload = chance.choice((b"", b"2", b"up", chance.randbytes(20)))
    return Nonsense(at_edge=True, topic=BRIDGE_STATE, payload=payload, retain=chance.random() < 0.2)
