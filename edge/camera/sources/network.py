"""Network cameras, by RTSP or HTTP, through FFmpeg."""

import socket
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import cv2

from camera.sources.frame import Frame, SourceError, Timeouts

FFMPEG_TIMEOUT_MS = 5000  # OpenCV waits 30 s by default
CONNECT_SECONDS = 1.5
PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935}
# FFmpeg's timeouts cover neither the look-up of a name nor the end of a connection.
TIMEOUTS = Timeouts(open_seconds=15.0, grab_seconds=10.0)


class NetworkSource:
    """An RTSP or HTTP camera that is connected."""

    def __init__(self, url: str) -> None:
        """Connect; raises SourceError."""
        self._shown = redact_url(url)
        self._probe_tcp(url)
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, FFMPEG_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, FFMPEG_TIMEOUT_MS,
        ]  # fmt: skip
        self._capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
        self._number = -1
        if not self._capture.isOpened():
            message = f"CAMERA_SOURCE={self._shown} does not answer: check the address, user and password."
            raise SourceError(message)

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
        """Disconnect."""
        self._capture.release()

    def _probe_tcp(self, url: str) -> None:
        """Check that anything answers at all: FFmpeg would wait longer for a camera that is switched off."""
        host, port = self._address(url)
        if port is None or not host:
            return
        try:
            socket.create_connection((host, port), CONNECT_SECONDS).close()
        except OSError as error:
            raise SourceError(
                f"CAMERA_SOURCE={self._shown} cannot be reached ({error.strerror or error}): check the address,"
                " and that the camera is on."
            ) from error

    def _address(self, url: str) -> tuple[str, int | None]:
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").encode("idna").decode()
        except ValueError as error:  # UnicodeError is one, too
            raise SourceError(f"CAMERA_SOURCE={self._shown} has a wrong host: fix it in .env.") from error
        try:
            return host, parts.port or PORTS.get(parts.scheme)
        except ValueError as error:
            raise SourceError(f"CAMERA_SOURCE={self._shown} has a wrong port: fix it in .env.") from error


def redact_url(url: str) -> str:
    """A URL as it may be shown, without user, password and query, even if it is malformed."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{url.partition('://')[0]}://..."
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
