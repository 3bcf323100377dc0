"""Network cameras, by RTSP or HTTP: streams, and addresses that give one image for each request."""

import socket
import threading
import time
from datetime import UTC, datetime
from typing import Any

from camera.config.camera_url import CONNECTED, CameraUrl, parse_url
from camera.sources.frame import Frame, SourceError, Timeouts
from camera.sources.video.container import JPEGS, VideoContainer, VideoError
from camera.sources.video.login import asks_for_unknown_digest
from camera.sources.video.refusals import UNAUTHORIZED, UNKNOWN_DIGEST, explain_refusal

FFMPEG_TIMEOUT_SECONDS = 5.0
CONNECT_SECONDS = 1.5
# A stream of JPEGs with headers that are wrong (of another type or length) ends for FFmpeg after at most so many.
MISREAD_FRAMES = 3
DAMAGED_ONLY = "sends damaged images only: check the network, or set another codec in the camera; connecting again."
STILLS_PER_SECOND = 2.0  # at most: each is a request of its own
# FFmpeg's timeouts cover neither the look-up of a name nor the end of a connection.
TIMEOUTS = Timeouts(open_seconds=15.0, grab_seconds=10.0)
OPTIONS = {"rtsp_flags": "prefer_tcp"}  # by UDP only where the camera does not offer TCP
DAMAGED_SECONDS = 15.0  # longer than most cameras' frames depend on each other


class NetworkSource:
    """A network camera that is connected."""

    def __init__(
        self, url: str, stop: threading.Event | None = None, stills_per_second: float = STILLS_PER_SECOND
    ) -> None:
        """Connect; raises SourceError."""
        self._url, self._address = url, parse_url(url)
        self._stop, self._pause_seconds = stop or threading.Event(), 1 / min(stills_per_second, STILLS_PER_SECOND)
        self._video = self._connect()
        self._frames = self._video.frames()
        self._came = 0  # from this connection
        self._frame: Any = None  # None: damaged
        self._requested_at = self._whole_at = time.monotonic()
        self._number = -1

    def grab(self) -> float:
        """Wait for the next frame, at most 5 s."""
        self._frame, now = self._next(), time.monotonic()
        self._number += 1
        if self._frame is None:
            if now - self._whole_at > DAMAGED_SECONDS:
                raise SourceError(f"CAMERA_SOURCE={self._address} {DAMAGED_ONLY}")
        elif not self._video.waits(self._frame):
            self._whole_at = now
        return now

    def retrieve(self) -> Frame | None:
        """Decode; captured_at is the time of arrival."""
        image = self._video.image(self._frame)
        if image is None:
            return None
        self._whole_at = time.monotonic()
        return Frame(image, datetime.now(UTC), self._whole_at, self._number)

    def close(self) -> None:
        """Disconnect."""
        self._video.close()

    def _next(self) -> Any:
        for _ in range(2):
            try:
                for frame in self._frames:
                    self._came += 1
                    return frame
            except VideoError as error:
                if not self._came and not self._video.is_multipart:
                    raise self._stopped() from error
            if self._video.is_multipart and self._came < MISREAD_FRAMES:
                self._connect_again(JPEGS)
            elif self._video.is_still:
                self._stop.wait(max(0.0, self._requested_at + self._pause_seconds - time.monotonic()))
                self._connect_again()
            else:
                break
        raise self._stopped()

    def _connect_again(self, demuxer: str | None = None) -> None:
        """Ask for the next image, or for the same stream to be read in another way."""
        self._video.close()
        self._requested_at, self._came = time.monotonic(), 0
        self._video = self._connect(demuxer)
        self._frames = self._video.frames()

    def _connect(self, demuxer: str | None = None) -> VideoContainer:
        address = self._address
        if address.problem:
            raise SourceError(f"CAMERA_SOURCE={address} {address.problem}")
        _probe_tcp(address)
        try:
            return VideoContainer(self._url, OPTIONS, FFMPEG_TIMEOUT_SECONDS, demuxer)
        except VideoError as error:
            why = explain_refusal(error)
            if error.kind == UNAUTHORIZED and asks_for_unknown_digest(self._url, address):
                why = UNKNOWN_DIGEST
            raise SourceError(f"CAMERA_SOURCE={address} {why}") from error

    def _stopped(self) -> SourceError:
        return SourceError(f"CAMERA_SOURCE={self._address} stopped sending; connecting again.")


def _probe_tcp(address: CameraUrl) -> None:
    """Check that anything answers at all: FFmpeg would wait longer for a camera that is switched off."""
    if address.scheme not in CONNECTED or not address.host or address.port is None:
        return
    try:
        socket.create_connection((address.host.strip("[]"), address.port), CONNECT_SECONDS).close()
    except OSError as error:
        raise SourceError(
            f"CAMERA_SOURCE={address} cannot be reached ({error.strerror or error}): check the address,"
            " and that the camera is on."
        ) from error
