"""The spool's folder: private, of one process, with what was damaged set aside."""

import contextlib
import fcntl
import logging
import os
from pathlib import Path

from common.runtime.files import UNFINISHED

log = logging.getLogger(__name__)

EXTENSIONS = (".png", ".jpg")
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700  # faces are for nobody else on this host
TEST_FILE, LOCK_FILE, DAMAGED = ".probe", ".lock", "damaged"
OURS = (*EXTENSIONS, UNFINISHED, TEST_FILE, LOCK_FILE, DAMAGED)
MAX_DAMAGED_FILES = 100  # kept for inspection; older ones are deleted


class SpoolError(Exception):
    """The spool cannot take captures now; the text is for the user."""


class SpoolInUseError(SpoolError):
    """The spool belongs to another process."""


def acquire_lock(path: Path) -> int:
    """Take a lock that the process holds until it ends; raises SpoolInUseError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SpoolInUseError(
            f"SPOOL_DIR={path.parent} is in use by another camera: give each camera its own folder."
        ) from error
    return descriptor


def make_private(folder: Path) -> None:
    """An older version let others look into it; a folder that holds something else stays as it is."""
    with contextlib.suppress(OSError):  # not every file system has modes
        entries = list(os.scandir(folder))
        for entry in entries:
            if entry.name.endswith(EXTENSIONS) and entry.is_file(follow_symlinks=False):
                Path(entry.path).chmod(PRIVATE_FILE)
        if all(entry.name.endswith(OURS) for entry in entries):
            folder.chmod(PRIVATE_FOLDER)
        if (folder / DAMAGED).is_dir():
            (folder / DAMAGED).chmod(PRIVATE_FOLDER)


def explain(folder: Path, error: OSError) -> str:
    """Say what to do about a folder that cannot take captures."""
    return f"SPOOL_DIR={folder} cannot take captures ({error.strerror}): make room on its disk, or make it writable."


def quarantine(path: Path, reason: str) -> None:
    """Keep a file that is no capture next to the others, for inspection."""
    damaged = path.parent / DAMAGED
    log.error("Quarantined %s in %s: %s", path.name, damaged, reason)
    try:
        damaged.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        path.rename(damaged / path.name)
        for old in sorted(damaged.iterdir())[:-MAX_DAMAGED_FILES]:
            old.unlink()
    except OSError as error:
        log.error("Could not quarantine %s: %s", path.name, error.strerror)  # noqa: TRY400 -- one line, no stack trace
