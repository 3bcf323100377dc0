"""A page's connections: who says nothing is cut off, and no address holds them all."""

import asyncio
import time
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from common.web.auth import household

REQUEST_SECONDS = 10.0  # for the first request, for the next one, and for the body of either
STALL_SECONDS = 60.0  # a client that reads nothing of its response for so long is gone
SPARE_CONNECTIONS = 100  # beyond the requests at once: for those who have said nothing yet, and for health checks
SHARE_OF_ONE_ADDRESS = 0.75
BODY_HEADERS = (b"content-length", b"transfer-encoding")


class Connections:
    """All connections of a server, the oldest first. Only for the event loop's thread."""

    def __init__(self, max_requests: int) -> None:
        self._max_connections = max_requests + SPARE_CONNECTIONS
        self._max_of_one_address = int(self._max_connections * SHARE_OF_ONE_ADDRESS)
        self._open: dict[BoundedProtocol, None] = {}

    def admit(self, connection: "BoundedProtocol") -> bool:
        """Take a new connection in, in place of the oldest without a request if need be."""
        same = [other for other in self._open if other.address == connection.address]
        if len(same) >= self._max_of_one_address and not self._make_room(same):
            return False
        if len(self._open) >= self._max_connections and not self._make_room(list(self._open)):
            return False
        self._open[connection] = None
        return True

    def remove(self, connection: "BoundedProtocol") -> None:
        self._open.pop(connection, None)

    def close_silent(self) -> None:
        """Cut off whoever is late with a request, or with reading the response."""
        now = time.monotonic()
        for connection in self._open:
            connection.note_progress(now)
        for connection in [each for each in self._open if each.is_late(now)]:
            connection.abort()

    def _make_room(self, connections: list["BoundedProtocol"]) -> bool:
        oldest = next((each for each in connections if each.is_waiting), None)
        if oldest is not None:
            oldest.abort()
        return oldest is not None


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 that knows since when it waits for its client."""

    def __init__(self, connections: Connections, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._connections = connections
        self.address = ""
        self._last_cycle: object = None
        self._waiting_since = self._read_at = time.monotonic()
        self._unread = 0  # bytes of the response that the client has not taken

    @property
    def is_waiting(self) -> bool:
        """Whether the client is to send something: a request, or the rest of its body."""
        cycle: RequestResponseCycle | None = self.cycle
        idle = cycle is None or cycle.response_complete or cycle.more_body
        return idle and not self.transport.get_write_buffer_size()

    def note_progress(self, now: float) -> None:
        """Remember how much of the response the client has taken."""
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread < self._unread:
            self._read_at = now
        self._unread = unread

    def is_late(self, now: float) -> bool:
        """Whether the client has been waited for too long."""
        if self._unread:
            return now - self._read_at > STALL_SECONDS
        return self.is_waiting and now - self._waiting_since > REQUEST_SECONDS

    def abort(self) -> None:
        self._connections.remove(self)
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = household(self.client[0]) if self.client else ""
        if not self._connections.admit(self):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not self._last_cycle:  # headers are complete: the body has its own time
            self._last_cycle, self._waiting_since = self.cycle, time.monotonic()

    def on_response_complete(self) -> None:
        self._waiting_since = time.monotonic()
        super().on_response_complete()


class BusyMiddleware:
    """Answers 503 while too many requests run, but always serves what must be served."""

    def __init__(self, app: ASGIApp, max_requests: int, always_served: tuple[str, ...]) -> None:
        self._app, self._max_requests, self._always_served = app, max_requests, always_served
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in self._always_served:
            await self._app(scope, receive, send)
        elif self._running >= self._max_requests:
            busy = PlainTextResponse("Too many requests at once; try again.\n", 503, {"retry-after": "5"})
            await busy(scope, receive, send)
        else:
            await self._run(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request from when its body has arrived, so that slow senders keep nobody out."""
        counted = not any(name in BODY_HEADERS for name, _ in scope["headers"])
        self._running += counted

        async def receive_counting() -> Message:
            nonlocal counted
            message = await receive()
            if not counted and not message.get("more_body"):
                counted = True
                self._running += 1
            return message

        try:
            await self._app(scope, receive_counting, send)
        finally:
            self._running -= counted
