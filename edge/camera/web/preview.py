"""A camera's picture as the page shows it: small, encoded once for all who look, and only while somebody does."""

import threading
import time
from dataclasses import dataclass

import cv2

from camera.pipeline.worker import CameraWorker, Preview

WIDTH = 960  # pixels at most
JPEG_QUALITY = 75
LEAST_SECONDS = 0.15  # between two pictures


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, and what was found in it."""

    jpeg: bytes
    view: Preview
    made_at: float  # monotonic


class Pictures:
    """The latest picture of one camera. Safe to use from several threads."""

    def __init__(self, worker: CameraWorker) -> None:
        """Nothing is encoded yet."""
        self._station = worker
        self._last: Picture | None = None
        self._guard = threading.Lock()

    def latest(self) -> Picture | None:
        """The newest; None while there is none."""
        with self._guard:
            view, last, now = self._station.preview, self._last, time.monotonic()
            if view is None:
                self._last = None
            elif last is None or (view is not last.view and now - last.made_at >= LEAST_SECONDS):
                self._last = Picture(_encode(view), view, now)
            return self._last


def _encode(view: Preview) -> bytes:
    image = view.frame.image
    height, width = image.shape[:2]
    if width > WIDTH:
        image = cv2.resize(image, (WIDTH, round(height * WIDTH / width)), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
