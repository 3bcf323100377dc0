"""`camera doctor`: a line for each thing that matters, and how to fix what failed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from camera.config.settings import Settings
from camera.config.source_spec import DeviceSpec
from camera.control.health_check import health, is_running
from camera.diagnostics.broker import BrokerSnapshot, check_broker, read_retained
from camera.diagnostics.devices import check_devices
from camera.diagnostics.host import check_clock, check_model, check_spool
from camera.diagnostics.snapshot import SnapshotError, take, write
from camera.pipeline.tracking.detector import FaceDetector
from camera.sources.v4l2.discovery import DeviceRegistry
from common.contract.status import CameraReport, CameraState
from common.runtime.check_result import CheckResult, Status, failed, info, passed, print_results

MIN_BRIGHTNESS = 12  # of 255, the mean of all pixels
SNAPSHOT = "./usbcam snapshot FILE"


def doctor(cameras: Sequence[Settings], shot: Path | None) -> int:
    """Print the results, with one `Settings` for each camera; return 1 if a check failed."""
    return 1 if Status.FAIL in print_results(_checks(cameras, shot)) else 0


def _checks(cameras: Sequence[Settings], shot: Path | None) -> Iterator[CheckResult]:
    shared = cameras[0]
    broker = read_retained(shared)
    yield _check_service(shared, broker)
    if any(isinstance(camera.source, DeviceSpec) for camera in cameras):
        yield from check_devices(DeviceRegistry(shared.device_dir))
    for camera in cameras:
        path = shot.with_stem(f"{shot.stem}-{camera.camera_name}") if shot and len(cameras) > 1 else shot
        yield from _check_camera(camera, broker.statuses.get(camera.camera_name, CameraReport()), path)
    yield check_model()
    yield from check_broker(shared, broker)
    yield check_spool(shared)
    yield check_clock()


def _check_service(settings: Settings, broker: BrokerSnapshot) -> CheckResult:
    """Whether the camera runs: in this container by its heartbeat, in another by its status at the broker."""
    if settings.heartbeat_file.exists():
        report = health(settings.heartbeat_file)
        if report.healthy:
            return passed("service", f"The camera service runs. {report.message}")
        return failed("service", report.message)
    online = sorted(name for name, status in broker.statuses.items() if status.online)
    if online:
        return passed("service", f"The camera service runs elsewhere and uses {', '.join(online)}.")
    return info("service", "The camera service does not run.")


def _check_camera(settings: Settings, status: CameraReport, path: Path | None) -> Iterator[CheckResult]:
    name = settings.camera_name
    runs = status.online or is_running(settings.heartbeat_file, name)
    if not runs or status.state == CameraState.PAUSED or not isinstance(settings.source, DeviceSpec):
        yield _check_test_shot(settings, path)
        return
    if status.problem:
        yield failed(name, status.problem)
    else:
        rate = status.frames_per_second
        processes = f" and processes {rate} frames a second" if rate is not None else ""
        yield passed(name, f"The camera service has it{processes}, so there is no test shot.")
    if path:
        yield info(name, f"The service has the camera; for what it sees: {SNAPSHOT}")


def _check_test_shot(settings: Settings, path: Path | None) -> CheckResult:
    name = settings.camera_name
    try:
        snapshot = take(settings)
        image = snapshot.frame.image
        if path:
            write(settings, image, path)
    except SnapshotError as error:
        return failed(name, str(error))
    height, width = image.shape[:2]
    brightness = float(image.mean())
    faces = len(FaceDetector(settings.min_face_px, settings.min_score).detect(image))
    facts = f"{width}x{height}, brightness {brightness:.0f} of 255, faces {faces}"
    shot = f"{snapshot.mode}; a test shot of {facts}" if snapshot.mode else f"A test shot of {facts}"
    message = f"{shot}, written to {path}." if path else f"{shot}."
    if brightness < MIN_BRIGHTNESS:
        return failed(name, f"{message} It is dark: is the lens covered?")
    return passed(name, message)
