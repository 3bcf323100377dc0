"""One frame of a camera, for people to look at: whole, and with its masks."""

import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from camera.config.settings import Settings
from camera.sources.factory import create_source
from camera.sources.frame import Frame, Image
from camera.sources.privacy_mask import PrivacyMask, all_polygons
from camera.sources.reader.counters import FrameCounters
from camera.sources.reader.latest_frame import LatestFrame
from camera.sources.reader.status import ReaderStatus
from camera.sources.turned import TurnedCamera
from camera.sources.v4l2.camera import V4l2Camera
from camera.sources.v4l2.discovery import DeviceRegistry

FIRST_FRAME_TIMEOUT_SECONDS = 40.0  # a source that hangs or fails says so earlier
SETTLE_SECONDS = 1.0  # until the exposure is right
STDOUT = Path("-")


class SnapshotError(Exception):
    """There is no frame, or it cannot be written; the text is a sentence for the user."""


class UnknownCameraError(Exception):
    """There is no camera of that name; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frame, and what was negotiated with the camera."""

    frame: Frame
    mode: str  # empty if it is not negotiated


def take(settings: Settings) -> Snapshot:
    """Open the camera and read it for a second; raises SnapshotError."""
    camera, stop = create_source(settings, DeviceRegistry(settings.device_dir)), threading.Event()
    frames = LatestFrame(camera, settings.frame_rate, stop)
    try:
        frame = _wait_for_exposure(frames)
    finally:
        stop.set()
        frames.join(timeout_seconds=5)
    if frame is None:
        raise SnapshotError(why_none(frames.status, frames.counters, str(settings.source)))
    device = camera.inner if isinstance(camera, TurnedCamera) else camera
    return Snapshot(frame, device.negotiated if isinstance(device, V4l2Camera) else "")


def why_none(status: ReaderStatus, counters: FrameCounters, source: str) -> str:
    """Say what is known of a source that gave no frame; CAMERA_SOURCE is to blame only where it is."""
    if status.problem:
        return status.problem
    if counters.damaged:
        return f"All {counters.damaged} frames that came were damaged: try another cable, port or camera."
    if status.has_ended:
        return f"{source} ended without an image: name another in CAMERA_SOURCE."
    what = "frame was decoded" if counters.grabbed else "frame came"
    within = f"No {what} within {FIRST_FRAME_TIMEOUT_SECONDS:g} s"
    return f"{within}, and {source} reports no error: is this machine busy? Try again."


def write(settings: Settings, image: Image, path: Path) -> None:
    """Write an image to a file, or to standard output for `-`; raises SnapshotError."""
    save(encode_masked(settings, image), path)


def save(jpeg: bytes, path: Path) -> None:
    """Write an encoded image in the same way; raises SnapshotError."""
    try:
        if path == STDOUT:
            sys.stdout.buffer.write(jpeg)
            sys.stdout.buffer.flush()
        else:
            path.write_bytes(jpeg)
    except OSError as error:
        raise SnapshotError(
            f"Cannot write {path} ({error.strerror}): choose a writable folder, or - for standard output."
        ) from error


def encode_masked(settings: Settings, image: Image) -> bytes:
    """Encode a JPEG in which the privacy masks are black."""
    PrivacyMask(all_polygons(settings)).apply(image)
    return cv2.imencode(".jpg", image)[1].tobytes()


def find_camera(cameras: Sequence[Settings], name: str | None) -> Settings:
    """The named camera, or the first; raises UnknownCameraError."""
    camera = next((camera for camera in cameras if name in {None, camera.camera_name}), None)
    if camera is None:
        names = ", ".join(camera.camera_name for camera in cameras)
        raise UnknownCameraError(f"--camera {name}: there is no such camera, there are: {names}.")
    return camera


def snapshot(camera: Settings, path: Path) -> None:
    """Write one frame of a camera; raises SnapshotError."""
    write(camera, take(camera).frame.image, path)


def _wait_for_exposure(frames: LatestFrame) -> Frame | None:
    """The last frame of the first second, or the only one; None if there is none or the source hangs."""
    until = time.monotonic() + FIRST_FRAME_TIMEOUT_SECONDS
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
