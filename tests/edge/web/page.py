"""A camera with its live page, and how tests ask it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.harness.process import Process, free_port, wait_for
from dev.harness.services import start_camera
from tests.support.pages.web import Site

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Page(Site):
    """The live page of a camera of the test's own."""

    process: Process

    def state(self, **headers: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.ask("/state.json", **headers).body)
        return found

    def pipeline(self) -> dict[str, tuple[str, str]]:
        """Level and message of each stage of the delivery path."""
        stages = self.state()["pipeline"]
        assert isinstance(stages, list)
        return {stage["stage"]: (stage["level"], stage["message"]) for stage in stages}

    def camera(self) -> dict[str, object]:
        """The first camera's state."""
        cameras = self.state()["cameras"]
        assert isinstance(cameras, list)
        found: dict[str, object] = cameras[0]
        return found


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
    page = Page(int(ours["LIVE_PORT"]), start_camera(folder / "camera", **ours))
    try:
        wait_for(page.answers, seconds=START_SECONDS, what="the live page")
        yield page
    finally:
        page.process.kill()
