"""The machine itself: free disk space, and a folder for the heartbeat."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from common.runtime.check_result import CheckResult, failed, passed, warned
from uploader.settings import Settings

GIB = 1 << 30
MIN_FREE_BYTES = GIB  # the broker's queue, at most 512 MiB, is saved next to its last save
WARN_FREE_BYTES = 4 * GIB


def check_host(settings: Settings) -> Iterator[CheckResult]:
    # In a container / is on the disk that holds the volumes, the broker's too.
    yield check_disk("/", shutil.disk_usage("/").free)
    yield _check_heartbeat(settings.heartbeat_file)


def check_disk(path: str, free_bytes: int) -> CheckResult:
    free = f"{free_bytes / GIB:.1f} GiB free at {path}, where the broker keeps its queue"
    if free_bytes < MIN_FREE_BYTES:
        return failed("disk", f"{free}; below 1 GiB it may fail to save; free some space")
    if free_bytes < WARN_FREE_BYTES:
        return warned("disk", f"{free}; free some space")
    return passed("disk", free)


def _check_heartbeat(file: Path) -> CheckResult:
    folder = file.parent
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return passed("heartbeat", f"{folder} is writable")
    return failed(
        "heartbeat", f"HEARTBEAT_FILE={file} cannot be written, so the uploader stays unhealthy; change it in .env"
    )
