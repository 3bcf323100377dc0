"""A PUBLISH is read as paho reads it, with one copy of its payload."""

import random
import tracemalloc
from typing import Any

import pytest
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket, MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from common.mqtt import new_client
from common.paho.publish import decode_publish, paho_decode

MEGABYTE = 1 << 20
V5 = MQTTProtocolVersion.MQTTv5


def packet(topic: bytes, qos: int, pairs: int, payload: bytes) -> bytes:
    properties: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "image/png"
    for number in range(pairs):
        properties.UserProperty = (f"name{number}", "value")
    mid = (7).to_bytes(2, "big") if qos else b""
    return len(topic).to_bytes(2, "big") + topic + mid + bytes(properties.pack()) + payload


def outcome(decode: Any, header: int, content: bytes, protocol: MQTTProtocolVersion = V5) -> Any:
    try:
        read = decode(header, content, protocol)
    except MQTTException as error:
        return type(error)
    return (*read[:5], read.properties.json() if read.properties else None, bytes(read.payload))


def test_it_reads_what_paho_reads_also_of_broken_packets() -> None:
    new_client()  # properties are read our way by both
    chance = random.Random(3)
    for _ in range(400):
        qos = chance.randrange(3)
        header = 0x30 | qos << 1 | chance.choice((0, 1, 8, 9))
        content = bytearray(packet(chance.randbytes(chance.randrange(30)), qos, chance.randrange(4), b"\x89PNG"))
        for _ in range(chance.randrange(4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        cut = bytes(content[: chance.randrange(len(content) + 1)]) if chance.random() < 0.3 else bytes(content)

        assert outcome(decode_publish, header, cut) == outcome(paho_decode, header, cut)


def test_older_protocols_are_left_to_paho() -> None:
    content = b"\0\x01a" + b"payload"

    assert outcome(decode_publish, 0x30, content, MQTTProtocolVersion.MQTTv311)[-1] == b"payload"


@pytest.mark.parametrize("content", [b"", b"\0", b"\0\x05abc", b"\0\x01a\0", b"\0\x01a\0\x01\x05"])
def test_what_is_cut_short_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedPacket):
        decode_publish(0x32, content, V5)


def test_the_payload_is_copied_once() -> None:
    content = bytearray(packet(b"usbcam/porch/images", 1, 8, bytes(MEGABYTE)))
    tracemalloc.start()
    try:
        read = decode_publish(0x32, content, V5)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(read.payload) == MEGABYTE
    assert most < 1.1 * MEGABYTE
