"""The camera's command line, and the wiring of its parts."""

import logging
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import click

from camera.config.camera_list import CameraConfigError, expand_cameras
from camera.config.schedule import PAUSE
from camera.config.settings import Settings
from camera.control.health_check import health as health_of
from camera.control.health_check import is_running
from camera.delivery.spool_folder import SpoolInUseError
from camera.diagnostics.doctor import doctor as run_doctor
from camera.diagnostics.running import CommandError, command, describe, preview
from camera.diagnostics.snapshot import STDOUT, SnapshotError, UnknownCameraError, find_camera, save
from camera.diagnostics.snapshot import snapshot as write_snapshot
from camera.service import CameraService
from camera.sources.factory import validate_file_source
from camera.sources.frame import SourceError
from common.runtime import log
from common.runtime.command_line import SETTINGS_HELP, Program, WrongInputError, say, version_option
from common.runtime.help_page import example
from common.runtime.progress import tell_success
from common.runtime.settings import read_settings

EPILOG = f"{SETTINGS_HELP}\n\n{example('CAMERA_SOURCE=demo python -m camera doctor --shot shot.jpg')}"


@click.group("camera", cls=Program, invoke_without_command=True, epilog=EPILOG)
@version_option
@click.pass_context
def main(context: click.Context) -> int:
    """See faces, publish their images. Without a command, the camera runs."""
    return context.invoke(run) if context.invoked_subcommand is None else 0


@main.command(epilog=example("python -m camera run"))
def run() -> int:
    """Run until SIGTERM or SIGINT, or the end of a video file."""
    settings = read_settings(Settings)
    stop, crashed = threading.Event(), threading.Event()

    def stop_on_crash() -> None:  # whoever started the process starts it again
        crashed.set()
        stop.set()

    log.configure(settings.log_level, stop_on_crash)
    for number in (signal.SIGTERM, signal.SIGINT):
        # In a thread of its own: a handler runs between two steps of the main thread, which may hold the event's lock.
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    try:
        all_cameras = expand_cameras(settings)
        for camera in all_cameras:
            validate_file_source(camera)
        service = CameraService(all_cameras, stop)
    except (SourceError, SpoolInUseError, CameraConfigError) as error:
        raise WrongInputError(str(error)) from error
    worked = service.run()
    return 0 if worked and not crashed.is_set() else 1


@main.command(epilog=example("python -m camera health"))
def health() -> int:
    """Say whether the running camera is healthy; exit code 0 or 1."""
    report = health_of(_settings().heartbeat_file)
    say(report.message)
    return 0 if report.healthy else 1


@main.command(epilog=example("python -m camera doctor --shot shot.jpg"))
@click.option("--shot", type=click.Path(path_type=Path), metavar="FILE", help="Write the test shot to this file.")
def doctor(shot: Path | None) -> int:
    """Check camera, detector, broker, token, disk and clock.

    Exit code 0 or 1. Each check prints a line; one that says FAIL also says how to fix it.
    """
    return run_doctor(_quiet_cameras(), shot)


@main.command(epilog=example("python -m camera snapshot --out porch.jpg --camera porch"))
@click.option(
    "--out",
    type=click.Path(path_type=Path, allow_dash=True),
    default=Path("snapshot.jpg"),
    show_default=True,
    metavar="FILE",
    help="Where to write it; - is standard output.",
)
@click.option("--camera", metavar="NAME", help="Which one of CAMERAS; by default the first.")
def snapshot(out: Path, camera: str | None) -> int:
    """Write one frame of a camera, as a JPEG.

    Of a running camera it is what the live page shows.
    """
    try:
        chosen = find_camera(_quiet_cameras(), camera)
        if is_running(chosen.heartbeat_file, chosen.camera_name):
            save(preview(chosen), out)
        else:
            write_snapshot(chosen, out)
        if out != STDOUT:
            tell_success(f"camera: one frame is in {out}")
    except UnknownCameraError as error:
        raise WrongInputError(str(error)) from error
    except SnapshotError as error:
        raise click.ClickException(str(error)) from error
    return 0


@main.command(epilog=example("python -m camera pause porch"))
@click.argument("camera", required=False)
def pause(camera: str | None) -> int:
    """Pause all cameras, or one.

    A paused camera releases its device until resume.
    """
    return _command(camera, PAUSE)


@main.command(epilog=example("python -m camera resume porch"))
@click.argument("camera", required=False)
def resume(camera: str | None) -> int:
    """Let paused cameras run again.

    They run as SCHEDULE says.
    """
    return _command(camera, "")


@main.command(epilog=example("python -m camera status"))
def status() -> int:
    """Say how the cameras are, and what waits."""
    for line in describe(_quiet_cameras()):
        say(line)
    return 0


@main.command(epilog=example("python -m camera detect visit.jpg"))
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
def detect(images: Sequence[str]) -> int:
    """Find the faces in images. Prints a JSON line for each image."""
    from camera.diagnostics.offline import detect_faces  # noqa: PLC0415 -- not for the camera itself

    return detect_faces(_settings(), list(images))


@main.command(epilog=example("python -m camera captures visit.mp4 --out shots"))
@click.argument("video")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Where to write the images.")
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="DIR", help="Where to write the contact sheet, an HTML file."
)
def captures(video: str, out: Path | None, report: Path | None) -> int:
    """Write what would be published from a video. Prints a JSON line for each capture.

    VIDEO is a file, or demo for the synthetic camera (DEMO_VISITS, by default 5). The contact sheet shows
    what was kept, and what was not and why.
    """
    if out is None and report is None:
        raise WrongInputError("captures needs --out DIR for the images, --report DIR for the contact sheet, or both")
    from camera.diagnostics.offline import extract_captures  # noqa: PLC0415 -- not for the camera itself

    return extract_captures(_settings(), video, out, report)


def _command(camera: str | None, text: str) -> int:
    try:
        for line in command(_quiet_cameras(), camera, text):
            say(line)
    except UnknownCameraError as error:
        raise WrongInputError(str(error)) from error
    except CommandError as error:
        raise click.ClickException(str(error)) from error
    return 0


def _settings() -> Settings:
    settings = read_settings(Settings)
    log.configure(settings.log_level)
    return settings


def _quiet_cameras() -> Sequence[Settings]:
    """The cameras, for a command that prints what their parts would log."""
    settings = _settings()
    logging.getLogger("camera").setLevel(logging.CRITICAL)
    try:
        return expand_cameras(settings)
    except CameraConfigError as error:
        raise WrongInputError(str(error)) from error


if __name__ == "__main__":
    main()
