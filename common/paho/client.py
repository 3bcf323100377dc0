"""paho's client, woken by other threads at less cost, and able to connect again without a wait.

paho wakes its network thread by a byte through TCP for each packet that another thread sends. At a thousand images a
second that was a quarter of the uploader's CPU.
"""

import contextlib
import socket
from typing import Any

from paho.mqtt import client as paho


def patch_paho_wake_up() -> None:
    """Let every paho client of this process be woken this way."""
    paho._socketpair_compat = _make_bell  # noqa: SLF001 (it has no other way)


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
        """Come; from now on it rings again. Only then: a ring that is taken with those before would be the last one."""
        data = self._near.recv(size)
        self._rings = False
        return data

    def close(self) -> None:
        """Close both ends; paho does it once for each."""
        self._near.close()
        self._far.close()


class Client(paho.Client):
    """paho's, which can also connect again without a wait."""

    _may_skip_a_wait = False

    def reconnect_at_once(self) -> None:
        """Give up the connection for another one. Only if that fails, the usual delays begin."""
        connection = self._sock  # the network thread may take it away at any moment
        if not isinstance(connection, socket.socket):
            return
        self._may_skip_a_wait = True
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def _reconnect_wait(self) -> None:
        if not self._may_skip_a_wait:
            super()._reconnect_wait()
        self._may_skip_a_wait = False


def _make_bell() -> tuple[Any, Any]:
    bell = Bell()
    return bell, bell
