"""MQTT's strings, byte order marks included.

paho takes that mark for an error and hangs up, although MQTT allows it and Mosquitto passes it on:
one such property in a message that the broker keeps would meet the camera at every connection.
"""

import paho.mqtt.properties
from paho.mqtt.exception import MalformedPacket

LENGTH_BYTES = 2


def read(buffer: bytes, longest: int) -> tuple[str, int]:
    """Read a string; tell how many bytes it took."""
    length = int.from_bytes(buffer[:LENGTH_BYTES], "big")
    end = LENGTH_BYTES + length
    if longest < LENGTH_BYTES or end > longest or end > len(buffer):
        raise MalformedPacket("a string is longer than its packet")
    return bytes(buffer[LENGTH_BYTES:end]).decode("utf-8", "replace"), end


def accept_byte_order_marks() -> None:
    """Let paho read strings this way."""
    paho.mqtt.properties.readUTF = read
