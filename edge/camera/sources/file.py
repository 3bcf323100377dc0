"""Video files, played at their own pace, or read as fast as possible."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2

from camera.sources.frame import Frame, SourceEndedError, SourceError

FALLBACK_FRAME_SECONDS = 1 / 25  # for files without time stamps
TEXT_AS_VIDEO = cv2.VideoWriter.fourcc(*"ansi")  # what FFmpeg makes of a .txt file


class FileSource:
    """A video file, paced by its own time stamps or, without a `stop` event, read as fast as possible."""

    def __init__(self, path: Path, *, loop: bool = False, stop: threading.Event | None = None) -> None:
        """Open a file; raises SourceError."""
        self._path, self._loop, self._stop = path, loop, stop
        self._capture = open_video(path)
        self._recorded_at = recording_started_at(path, self._capture)
        self._began = time.monotonic()
        self._seconds = -FALLBACK_FRAME_SECONDS
        self._offset = 0.0  # the length of the loops that were played
        self._number = -1

    def grab(self) -> float:
        """Wait until the next frame is due."""
        if not self._capture.grab():
            self._rewind()
        self._number += 1
        position = self._offset + self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if position <= self._seconds:  # no time stamps, or wrong ones
            position = self._seconds + FALLBACK_FRAME_SECONDS
        self._seconds = position
        if self._stop is not None:
            self._stop.wait(max(0.0, self._began + position - time.monotonic()))
        return position

    def retrieve(self) -> Frame | None:
        """Decode; captured_at is now when paced, and the file's own time otherwise."""
        ok, image = self._capture.retrieve()
        if not ok:
            return None
        own_time = self._recorded_at + timedelta(seconds=self._seconds)
        return Frame(image, own_time if self._stop is None else datetime.now(UTC), self._seconds, self._number)

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _rewind(self) -> None:
        self._capture.release()
        if not self._loop or self._number < 0:
            raise SourceEndedError
        self._offset = self._seconds + FALLBACK_FRAME_SECONDS
        self._capture = open_video(self._path)
        if not self._capture.grab():
            raise SourceEndedError


def recording_started_at(path: Path, capture: cv2.VideoCapture) -> datetime:
    """When a recording began; it ended when its file was last written."""
    rate, frames = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    length = frames / rate if rate > 0 and frames > 0 else 0.0
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) - timedelta(seconds=length)


def open_video(path: Path) -> cv2.VideoCapture:
    if not path.is_file():
        message = f"CAMERA_SOURCE={path} is not there: name a camera (auto), a video file, a URL or demo."
        raise SourceError(message)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened() or capture.get(cv2.CAP_PROP_FOURCC) == TEXT_AS_VIDEO:
        raise SourceError(
            f"CAMERA_SOURCE={path} is not a video that can be read: name a video file (MP4, MKV, AVI, ...)."
        )
    return capture
