"""An S3 server that keeps nothing and takes its time: what is left is the client's own cost. `PORT DELAY_SECONDS`.

The first objects it does keep: the uploader reads one back, and writes it again, before it trusts a store.
"""

import asyncio
import re
import sys
from typing import ClassVar

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
STORED = b'HTTP/1.1 200 OK\r\nETag: "00000000000000000000000000000000"\r\nContent-Length: 0\r\n\r\n'
LISTED = b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'
TAKEN = b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
MAX_KEPT = 64


class Server(asyncio.Protocol):
    """One connection: requests one after another."""

    stored = 0
    delay_seconds = 0.0
    kept: ClassVar[dict[bytes, bytearray]] = {}  # by path

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (what create_server gives)
        self._transport = transport
        self._head = b""
        self._missing = 0
        self._body: bytearray | None = None  # if it is to be kept
        self._answer = STORED

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._take(data)
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return
        head, body = self._head[:end], self._head[end + 4 :]
        self._head = b""
        if not head.startswith(b"PUT "):
            self._transport.write(_answer(head))
            return
        self._begin(_path(head))
        length = LENGTH.search(head)
        self._missing = int(length[1]) if length else 0
        if b"100-continue" in head:
            self._transport.write(GO_ON)
        self._take(body)

    def _begin(self, path: bytes) -> None:
        is_taken = path in Server.kept
        self._answer, self._body = TAKEN if is_taken else STORED, None
        if not is_taken and len(Server.kept) < MAX_KEPT:
            self._body = Server.kept[path] = bytearray()

    def _take(self, data: bytes) -> None:
        if self._body is not None:
            self._body += data
        self._missing -= len(data)
        if self._missing > 0:
            return
        if self.delay_seconds:
            asyncio.get_running_loop().call_later(self.delay_seconds, self._done)
        else:
            self._done()

    def _done(self) -> None:
        Server.stored += self._answer is STORED
        self._transport.write(self._answer)


def _path(head: bytes) -> bytes:
    return head.split(b" ", 2)[1].partition(b"?")[0]


def _answer(head: bytes) -> bytes:
    if head.startswith(b"HEAD "):
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    content = str(Server.stored).encode() if head.startswith(b"GET /metrics ") else Server.kept.get(_path(head), LISTED)
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)


async def main() -> None:
    port, Server.delay_seconds = int(sys.argv[1]), float(sys.argv[2])
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
