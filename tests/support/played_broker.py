"""A broker of a few lines that grants what a test wants, and no images; for what Mosquitto never says."""

import socket
import struct
import threading
from typing import BinaryIO

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from dev.harness.process import LOOPBACK

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 12, 14


class PlayedBroker:
    """Answers CONNECT by the given properties, SUBSCRIBE by the given QoS, and acknowledges what is published."""

    def __init__(self, *, granted_qos: int = 1, **granted: int) -> None:
        self.subscriptions: list[bytes] = []
        self._granted_qos = granted_qos
        properties = Properties(PacketTypes.CONNACK)  # type: ignore[no-untyped-call]
        for name, value in granted.items():
            setattr(properties, name, value)
        self._connack: bytes = b"\x00\x00" + properties.pack()  # type: ignore[no-untyped-call]
        self._server = socket.create_server((LOOPBACK, 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        try:
            while True:
                connection, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
        except OSError:
            return

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while first := stream.read(1):
                body = stream.read(_remaining_length(stream))
                if first[0] >> 4 == DISCONNECT:
                    return
                connection.sendall(self._answer(first[0], body))

    def _answer(self, first: int, body: bytes) -> bytes:
        kind = first >> 4
        if kind == CONNECT:
            return _packet(0x20, self._connack)
        if kind == SUBSCRIBE:
            self.subscriptions.append(body)
            return _packet(0x90, body[:2] + b"\x00" + bytes([self._granted_qos]) * _count_topics(body[3:]))
        if kind == PINGREQ:
            return b"\xd0\x00"
        if kind == PUBLISH and first & 0b110:
            (length,) = struct.unpack_from("!H", body)
            return _packet(0x40, body[2 + length : 4 + length])
        return b""


def _packet(first: int, body: bytes) -> bytes:
    return bytes([first, len(body)]) + body  # these are short


def _count_topics(body: bytes) -> int:
    count = 0
    while body:
        (length,) = struct.unpack_from("!H", body)
        body, count = body[3 + length :], count + 1
    return count


def _remaining_length(stream: BinaryIO) -> int:
    length = shift = 0
    while True:
        (byte,) = stream.read(1)
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return length
        shift += 7
