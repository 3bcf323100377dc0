"""The one way to make an MQTT client: MQTT 5, patient reconnects, and callbacks that cannot end paho's thread."""

import logging
import sys

import paho.mqtt.properties
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, LogLevel
from paho.mqtt.exception import MalformedPacket

log = logging.getLogger(__name__)

NO_MATCHING_SUBSCRIBERS = "No matching subscribers"  # paho's name of reason code 0x10: a success that reached nobody
MIN_RECONNECT_SECONDS, MAX_RECONNECT_SECONDS = 1, 10
LENGTH_BYTES = 2
CALLBACK_FAILED = "Caught exception in"  # how paho begins to report an exception of a callback


def new_client(
    client_id: str = "", *, manual_ack: bool = False, max_reconnect_seconds: int = MAX_RECONNECT_SECONDS
) -> Client:
    """Create a client that is not connected yet; without a client ID the broker assigns one."""
    patch_paho_utf8()
    client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5, manual_ack=manual_ack)
    client.reconnect_delay_set(MIN_RECONNECT_SECONDS, max_reconnect_seconds)
    client.suppress_exceptions = True  # by default an exception in a callback ends the network thread silently
    client.on_log = _log_callback_errors
    return client


def patch_paho_utf8() -> None:
    """Make paho accept byte order marks.

    paho treats that mark as an error and disconnects, although MQTT allows it and Mosquitto forwards it.
    One such property in a retained message would break every connection of the camera.
    """
    paho.mqtt.properties.readUTF = read_utf8


def read_utf8(buffer: bytes, max_bytes: int) -> tuple[str, int]:
    """Read a string from the start of the buffer; return it and how many bytes it took."""
    length = int.from_bytes(buffer[:LENGTH_BYTES], "big")
    end = LENGTH_BYTES + length
    if max_bytes < LENGTH_BYTES or end > max_bytes or end > len(buffer):
        raise MalformedPacket("a string is longer than its packet")
    return bytes(buffer[LENGTH_BYTES:end]).decode("utf-8", "replace"), end


def _log_callback_errors(_client: Client, _userdata: object, level: int, message: str) -> None:
    if level == LogLevel.MQTT_LOG_ERR and message.startswith(CALLBACK_FAILED):
        log.error("%s", message, exc_info=sys.exception())  # paho calls this while it handles the exception
