"""USB cameras: V4L2 through OpenCV."""

import errno
import logging
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2

from camera.frames import Frame, SourceError
from camera.settings import Settings

log = logging.getLogger(__name__)

BUFFERS = 2  # of 1 to 10, default 4: more only makes frames older


def device_path(source: str, device_dir: Path) -> Path | None:
    """The device node that a source names (`0`, `/dev/video0`, `/dev/v4l/by-id/...`), below `device_dir`."""
    if source.isdecimal():
        return device_dir / f"video{source}"
    if source.startswith("/dev/"):
        return device_dir / source.removeprefix("/dev/")
    return None


class DeviceSource:
    """A V4L2 camera."""

    def __init__(self, path: Path, settings: Settings) -> None:
        """Open and negotiate; raises SourceError with the reason and the mend."""
        self._path = path
        explain_access(path)
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        self._number = -1
        if not self._capture.isOpened():
            message = f"{path} is no camera: perhaps the metadata node of one; try the number before it."
            raise SourceError(message)
        self._negotiate(settings)

    def grab(self) -> float:
        """Wait for the next frame, at most 2 s (OpenCV's select time-out, set above)."""
        if not self._capture.grab():
            raise SourceError(f"The camera {self._path} stopped sending or was unplugged; opening it again.")
        self._number += 1
        return time.monotonic()

    def retrieve(self) -> Frame | None:
        """Decode; captured_at is the driver's time stamp where it gives one."""
        ok, image = self._capture.retrieve()
        if not ok:
            return None
        age_seconds = time.monotonic() - self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if not 0 <= age_seconds < 1:  # not on the monotonic clock
            age_seconds = 0
        captured_at = datetime.now(UTC) - timedelta(seconds=age_seconds)
        return Frame(image, captured_at, time.monotonic(), self._number)

    def close(self) -> None:
        """Release before opening again: a held node makes the camera come back under another number."""
        self._capture.release()

    def _negotiate(self, settings: Settings) -> None:
        # MJPG first: raw frames of this size do not fit USB 2. Width and height count only as a pair.
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.frame_width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.frame_height)
        self._capture.set(cv2.CAP_PROP_FPS, settings.frame_rate)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, BUFFERS)
        code = int(self._capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("ascii", "replace")
        width, height = (int(self._capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        log.info("Opened %s: %s %dx%d at %g frames a second", self._path, code, width, height, rate)


def explain_access(path: Path) -> None:
    """Say in one sentence why a device cannot be opened, and what to do; raises SourceError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    except OSError as error:
        mends = {
            errno.ENOENT: "no camera is plugged in there; plug it in, or name another in CAMERA_SOURCE",
            errno.ENXIO: "the camera was unplugged; plug it in again",
            errno.ENODEV: "the camera was unplugged; plug it in again",
            errno.EBUSY: "another program uses the camera; close it",
            errno.EACCES: f"it belongs to group {_group(path)}; set VIDEO_GID={_group(path)} in .env",
            errno.EPERM: "the container may not use it; start it with the shipped docker-compose.edge.yml",
        }
        mend = mends.get(error.errno or 0, "check CAMERA_SOURCE")
        raise SourceError(f"Cannot open the camera {path} ({error.strerror}): {mend}. Trying again.") from error


def _group(path: Path) -> int:
    try:
        return path.stat().st_gid
    except OSError:
        return 0
