"""What stands between the parts: links that can be slow, and a door before the store that can misbehave."""

import contextlib
import http.client
import random
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from dev.harness.services import LOOPBACK, free_port
from tests.faults.schedule import Kind
from tests.support.link import Link

HANG_UP_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close sends RST
SHARE = 0.8  # of the requests meet the misbehaviour; the rest pass, as in life
NOT_PASSED_ON = {"connection", "transfer-encoding", "keep-alive", "date", "server"}


class Wire(Link):
    """A link that can also be slow."""

    def __init__(self, to_port: int) -> None:
        super().__init__(to_port)
        self._bytes_per_second = 0  # 0: as fast as it goes
        self._mended = threading.Event()

    def slow_down(self, bytes_per_second: int) -> None:
        self._mended.clear()
        self._bytes_per_second = bytes_per_second

    def restore(self) -> None:
        self._bytes_per_second = 0
        self._mended.set()
        super().restore()

    def throttle(self, sent: int) -> None:
        if self._bytes_per_second:
            self._mended.wait(sent / self._bytes_per_second)


class StoreDoor:
    """An HTTP proxy in front of the store, on `port`. `closed` lets nothing through and answers 503."""

    def __init__(self, to_port: int) -> None:
        self.port = free_port()
        self.to_port = to_port
        self.misbehaviour: Kind | None = None
        self.closed = False
        self.changed = threading.Condition()
        self._inside = 0
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.misbehave(None)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def misbehave(self, kind: Kind | None) -> None:
        with self.changed:
            self.misbehaviour = kind
            self.changed.notify_all()

    def close(self) -> None:
        """Return when no request is on its way any more, and none will be."""
        with self.changed:
            self.closed = True
            self.changed.wait_for(lambda: self._inside == 0)

    def open(self) -> None:
        self.closed = False

    def enter(self) -> bool:
        """Ask to reach the store; say so with `leave`."""
        with self.changed:
            if self.closed:
                return False
            self._inside += 1
            return True

    def leave(self) -> None:
        with self.changed:
            self._inside -= 1
            self.changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, door: StoreDoor) -> None:
        self.door = door
        super().__init__((LOOPBACK, door.port), _Visit)


class _Visit(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def _visit(self) -> None:
        kind = self.server.door.misbehaviour if random.random() < SHARE else None
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match kind:
            case Kind.ERROR:
                self._refuse(500, "InternalError")
            case Kind.BUSY:
                self._refuse(503, "SlowDown")
            case Kind.RESET:
                self._hang_up()
            case Kind.HANG:
                self._wait_for_better(kind)
                self._hang_up()
            case _:
                self._forward(body, answer_client=kind is not Kind.ANSWER_LOST)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Treat do_GET, do_PUT and all the others alike."""
        if name.startswith("do_"):
            return self._visit
        raise AttributeError(name)

    def _forward(self, body: bytes, *, answer_client: bool) -> None:
        if not self.server.door.enter():
            self._refuse(503, "ServiceUnavailable")
            return
        try:
            answer, content = self._ask(body)
        except (OSError, http.client.HTTPException):
            self._hang_up()
            return
        finally:
            self.server.door.leave()
        if answer_client:
            self._tell(answer, content)
        else:
            self._hang_up()

    def _ask(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        with contextlib.closing(http.client.HTTPConnection(LOOPBACK, self.server.door.to_port, timeout=60)) as store:
            store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"expect", "connection"}:
                    store.putheader(name, value)
            store.endheaders(body)
            answer = store.getresponse()
            return answer, answer.read()

    def _tell(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in NOT_PASSED_ON | {"content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: int, code: str) -> None:
        content = f"<Error><Code>{code}</Code><Message>The test's own</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _wait_for_better(self, kind: Kind) -> None:
        door = self.server.door
        with door.changed:
            door.changed.wait_for(lambda: door.misbehaviour is not kind)

    def _hang_up(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, HANG_UP_AT_ONCE)
        self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (its name there)
        """Stay silent: by default every request is printed."""
