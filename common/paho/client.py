"""paho's client with fewer system calls: at each one its thread lets others run, and waits for its turn again.

paho reads a packet's header byte by byte, waits for the socket before each packet, and wakes its thread through TCP for
each packet that another thread sends. Thousands of images a second feel that.
"""

import contextlib
import socket
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTErrorCode

READ_AHEAD_BYTES = 32 * 1024
MAX_PACKETS_AT_ONCE = 50  # then what waits to be sent has its turn


class ReadAheadSocket(socket.socket):
    """Gives small pieces of what it has read at once."""

    _ahead: bytes = b""
    _position = 0

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        if not self.pending():
            if size >= READ_AHEAD_BYTES:
                return super().recv(size, flags)
            self._ahead, self._position = super().recv(READ_AHEAD_BYTES, flags), 0
        piece = self._ahead[self._position : self._position + size]
        self._position += len(piece)
        return piece

    def pending(self) -> int:
        """How many bytes were read and not given yet; paho asks this of TLS, whose sockets read ahead as well."""
        return len(self._ahead) - self._position


class Bell:
    """Wakes the network thread, and rings once until it has come."""

    def __init__(self) -> None:
        self._rings = False
        self._near, self._far = socket.socketpair()
        self._near.settimeout(0)
        self._far.settimeout(0)

    def fileno(self) -> int:
        return self._near.fileno()

    def send(self, data: bytes) -> int:
        """Ring; whoever comes takes all there is, so it is enough to have rung before."""
        if not self._rings:
            self._rings = True
            return self._far.send(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        """Come; from now on it rings again."""
        self._rings = False
        return self._near.recv(size)

    def close(self) -> None:
        """Close both ends; paho does it once for each."""
        self._near.close()
        self._far.close()


class Client(paho.Client):
    """Behaves as paho's does."""

    _may_skip_a_wait = False

    def reconnect_at_once(self) -> None:
        """Give up the connection for another one. Only if that fails, the usual delays begin."""
        if not isinstance(self._sock, socket.socket):
            return
        self._may_skip_a_wait = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def loop_start(self) -> MQTTErrorCode:
        paho._socketpair_compat = _make_bell  # noqa: SLF001 (it has no other way)
        return super().loop_start()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read a packet, and those that have come with it."""
        result = super().loop_read(max_packets)
        for _ in range(MAX_PACKETS_AT_ONCE):
            if result or not isinstance(self._sock, ReadAheadSocket) or not self._sock.pending():
                break
            result = super().loop_read(max_packets)
        return result

    def _reconnect_wait(self) -> None:
        if not self._may_skip_a_wait:
            super()._reconnect_wait()
        self._may_skip_a_wait = False

    def _create_socket(self) -> Any:
        connection = super()._create_socket()
        if type(connection) is not socket.socket:  # TLS and WebSockets read ahead by themselves
            return connection
        return ReadAheadSocket(fileno=connection.detach())


def _make_bell() -> tuple[Any, Any]:
    bell = Bell()
    return bell, bell
