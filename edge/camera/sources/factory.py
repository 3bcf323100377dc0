"""Where frames come from: a USB camera, a file, a network camera, or the synthetic scene."""

import functools
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import cv2

from camera.config.settings import Settings
from camera.sources.file import FileSource, open_video
from camera.sources.frame import Frame, FrameSource, FrameSourceFactory, SourceEndedError, SourceError, Timeouts
from camera.sources.synthetic.scene import Scene
from camera.sources.v4l2.camera import V4l2Camera
from camera.sources.v4l2.discovery import Machine, is_device

log = logging.getLogger(__name__)

NETWORK_TIMEOUT_MS = 5000  # OpenCV waits 30 s by default
REACH_SECONDS = 1.5
PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935}
NO_LIMIT = Timeouts()
# Looking up a name and breaking off a connection are not bounded by the time-outs.
NETWORK_PATIENCE = Timeouts(open_seconds=15.0, grab_seconds=10.0)


@dataclass(frozen=True, slots=True)
class ReopenableSource:
    """A camera that knows nothing between two openings."""

    opener: Callable[[threading.Event], FrameSource]
    timeouts: Timeouts = NO_LIMIT

    def open(self, stop: threading.Event) -> FrameSource:
        """Open it; raises SourceError."""
        return self.opener(stop)

    def should_retry_now(self) -> bool:
        """Nobody says so."""
        return False


def create_source(settings: Settings) -> FrameSourceFactory:
    """What CAMERA_SOURCE means, to be opened again and again."""
    source = settings.camera_source
    if source == "demo":
        return ReopenableSource(lambda stop: SyntheticSource(scene(settings), settings.frame_rate, stop))
    if "://" in source:
        return ReopenableSource(lambda _: NetworkSource(source), NETWORK_PATIENCE)
    if is_device(source):
        return V4l2Camera(settings, machine(settings.device_dir))
    return ReopenableSource(lambda stop: FileSource(Path(source), loop=settings.file_at_end == "loop", stop=stop))


@functools.cache
def machine(devices: Path) -> Machine:
    """One and the same for all cameras of this process."""
    return Machine(devices)


def validate_file_source(settings: Settings) -> None:
    """Refuse a CAMERA_SOURCE that is meant as a file and is no video; raises SourceError."""
    source = settings.camera_source
    if source == "demo" or "://" in source or is_device(source):
        return
    open_video(Path(source)).release()


def scene(settings: Settings) -> Scene:
    """The synthetic camera's scene."""
    return Scene(settings.frame_width, settings.frame_height, settings.demo_seed, settings.demo_visits)


def redact_url(url: str) -> str:
    """What can be shown of a URL, or of what is none: user and password are left out."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{url.partition('://')[0]}://..."
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


class NetworkSource:
    """An RTSP or HTTP camera, through FFmpeg."""

    def __init__(self, url: str) -> None:
        """Connect; raises SourceError."""
        self._shown = redact_url(url)
        self._reach(url)
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS,
        ]  # fmt: skip
        self._capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
        self._number = -1
        if not self._capture.isOpened():
            message = f"CAMERA_SOURCE={self._shown} does not answer: check the address, user and password."
            raise SourceError(message)

    def _reach(self, url: str) -> None:
        """See that somebody answers at all: FFmpeg would wait longer for a camera that is switched off."""
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").encode("idna").decode()
        except ValueError as error:  # of Unicode, too
            raise SourceError(f"CAMERA_SOURCE={self._shown} has a wrong host: mend it in .env.") from error
        try:
            port = parts.port or PORTS.get(parts.scheme)
        except ValueError as error:
            raise SourceError(f"CAMERA_SOURCE={self._shown} has a wrong port: mend it in .env.") from error
        if port is None or not host:
            return
        try:
            socket.create_connection((host, port), REACH_SECONDS).close()
        except OSError as error:
            raise SourceError(
                f"CAMERA_SOURCE={self._shown} cannot be reached ({error.strerror or error}): check the address,"
                " and that the camera is on."
            ) from error

    def grab(self) -> float:
        """Wait for the next frame, at most 5 s."""
        if not self._capture.grab():
            raise SourceError(f"CAMERA_SOURCE={self._shown} stopped sending; connecting again.")
        self._number += 1
        return time.monotonic()

    def retrieve(self) -> Frame | None:
        """Decode; captured_at is the time of arrival."""
        ok, image = self._capture.retrieve()
        return Frame(image, datetime.now(UTC), time.monotonic(), self._number) if ok else None

    def close(self) -> None:
        """Hang up."""
        self._capture.release()


class SyntheticSource:
    """The synthetic camera: paced by the clock (or, without a `stop` event, as fast as it can be drawn)."""

    def __init__(self, scene: Scene, rate: float, stop: threading.Event | None = None) -> None:
        """`rate` in frames a second."""
        self._scene, self._interval, self._stop = scene, 1 / rate, stop
        self._began = time.monotonic()
        self._began_at = datetime.now(UTC)
        self._number = -1

    def grab(self) -> float:
        """Wait until the next frame's time has come."""
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
        """Nothing to let go of."""
