"""A PUBLISH packet, taken apart with one copy of its payload; paho makes four, and an image has 80 KB and more."""

from struct import unpack_from
from typing import Any

from paho.mqtt import _packet
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from common.paho.properties import read_variable_integer

LENGTH_BYTES = 2
DUP, QOS, RETAIN = 0x08, 0x06, 0x01  # bits of the header

paho_decode = _packet.decode_publish


def patch_paho_publish() -> None:
    """Let every paho client of this process read images this way."""
    _packet.decode_publish = decode_publish


@_packet.convert_exception
def decode_publish(header: int, packet: bytes | bytearray, protocol: MQTTProtocolVersion) -> Any:
    """Decode what follows the fixed header, as paho's function of this name does. Raises MalformedPacket."""
    if protocol != MQTTProtocolVersion.MQTTv5:
        return paho_decode(header, packet, protocol)
    qos = (header & QOS) >> 1
    topic_end = LENGTH_BYTES + int.from_bytes(packet[:LENGTH_BYTES])
    position = topic_end + (LENGTH_BYTES if qos else 0)
    if position > len(packet):
        raise MalformedPacket("a PUBLISH is cut short")
    mid = unpack_from("!H", packet, topic_end)[0] if qos else 0
    size, start = read_variable_integer(packet, position, len(packet))
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    _, used = properties.unpack(bytes(packet[position : start + size]))  # type: ignore[no-untyped-call]
    return _packet.PublishPacket(
        dup=bool(header & DUP),
        qos=qos,
        retain=bool(header & RETAIN),
        topic=bytes(packet[LENGTH_BYTES:topic_end]),
        mid=mid,
        properties=properties,
        payload=bytes(memoryview(packet)[position + used :]),
    )
