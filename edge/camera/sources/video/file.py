"""Video files, played at their own pace, or read as fast as possible."""

import re
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from camera.config.camera_url import ENCODING
from camera.config.source_spec import FileSpec
from camera.sources.frame import Frame, SourceEndedError, SourceError
from camera.sources.video.container import VideoContainer, VideoError

FALLBACK_FRAME_SECONDS = 1 / 25  # for files without time stamps
MAX_STEP_SECONDS = 5.0  # from one frame to the next; more, or a step back, is a cut
ADDRESS = re.compile(r"@|^[A-Za-z][A-Za-z0-9+]*:/")  # what was probably meant as one


class FileSource:
    """A video file, paced by its own time stamps or, without a `stop` event, read as fast as possible."""

    def __init__(self, path: Path, *, loop: bool = False, stop: threading.Event | None = None) -> None:
        """Open a file; raises SourceError."""
        self._path, self._loop, self._stop = path, loop, stop
        self._recorded_at = recording_started_at(path) if stop is None else None
        self._video = open_video(path)
        self._frames = self._video.frames()
        self._frame: Any = None  # None: damaged
        self._began = time.monotonic()
        self._stamp: float | None = None  # the file's own time of the last frame
        self._seconds = -FALLBACK_FRAME_SECONDS
        self._number, self._whole = -1, 0

    def grab(self) -> float:
        """Wait until the next frame is due."""
        self._frame = self._next()
        self._number += 1
        self._whole += self._frame is not None
        stamp = None if self._frame is None else self._frame.time
        self._seconds += _step(self._stamp, stamp)
        self._stamp = self._stamp if stamp is None else stamp
        if self._number == 0:
            self._seconds = 0.0
        if self._stop is not None:
            self._stop.wait(max(0.0, self._began + self._seconds - time.monotonic()))
        return self._seconds

    def retrieve(self) -> Frame | None:
        """Decode; captured_at is now when paced, and the file's own time otherwise."""
        if self._frame is None:
            return None
        at = datetime.now(UTC)
        if self._recorded_at is not None:
            at = self._recorded_at + timedelta(seconds=self._seconds)
        return Frame(self._video.image(self._frame), at, self._seconds, self._number)

    def close(self) -> None:
        """Close the file."""
        self._video.close()

    def _next(self) -> Any:
        for frame in self._frames:
            return frame
        self._video.close()
        if not self._whole:
            raise SourceError(f"CAMERA_SOURCE={FileSpec(self._path)} holds no frame that can be decoded: try another.")
        if not self._loop:
            raise SourceEndedError
        self._video, self._stamp = open_video(self._path), None
        self._frames = self._video.frames()
        for frame in self._frames:
            return frame
        raise SourceEndedError


def recording_started_at(path: Path) -> datetime:
    """When a recording began: it ended when its file was last written. A header may be wrong about its length."""
    video = open_video(path)
    try:
        length = _length(video.times())
    finally:
        video.close()
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) - timedelta(seconds=length)


def open_video(path: Path) -> VideoContainer:
    """Open a file; raises SourceError."""
    name = FileSpec(path)
    if not path.is_file():
        hint = f" An address begins with rtsp:// or http://. {ENCODING}" if ADDRESS.search(str(path)) else ""
        raise SourceError(
            f"CAMERA_SOURCE={name} is not there: name a camera (auto), a video file, a URL or demo.{hint}"
        )
    try:
        return VideoContainer(str(path.absolute()))  # FFmpeg takes what has a colon for an address
    except VideoError as error:
        raise SourceError(
            f"CAMERA_SOURCE={name} is not a video that can be read: name a video file (MP4, MKV, AVI, ...)."
        ) from error


def _length(times: Iterable[float]) -> float:
    length, last = 0.0, None
    for at in times:
        if last is not None:
            length += _step(last, at)
        last = at
    return length


def _step(before: float | None, now: float | None) -> float:
    """How long after the one before a frame is due."""
    step = FALLBACK_FRAME_SECONDS if before is None or now is None else now - before
    return step if 0 < step <= MAX_STEP_SECONDS else FALLBACK_FRAME_SECONDS
