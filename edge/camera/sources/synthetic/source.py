"""The synthetic camera: the scene as a source of frames."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

from camera.config.settings import Settings
from camera.sources.frame import Frame, SourceEndedError
from camera.sources.synthetic.scene import Scene

log = logging.getLogger(__name__)


class SyntheticSource:
    """Paced by the clock or, without a `stop` event, as fast as it can be drawn."""

    def __init__(self, scene: Scene, rate: float, stop: threading.Event | None = None) -> None:
        """`rate` in frames a second."""
        self._scene, self._interval, self._stop = scene, 1 / rate, stop
        self._began = time.monotonic()
        self._began_at = datetime.now(UTC)
        self._number = -1

    def grab(self) -> float:
        """Wait until the next frame is due."""
        self._number += 1
        seconds = self._number * self._interval
        if self._scene.ended(seconds):
            log.info("The synthetic camera showed %d visits", self._scene.visits_begun(seconds))
            raise SourceEndedError
        if self._stop is not None:
            self._stop.wait(max(0.0, self._began + seconds - time.monotonic()))
        return seconds

    def retrieve(self) -> Frame:
        """Draw the frame."""
        seconds = self._number * self._interval
        captured_at = self._began_at + timedelta(seconds=seconds) if self._stop is None else datetime.now(UTC)
        return Frame(self._scene.draw(seconds), captured_at, seconds, self._number)

    def close(self) -> None:
        """There is nothing to release."""


def create_scene(settings: Settings) -> Scene:
    """The scene that the settings describe."""
    return Scene(settings.frame_width, settings.frame_height, settings.demo_seed, settings.demo_visits)
