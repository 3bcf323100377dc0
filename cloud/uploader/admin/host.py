"""The machine itself: room on the disk, and a place for the heartbeat."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from common.runtime.check_result import CheckResult, failed, passed, warned
from uploader.settings import Settings

GIB = 1 << 30
NEEDED_BYTES = GIB  # the broker's queue, at most 512 MiB, is saved beside its last save
ROOMY_BYTES = 4 * GIB


def examine(settings: Settings) -> Iterator[CheckResult]:
    # In a container / lies on the disk that holds the volumes, the broker's too.
    yield disk("/", shutil.disk_usage("/").free)
    yield _heartbeat(settings.heartbeat_file)


def disk(place: str, free: int) -> CheckResult:
    room = f"{free / GIB:.1f} GiB free at {place}, where the broker keeps its queue"
    if free < NEEDED_BYTES:
        return failed("disk", f"{room}; below 1 GiB it may fail to save; make room")
    if free < ROOMY_BYTES:
        return warned("disk", f"{room}; make room")
    return passed("disk", room)


def _heartbeat(file: Path) -> CheckResult:
    folder = file.parent
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return passed("heartbeat", f"{folder} can be written")
    return failed("heartbeat", f"HEARTBEAT_FILE={file} cannot be written, so health stays bad; set it in .env")
