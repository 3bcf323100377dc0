"""A camera's preview image: small, encoded once for all viewers, and only while somebody watches."""

import threading
import time
from dataclasses import dataclass

import cv2

from camera.pipeline.worker import CameraWorker, Preview

MAX_WIDTH = 960  # pixels
JPEG_QUALITY = 75
MIN_INTERVAL_SECONDS = 0.15  # between two images


@dataclass(frozen=True, slots=True)
class PreviewImage:
    """A JPEG, and the preview that it was encoded from."""

    jpeg: bytes
    preview: Preview
    encoded_at: float  # monotonic

    @property
    def etag(self) -> str:
        return f'"{id(self.preview):x}-{self.encoded_at}"'


class PreviewCache:
    """The latest image of one camera. Safe to use from several threads."""

    def __init__(self, worker: CameraWorker) -> None:
        self._worker = worker
        self._latest: PreviewImage | None = None
        self._lock = threading.Lock()

    def latest(self) -> PreviewImage | None:
        """The newest image; None while there is none."""
        with self._lock:
            preview, latest, now = self._worker.preview, self._latest, time.monotonic()
            if preview is None:
                self._latest = None
            elif latest is None or (preview is not latest.preview and now - latest.encoded_at >= MIN_INTERVAL_SECONDS):
                self._latest = PreviewImage(_encode(preview), preview, now)
            return self._latest


def _encode(preview: Preview) -> bytes:
    image = preview.frame.image
    height, width = image.shape[:2]
    if width > MAX_WIDTH:
        image = cv2.resize(image, (MAX_WIDTH, round(height * MAX_WIDTH / width)), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
