"""A camera with its live page, and how tests ask it."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.program import LOOPBACK, Process, free_port, wait_for
from local.stack import start_camera

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """The live page of a camera of the test's own."""

    process: Process
    port: int

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return Answer(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def state(self, **headers: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.ask("/state.json", **headers).body)
        return found

    def camera(self) -> dict[str, object]:
        """The first camera's state."""
        cameras = self.state()["cameras"]
        assert isinstance(cameras, list)
        found: dict[str, object] = cameras[0]
        return found

    def answers(self) -> bool:
        try:
            return self.ask("/login").status == 200
        except OSError:
            return False


@contextmanager
def live(folder: Path, **settings: str) -> Iterator[Page]:
    """Run a camera on the synthetic scene, without a broker unless the settings name one."""
    ours = {
        "CAMERA_SOURCE": "demo",
        "CAMERA_NAME": "door",
        "FRAME_WIDTH": "640",
        "FRAME_HEIGHT": "480",
        "EDGE_BROKER_PORT": str(free_port()),
        "HEARTBEAT_FILE": str(folder / "camera.json"),
        "LIVE_PORT": str(free_port()),
    } | settings
    page = Page(start_camera(folder / "camera", **ours), int(ours["LIVE_PORT"]))
    try:
        wait_for(page.answers, seconds=START_SECONDS, what="the live page")
        yield page
    finally:
        page.process.kill()
