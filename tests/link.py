"""A network link that a test can cut, silence and mend: a TCP proxy in front of a loopback port."""

import contextlib
import select
import socket
import socketserver
import threading
from types import TracebackType
from typing import Self

from local.stack import LOOPBACK, free_port


class Link:
    """Carries bytes from `port` to another port of this machine."""

    def __init__(self, to_port: int) -> None:
        self.port = free_port()
        self.attempts = 0  # connections asked for since the start, carried or refused
        self._to_port = to_port
        self._whole = True
        self._silent = False
        self._open: set[socket.socket] = set()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        self._whole = False
        self._drop()

    def silence(self) -> None:
        """Swallow all bytes and keep the connections: the other side is gone without a word."""
        self._silent = True

    def mend(self) -> None:
        """Carry again. Connections that lost bytes meanwhile end."""
        if self._silent:
            self._drop()
        self._whole, self._silent = True, False

    def carry(self, near: socket.socket) -> None:
        """Pass bytes both ways until one side ends."""
        self.attempts += 1
        if not self._whole:
            return
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self._to_port)) as far:
            ends = {near: far, far: near}
            self._open |= set(ends)
            try:
                self._pass_on(ends)
            finally:
                self._open -= set(ends)

    def _pass_on(self, ends: dict[socket.socket, socket.socket]) -> None:
        while True:
            for source in select.select(list(ends), [], [])[0]:
                chunk = source.recv(65536)
                if not chunk:
                    return
                if not self._silent:
                    ends[source].sendall(chunk)

    def _drop(self) -> None:
        for end in tuple(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def __init__(self, link: Link) -> None:
        self.link = link
        super().__init__((LOOPBACK, link.port), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.server.link.carry(self.request)
