"""One picture of a camera, for people to look at: the only place where a whole frame leaves."""

import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from camera.config.polygons import parse_polygons
from camera.config.settings import Settings
from camera.sources.factory import create_source
from camera.sources.frame import Frame, Image
from camera.sources.privacy_mask import PrivacyMask
from camera.sources.reader.latest_frame import LatestFrame
from camera.sources.v4l2.camera import V4l2Camera

FIRST_FRAME_SECONDS = 20.0
SETTLE_SECONDS = 1.0  # until the exposure is right
STDOUT = Path("-")


class SnapshotError(Exception):
    """There is no picture, or no place for it; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame, and what the camera said that it gives."""

    frame: Frame
    mode: str  # empty where nothing is negotiated


def take(settings: Settings) -> Shot:
    """Open the camera and look through it for a second; raises SnapshotError."""
    camera, stop = create_source(settings), threading.Event()
    frames = LatestFrame(camera, settings.frame_rate, stop)
    try:
        frame = _settled(frames)
    finally:
        stop.set()
        frames.join(timeout_seconds=5)
    if frame is None:
        raise SnapshotError(frames.status.problem or f"{settings.camera_source} gave no picture: check CAMERA_SOURCE.")
    return Shot(frame, camera.negotiated if isinstance(camera, V4l2Camera) else "")


def write(settings: Settings, image: Image, path: Path) -> None:
    """Write a picture to a file, or to stdout for `-`; raises SnapshotError."""
    encoded = shown(settings, image)
    try:
        if path == STDOUT:
            sys.stdout.buffer.write(encoded)
            sys.stdout.buffer.flush()
        else:
            path.write_bytes(encoded)
    except OSError as error:
        raise SnapshotError(
            f"Cannot write {path} ({error.strerror}): name a folder that can be written, or - for standard output."
        ) from error


def shown(settings: Settings, image: Image) -> bytes:
    """The picture as it may be seen, a JPEG: without what MASKS hide."""
    PrivacyMask(parse_polygons(settings.masks)).apply(image)
    return cv2.imencode(".jpg", image)[1].tobytes()


def snapshot(cameras: Sequence[Settings], name: str | None, path: Path) -> int:
    """Write one frame of the camera of that name (the first without)."""
    named = [camera for camera in cameras if name in {None, camera.camera_name}]
    if not named:
        known = ", ".join(camera.camera_name for camera in cameras)
        print(f"camera: --camera {name}: there is no such camera, there are: {known}.", file=sys.stderr)
        return 2
    try:
        write(named[0], take(named[0]).frame.image, path)
    except SnapshotError as error:
        print(f"camera: {error}", file=sys.stderr)
        return 1
    return 0


def _settled(frames: LatestFrame) -> Frame | None:
    """The last frame of the first second, or the only one; None if there is none or the source hangs."""
    until = time.monotonic() + FIRST_FRAME_SECONDS
    newest: Frame | None = None
    while time.monotonic() < until and not frames.status.has_ended:
        frame = frames.take(timeout_seconds=0.25)
        if frame is None:
            if frames.status.problem:
                break
            continue
        until = until if newest else time.monotonic() + SETTLE_SECONDS
        newest = frame
    return newest or frames.take(timeout_seconds=0)
