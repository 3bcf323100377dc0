"""The one way to make an MQTT client."""

import logging
import re
import socket
import threading

import pytest
from paho.mqtt.client import Client
from paho.mqtt.exception import MalformedPacket

from common.mqtt import new_client
from common.paho.properties import read_utf8
from tests.support.paths import ROOT

CONNACK = bytes([0x20, 3, 0, 0, 0])  # accepted, no properties
SUBACK = bytes([0x90, 4, 0, 1, 0, 0])  # of packet 1: QoS 0
CONNECT_TIMEOUT_SECONDS = 10.0


@pytest.mark.parametrize("text", ["", "porch", "\ufeff a byte order mark", "Türe"])
def test_a_string_may_hold_what_mqtt_allows(text: str) -> None:
    packed = len(text.encode()).to_bytes(2, "big") + text.encode()

    assert read_utf8(packed + b"more", 0, len(packed)) == (text, len(packed))


@pytest.mark.parametrize(("buffer", "max_bytes"), [(b"", 0), (b"\0", 1), (b"\0\x05abc", 5), (b"\0\x05abcde", 6)])
def test_a_string_longer_than_its_packet_is_malformed(buffer: bytes, max_bytes: int) -> None:
    with pytest.raises(MalformedPacket):
        read_utf8(buffer, 0, min(max_bytes, len(buffer)))


def test_an_exception_in_a_callback_is_logged_and_the_client_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """A socket plays the broker: it accepts the connection and the subscription."""
    subscribed = threading.Event()
    client = new_client("test")

    def break_down(client: Client, *_: object) -> None:
        client.subscribe("usbcam/images")
        raise RuntimeError("the callback broke")

    client.on_connect = break_down
    client.on_subscribe = lambda *_: subscribed.set()
    with socket.create_server(("127.0.0.1", 0)) as server, caplog.at_level(logging.ERROR):
        server.settimeout(CONNECT_TIMEOUT_SECONDS)
        client.connect_async("127.0.0.1", server.getsockname()[1])
        client.loop_start()
        connection, _ = server.accept()
        with connection:
            connection.settimeout(CONNECT_TIMEOUT_SECONDS)
            connection.recv(1000)
            connection.sendall(CONNACK)
            connection.recv(1000)
            connection.sendall(SUBACK)
            alive = subscribed.wait(CONNECT_TIMEOUT_SECONDS)
        client.disconnect()
        client.loop_stop()

    assert alive
    (record,) = caplog.records
    assert "on_connect" in record.getMessage()
    assert record.exc_info
    assert record.exc_info[0] is RuntimeError


def test_product_code_makes_its_clients_in_one_place() -> None:
    sources = [path for part in ("edge", "cloud", "common") for path in (ROOT / part).rglob("*.py")]

    makers = [path.relative_to(ROOT) for path in sources if re.search(r"CallbackAPIVersion", path.read_text())]

    assert [str(path) for path in makers] == ["common/mqtt.py"]
