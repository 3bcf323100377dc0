"""A network link that a test can cut, silence and restore: a TCP proxy in front of a loopback port."""

import contextlib
import select
import socket
import socketserver
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from dev.harness.services import LOOPBACK, free_port


class Link:
    """Forwards bytes from `port` to another port of this machine.

    It never accepts a connection only to close it: a TLS handshake that ends so makes Mosquitto 2.0.11 hang
    indefinitely (its socket list becomes a ring, seen with gdb in keepalive__check; fixed in later versions).
    """

    def __init__(self, to_port: int) -> None:
        self.port = free_port()
        self.attempts = 0  # connections accepted since the start
        self._to_port = to_port
        self._silent = False
        self._open: set[_Connection] = set()
        self._server: _Server | None = None
        self._pause = threading.Event()

    def __enter__(self) -> Self:
        self.restore()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        self._drop()

    def silence(self) -> None:
        """Swallow all bytes and keep the connections: the other side is gone without notice."""
        self._silent = True

    def restore(self) -> None:
        """Forward again. Connections that lost bytes end, or stay deaf until their client gives up."""
        if self._silent:
            self._drop()
        self._silent = False
        if self._server is None:
            self._server = _Server(self)
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def carry(self, near: socket.socket) -> None:
        """Pass bytes both ways until one side ends."""
        self.attempts += 1
        with contextlib.suppress(OSError), self._reach(near) as far:
            connection = _Connection(near, far)
            self._open.add(connection)
            try:
                self._pass_on(connection)
            finally:
                self._open.discard(connection)

    def reach(self) -> socket.socket:
        """Connect to the other side; raises ConnectionRefusedError."""
        return socket.create_connection((LOOPBACK, self._to_port))

    def throttle(self, _sent: int) -> None:
        """Wait as long as so many bytes take on a slow link."""

    def _reach(self, near: socket.socket) -> socket.socket:
        """Connect to the other side as soon as it listens; raises OSError when the client gives up."""
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                if self._server is not None:
                    return self.reach()
            if select.select([near], [], [], 0)[0] and not near.recv(1, socket.MSG_PEEK):
                raise ConnectionAbortedError
            self._pause.wait(0.05)

    def _pass_on(self, connection: "_Connection") -> None:
        ends = {connection.near: connection.far, connection.far: connection.near}
        while True:
            for source in select.select(list(ends), [], [])[0]:
                chunk = source.recv(4096)
                if not chunk:
                    return
                self.throttle(len(chunk))
                connection.deaf = connection.deaf or self._silent
                if not connection.deaf:
                    ends[source].sendall(chunk)
                    connection.answered = connection.answered or source is connection.far

    def _drop(self) -> None:
        for connection in tuple(self._open):
            if connection.answered:
                for end in (connection.near, connection.far):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
            connection.deaf = True


@dataclass(eq=False, slots=True)
class _Connection:
    """A client, the server it reached, and how far they got."""

    near: socket.socket
    far: socket.socket
    answered: bool = False
    deaf: bool = False  # what is sent gets lost


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, link: Link) -> None:
        self.link = link
        super().__init__((LOOPBACK, link.port), _Handler)


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.server.link.carry(self.request)
