"""A webhook that keeps what apprise's json:// sends."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dev.harness.process import LOOPBACK


@dataclass(slots=True)
class Webhook:
    """What was posted, and where."""

    port: int
    posts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"json://user:secret-of-the-hook@{LOOPBACK}:{self.port}/hook"

    def titles(self) -> list[str]:
        return [str(post["title"]) for post in self.posts]


@contextmanager
def listening(address: str = LOOPBACK) -> Iterator[Webhook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.posts.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer((address, 0), Handler)
    hook = Webhook(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield hook
    server.shutdown()
    server.server_close()
