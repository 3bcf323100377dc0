"""The camera's commands, and the wiring of its parts."""

import argparse
import logging
import signal
import sys
import threading
import time
from pathlib import Path

from camera.config.camera_list import CameraConfigError, expand_cameras
from camera.config.settings import Settings, read_settings
from camera.control.health import health
from camera.delivery.spool import SpoolInUseError
from camera.diagnostics.doctor import doctor
from camera.diagnostics.offline import captures, detect
from camera.diagnostics.snapshot import snapshot
from camera.service import CameraService
from camera.sources.factory import validate_file_source
from camera.sources.frame import SourceError

log = logging.getLogger("camera")


def main() -> int:
    """Read the command line and do what it says."""
    arguments = _parser().parse_args()
    settings = read_settings()
    start_log(settings.log_level)
    match arguments.command:
        case "detect":
            return detect(settings, arguments.image)
        case "captures":
            return captures(settings, arguments.video, arguments.out)
        case "health":
            well, sentence = health(settings.heartbeat_file)
            print(sentence)
            return 0 if well else 1
        case "doctor" | "snapshot":
            return look_at(settings, arguments)
        case _:
            return run(settings)


def look_at(settings: Settings, arguments: argparse.Namespace) -> int:
    """Look through the cameras beside a service that may be running."""
    log.setLevel(logging.CRITICAL)  # what the parts would log is what these print
    try:
        each = expand_cameras(settings)
    except CameraConfigError as error:
        print(f"camera: {error}", file=sys.stderr)
        return 2
    if arguments.command == "doctor":
        return doctor(each, arguments.shot)
    return snapshot(each, arguments.camera, arguments.out)


def start_log(level: str) -> None:
    """One line a fact, in UTC."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ")


def run(settings: Settings) -> int:
    """Watch until SIGTERM or SIGINT, or the end of a file."""
    stop, failed = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # In a thread of its own: a handler runs between two steps of the main thread, which may hold the event's lock.
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    threading.excepthook = lambda crash: _give_up(crash, stop, failed)
    try:
        each = expand_cameras(settings)
        for camera in each:
            validate_file_source(camera)
        service = CameraService(each, stop)
    except (SourceError, SpoolInUseError, CameraConfigError) as error:
        print(f"camera: {error}", file=sys.stderr)
        return 2
    worked = service.run()
    return 0 if worked and not failed.is_set() else 1


def _give_up(crash: threading.ExceptHookArgs, stop: threading.Event, failed: threading.Event) -> None:
    """End the process when one of its threads broke: whoever started it starts it again."""
    log.critical("The thread %s broke", crash.thread and crash.thread.name, exc_info=crash.exc_value)
    failed.set()
    stop.set()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="camera", description="Sees a face, publishes its picture.")
    commands = parser.add_subparsers(dest="command", title="commands (without one, the camera runs)")
    commands.add_parser("health", help="tell whether the running camera is well; exit code 0 or 1")
    check = commands.add_parser("doctor", help="tell what is well and what is not, line by line; exit code 0 or 1")
    check.add_argument("--shot", type=Path, metavar="FILE", help="write the test shot there")
    shoot = commands.add_parser("snapshot", help="write one frame of a camera, a JPEG")
    shoot.add_argument("--out", type=Path, default=Path("snapshot.jpg"), metavar="FILE", help="- for standard output")
    shoot.add_argument("--camera", metavar="NAME", help="which one of CAMERAS; the first without")
    look = commands.add_parser("detect", help="find the faces in images; one JSON line each")
    look.add_argument("image", nargs="+")
    write = commands.add_parser("captures", help="write what would be published from a video; one JSON line each")
    write.add_argument("video", help="a video file, or demo (with DEMO_VISITS set)")
    write.add_argument("--out", type=Path, required=True, metavar="DIR")
    return parser


if __name__ == "__main__":
    sys.exit(main())
