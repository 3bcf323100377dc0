"""Video files, played at their own pace, or read as fast as possible."""

import contextlib
import os
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from camera.config.camera_url import ENCODING
from camera.config.source_spec import FileSpec, is_like_address
from camera.sources.frame import Frame, SourceEndedError, SourceError
from camera.sources.video.container import VideoContainer, VideoError

FALLBACK_FRAME_SECONDS = 1 / 25  # for files without time stamps
MAX_STEP_SECONDS = 5.0  # from one frame to the next; more, or a step back, is a cut


class FileSource:
    """A video file, paced by its own time stamps or, without a `stop` event, read as fast as possible."""

    def __init__(self, path: Path, *, loop: bool = False, stop: threading.Event | None = None) -> None:
        """Open a file; raises SourceError."""
        self._path, self._loop, self._stop = path, loop, stop
        self._recorded_at = recording_started_at(path) if stop is None else None
        self._video = open_video(path)
        self._frames = self._read()
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
        stamp = self._video.time(self._frame)
        self._seconds += _step(self._stamp, stamp)
        self._stamp = self._stamp if stamp is None else stamp
        if self._number == 0:
            self._seconds = 0.0
        if self._stop is not None:
            self._stop.wait(max(0.0, self._began + self._seconds - time.monotonic()))
        return self._seconds

    def retrieve(self) -> Frame | None:
        """Decode; captured_at is now when paced, and the file's own time otherwise."""
        image = self._video.image(self._frame)
        if image is None:
            return None
        at = datetime.now(UTC)
        if self._recorded_at is not None:
            at = self._recorded_at + timedelta(seconds=self._seconds)
        return Frame(image, at, self._seconds, self._number)

    def close(self) -> None:
        """Close the file."""
        self._video.close()

    def _next(self) -> Any:
        for frame in self._frames:
            return frame
        self._video.close()
        if not self._whole:
            raise self._refused("holds no frame that can be decoded")
        if not self._loop:
            raise SourceEndedError
        self._video, self._stamp = open_video(self._path), None
        self._frames = self._read()
        for frame in self._frames:
            return frame
        raise SourceEndedError

    def _read(self) -> Iterator[Any]:
        try:
            yield from self._video.frames()
        except VideoError as error:
            where = f"is damaged from {self._seconds:.0f} s on" if self._whole else "holds no frame that can be decoded"
            raise self._refused(where) from error

    def _refused(self, why: str) -> SourceError:
        return SourceError(f"CAMERA_SOURCE={FileSpec(self._path)} {why}: try another.")


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
    problem = _problem(path)
    if problem is None:
        try:
            return VideoContainer(str(path.absolute()))  # FFmpeg takes what has a colon for an address
        except VideoError:
            problem = "is not a video that can be read: name a video file (MP4, MKV, AVI, ...)."
    raise SourceError(f"CAMERA_SOURCE={FileSpec(path)} {problem}")


def _problem(path: Path) -> str | None:
    """Why it cannot be opened at all, before a decoder looks."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        hint = f" An address begins with rtsp:// or http://. {ENCODING}" if is_like_address(str(path)) else ""
        return f"is not there: name a camera (auto), a video file, a URL or demo.{hint}"
    except OSError as error:
        return f"cannot be read ({error.strerror}): let the camera's user read it, or name another file."
    if not stat.S_ISREG(mode):
        return "is not a file: name a video file, or a camera below /dev."
    if not os.access(path, os.R_OK):
        return "cannot be read (Permission denied): let the camera's user read it, or name another file."
    return None


def _length(times: Iterable[float]) -> float:
    length, last = 0.0, None
    with contextlib.suppress(VideoError):  # as far as it can be read
        for at in times:
            if last is not None:
                length += _step(last, at)
            last = at
    return length


def _step(before: float | None, now: float | None) -> float:
    """How long after the one before a frame is due."""
    step = FALLBACK_FRAME_SECONDS if before is None or now is None else now - before
    return step if 0 < step <= MAX_STEP_SECONDS else FALLBACK_FRAME_SECONDS
