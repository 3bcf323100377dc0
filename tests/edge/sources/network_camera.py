"""A network camera for tests."""

import contextlib
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from dev.harness.process import LOOPBACK


class Mjpeg(BaseHTTPRequestHandler):
    """One JPEG after the other, until the camera dies."""

    server: "NetworkCamera"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.server.over.wait(0.03):
                jpeg = self.server.jpeg
                head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                if not self.server.silent.is_set():
                    self.wfile.write(head + jpeg + b"\r\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class NetworkCamera(ThreadingHTTPServer):
    """Sends the same frame until it dies, and nothing while it is `silent`."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, jpeg: bytes) -> None:
        self.jpeg = jpeg
        self.over, self.silent = threading.Event(), threading.Event()
        super().__init__((LOOPBACK, port), Mjpeg)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}/video"

    def die(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


class Answering:
    """A web server that gives everybody the same answer."""

    def __init__(self, status: int, content: bytes, kind: str = "text/html") -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://{LOOPBACK}:{self._server.server_port}/video"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


Play = Callable[[socket.socket], None]


class Playing:
    """A server that reads a request, and then plays whatever bytes a strange camera sends."""

    def __init__(self, play: Play) -> None:
        self._play, self.requests = play, 0
        self._server = socket.create_server((LOOPBACK, 0))

    def __enter__(self) -> str:
        threading.Thread(target=self._accept, daemon=True).start()
        return f"http://{LOOPBACK}:{self._server.getsockname()[1]}/video"

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._server.accept()[0]
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            request = connection.recv(4096)
            if request:
                self.requests += 1
                self._play(connection)
