"""Properties are read as paho reads them, at a bounded cost, and hostile ones are told apart."""

import random
import string
from typing import Any

import pytest
from paho.mqtt.exception import MalformedPacket, MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers

from common.paho import properties as module
from common.paho.properties import (
    MAX_PROPERTY_BYTES,
    MAX_USER_PROPERTIES,
    is_malformed,
    is_oversized,
    unpack,
    unpack_message,
)

EMPTY_PAIR = b"\x26\x00\x00\x00\x00"
INPUTS = 2_000


def packed(pairs: int) -> bytes:
    content = EMPTY_PAIR * pairs
    length: bytes = VariableByteIntegers.encode(len(content))  # type: ignore[no-untyped-call]
    return length + content


def publish_properties() -> Any:
    """Paho's own, which has no types."""
    return Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]


def read(buffer: bytes) -> tuple[Any, int]:
    return unpack(publish_properties(), buffer)


def some(random_: random.Random) -> Any:
    """Valid properties of a PUBLISH."""
    properties = publish_properties()
    text = "".join(random_.choices(string.printable + "äß€", k=random_.randrange(20)))
    choices = {
        "ContentType": text,
        "ResponseTopic": text,
        "CorrelationData": random_.randbytes(random_.randrange(9)),
        "MessageExpiryInterval": random_.randrange(1 << 32),
        "PayloadFormatIndicator": random_.randrange(2),
        "SubscriptionIdentifier": random_.randrange(1, 268_435_455),
    }
    for name in random_.sample(sorted(choices), random_.randrange(len(choices) + 1)):
        setattr(properties, name, choices[name])
    for _ in range(random_.randrange(8)):
        properties.UserProperty = ("".join(random_.choices(string.ascii_letters, k=random_.randrange(9))), text)
    return properties


def test_what_is_valid_is_read_as_it_was_written() -> None:
    random_ = random.Random(5)
    for _ in range(300):
        written = some(random_)

        properties, used = read(bytes(written.pack()) + b"the payload")

        assert properties.json() == written.json()
        assert used == len(written.pack())
        assert not is_oversized(properties)


@pytest.mark.parametrize("pairs", [MAX_USER_PROPERTIES + 1, 2_000, 200_000])
def test_too_many_properties_are_not_read(monkeypatch: pytest.MonkeyPatch, pairs: int) -> None:
    buffer = packed(pairs)
    reads: list[int] = []
    original = module.read_utf8

    def counted(content: bytes | bytearray, position: int, end: int) -> tuple[str, int]:
        reads.append(position)
        return original(content, position, end)

    monkeypatch.setattr(module, "read_utf8", counted)

    properties, used = read(buffer + b"image")

    assert is_oversized(properties)
    assert not hasattr(properties, "UserProperty")
    assert buffer[used:] == b""
    assert 0 < len(reads) <= 2 * (MAX_USER_PROPERTIES + 1) or pairs * len(EMPTY_PAIR) > MAX_PROPERTY_BYTES


def test_as_many_as_are_allowed_are_read() -> None:
    properties, _ = read(packed(MAX_USER_PROPERTIES))

    assert properties.UserProperty == [("", "")] * MAX_USER_PROPERTIES
    assert not is_oversized(properties)


def test_few_large_properties_are_too_large_as_well() -> None:
    written = publish_properties()
    written.UserProperty = ("id", "x" * MAX_PROPERTY_BYTES)

    properties, used = read(bytes(written.pack()))

    assert is_oversized(properties)
    assert used == len(written.pack())


@pytest.mark.parametrize(
    "buffer",
    [b"", b"\x05", b"\x05\x26\x00\x09ab", b"\xff\xff\xff\xff\x01", b"\x02\x7f\x00", b"\x01\x26", b"\x01\x02"],
)
def test_what_is_cut_short_or_unknown_is_malformed(buffer: bytes) -> None:
    with pytest.raises(MalformedPacket):
        read(buffer)


def test_whatever_comes_is_read_or_refused() -> None:
    random_ = random.Random(7)
    for _ in range(INPUTS):
        buffer = bytearray(some(random_).pack())
        for _ in range(random_.randrange(4)):
            buffer[random_.randrange(len(buffer))] = random_.randrange(256)
        try:
            properties, used = read(bytes(buffer))
        except MQTTException:
            continue
        assert used <= len(buffer)
        assert len(getattr(properties, "UserProperty", [])) <= MAX_USER_PROPERTIES


UNREADABLE = [
    b"\x02\x01\x07",
    b"\x03\x23\x00\x00",
    b"\x05\x11\x00\x00\x00\x01",
    b"\x02\x7f\x00",
    b"\x05\x26\x00\x09ab",
    b"\x01\x26",
]


@pytest.mark.parametrize("buffer", UNREADABLE)
def test_a_message_with_unreadable_properties_says_so_and_ends_no_connection(buffer: bytes) -> None:
    properties, used = unpack_message(publish_properties(), buffer + b"the payload")

    assert used == len(buffer)
    assert is_malformed(properties)
    assert properties.json() == {}


def test_of_the_broker_itself_they_are_an_error() -> None:
    with pytest.raises(MQTTException):
        unpack_message(Properties(PacketTypes.CONNACK), b"\x02\x7f\x00")  # type: ignore[no-untyped-call]
    with pytest.raises(MalformedPacket):
        unpack_message(publish_properties(), b"\x05")
