"""MQTT 5 properties, read by offset and no further than honest senders go.

paho cuts its buffer anew for each property: 200,000 empty ones take it more than a minute on the network thread, the
keep-alive lapses, and the broker delivers the same message again, without end. Here the cost of a message is bounded:
what exceeds the limits is not read at all, and the message says so of itself.
"""

from collections.abc import Callable
from struct import unpack_from
from typing import Any

from paho.mqtt.exception import MalformedPacket, MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

MAX_USER_PROPERTIES = 64
MAX_PROPERTY_BYTES = 8 * 1024

CONTENT_TYPE, USER_PROPERTY = 3, 38
LENGTH_BYTES = 2
OVERSIZED, MALFORMED = "oversized", "malformed"
# paho builds these tables of the standard anew for each packet; nobody changes them.
PACKET_TYPE = "packetType"
TABLES = {name: table for name, table in vars(Properties(0)).items() if name != PACKET_TYPE}  # type: ignore[no-untyped-call]
NAMES = {identifier: name.replace(" ", "") for name, identifier in TABLES["names"].items()}

Reader = Callable[[bytes | bytearray, int, int], tuple[Any, int]]  # buffer, position, end -> value, next position


def patch_paho_properties() -> None:
    """Let every paho client of this process read properties this way."""
    Properties.unpack = unpack_message  # type: ignore[method-assign]
    Properties.__init__ = _init  # type: ignore[method-assign]
    Properties.clear = _clear  # type: ignore[method-assign]


def is_oversized(properties: object) -> bool:
    """Tell whether a message carried more properties than are read; none of its properties can be relied on."""
    return bool(getattr(properties, OVERSIZED, False))


def is_malformed(properties: object) -> bool:
    """Tell whether a message carried properties that paho does not take, though a broker passed them on."""
    return bool(getattr(properties, MALFORMED, False))


def unpack_message(self: Any, buffer: bytes | bytearray) -> tuple[Any, int]:
    """Read properties as `unpack` does, but let no message end the connection: it would come again, without end.

    Brokers are less strict than paho. So what it does not take is skipped, and the message says so of itself.
    """
    try:
        return unpack(self, buffer)
    except MQTTException:
        size, position = read_variable_integer(buffer, 0, len(buffer))
        if self.packetType != PacketTypes.PUBLISH or position + size > len(buffer):
            raise
        self.clear()
        object.__setattr__(self, MALFORMED, True)
        return self, position + size


def unpack(self: Any, buffer: bytes | bytearray) -> tuple[Any, int]:
    """Read properties from the start of a buffer; return how many bytes they took. Raises MalformedPacket.

    Takes the place of `Properties.unpack`, whose signature it keeps.
    """
    self.clear()
    size, position = read_variable_integer(buffer, 0, len(buffer))
    end = position + size
    if end > len(buffer):
        raise MalformedPacket("properties are longer than their packet")
    if size > MAX_PROPERTY_BYTES or not _read_all(self, buffer, position, end):
        self.clear()
        object.__setattr__(self, OVERSIZED, True)
    return self, end


def _init(self: Any, packetType: int) -> None:  # noqa: N803 (paho's name)
    vars(self).update(TABLES, packetType=packetType)


def _clear(self: Any) -> None:
    for name in vars(self).keys() - TABLES.keys() - {PACKET_TYPE}:
        delattr(self, name)


def _read_all(properties: Any, buffer: bytes | bytearray, position: int, end: int) -> bool:
    """Read one property after the other; False when there are too many."""
    value: Any
    pairs: list[tuple[str, str]] = []
    while position < end:
        if buffer[position] == USER_PROPERTY:  # nearly all are
            value, position = _read_pair(buffer, position + 1, end)
        else:
            identifier, position = read_variable_integer(buffer, position, end)
            kind = properties.properties.get(identifier)
            if kind is None:
                raise MalformedPacket(f"property {identifier} is unknown")
            value, position = READERS[kind[0]](buffer, position, end)
            if identifier != USER_PROPERTY:
                _set(properties, identifier, value)
                continue
        pairs.append(value)
        if len(pairs) > MAX_USER_PROPERTIES:
            return False
    if pairs:
        object.__setattr__(properties, "UserProperty", pairs)  # paho's own setter copies the list for each pair
    return True


def _set(properties: Any, identifier: int, value: object) -> None:
    name = NAMES[identifier]
    is_there = name in vars(properties)
    if is_there and not properties.allowsMultiple(name):
        raise MalformedPacket(f"property {name} is there twice")
    if identifier == CONTENT_TYPE and properties.packetType == PacketTypes.PUBLISH:
        object.__setattr__(properties, name, value)  # what each image has; paho's own setter tries all names
    else:
        setattr(properties, name, value)


def read_variable_integer(buffer: bytes | bytearray, position: int, end: int) -> tuple[int, int]:
    """Read an integer of at most four bytes, seven bits each, the lowest first.

    Return it and the position behind it, as all readers do; raises MalformedPacket.
    """
    value = 0
    for shift in range(0, 28, 7):
        if position >= end:
            raise MalformedPacket("an integer is cut short")
        byte = buffer[position]
        position += 1
        value |= (byte & 127) << shift
        if not byte & 128:
            return value, position
    raise MalformedPacket("an integer is longer than four bytes")


def read_utf8(buffer: bytes | bytearray, position: int, end: int) -> tuple[str, int]:
    """Read a string; raises MalformedPacket.

    Byte order marks pass: MQTT allows them and Mosquitto forwards them, though paho would hang up.
    """
    start = position + LENGTH_BYTES
    if start > end:
        raise MalformedPacket("a length is cut short")
    stop = start + (buffer[position] << 8) + buffer[position + 1]
    if stop > end:
        raise MalformedPacket("a value is longer than its packet")
    return str(buffer[start:stop], "utf-8", "replace"), stop


def read_binary(buffer: bytes | bytearray, position: int, end: int) -> tuple[bytes, int]:
    """Read bytes behind their length; raises MalformedPacket."""
    if position + LENGTH_BYTES > end:
        raise MalformedPacket("a length is cut short")
    start = position + LENGTH_BYTES
    stop = start + int.from_bytes(buffer[position:start], "big")
    if stop > end:
        raise MalformedPacket("a value is longer than its packet")
    return bytes(buffer[start:stop]), stop


def _read_pair(buffer: bytes | bytearray, position: int, end: int) -> tuple[tuple[str, str], int]:
    name, position = read_utf8(buffer, position, end)
    value, position = read_utf8(buffer, position, end)
    return (name, value), position


def _integer_reader(layout: str, size: int) -> Reader:
    def read(buffer: bytes | bytearray, position: int, end: int) -> tuple[int, int]:
        if position + size > end:
            raise MalformedPacket("an integer is cut short")
        (value,) = unpack_from(layout, buffer, position)
        return value, position + size

    return read


# In the order of paho's Properties.types.
READERS: tuple[Reader, ...] = (
    _integer_reader(">B", 1),
    _integer_reader(">H", 2),
    _integer_reader(">I", 4),
    read_variable_integer,
    read_binary,
    read_utf8,
    _read_pair,
)
