"""An edge that sends what it likes, byte by byte, and waits for the broker to take each message."""

import socket
import struct
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from paho.mqtt.properties import VariableByteIntegers

from dev.harness.services import LOOPBACK
from tests.support.attacks.attack import connect_packet, packet, text

SECONDS = 30.0
TOPIC = "usbcam/flood/images"
PUBACK = 0x40

Properties = Sequence[tuple[int, bytes]]  # identifier and encoded value


class Flood:
    """The socket of the edge `flood`, for the length of a `with`."""

    def __init__(self, port: int, client_id: str = "flood") -> None:
        self._socket = socket.create_connection((LOOPBACK, port), SECONDS)
        self._socket.sendall(connect_packet(client_id))
        self._read_packet()
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, payload: bytes, properties: Properties = (), *, qos: int = 1) -> None:
        self._number += 1
        identifier = struct.pack(">H", self._number) if qos else b""
        content = b"".join(bytes([kind]) + value for kind, value in properties)
        length: bytes = VariableByteIntegers.encode(len(content))  # type: ignore[no-untyped-call]
        self._socket.sendall(packet(0x30 | qos << 1, text(TOPIC) + identifier + length + content + payload))
        while qos and self._read_packet() != PUBACK:
            pass

    def send_all(self, payloads: Iterable[bytes]) -> None:
        for payload in payloads:
            self.send(payload)

    def _read_packet(self) -> int:
        kind, length = self._read(2)
        self._read(length)
        return kind & 0xF0

    def _read(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            piece = self._socket.recv(size - len(content))
            if not piece:
                raise ConnectionError("the broker hung up")
            content += piece
        return content
