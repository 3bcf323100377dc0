"""The spool: every capture lies on disk until somebody has answered for it."""

import fcntl
import logging
import os
import threading
from pathlib import Path

from camera.message import Capture, NotACaptureError, read_capture

log = logging.getLogger(__name__)

EXTENSIONS = (".png", ".jpg")
UNFINISHED = ".part"
MOST_DAMAGED = 100  # files kept for a look; older ones go


class SpoolError(Exception):
    """The spool cannot take captures; the text is a sentence for the user."""


class Spool:
    """A folder with one file per capture. Safe to use from several threads; one process at a time.

    A capture has reached the spool when `put` has returned: its bytes and its name are on disk by then.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Open the folder and list what waits in it; raises SpoolError."""
        self.dropped = 0  # captures that a full spool had to give up
        self.trouble: str | None = None  # why captures cannot be spooled now, as a sentence
        self._folder, self._max_bytes = folder, max_bytes
        self._guard = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder / ".lock")
            self._sizes = self._waiting()
        except OSError as error:
            raise SpoolError(_explain(folder, error)) from error
        self._bytes = sum(self._sizes.values())

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)

    def put(self, capture: Capture) -> None:
        """Write a capture down for good; raises SpoolError, and remembers it as the trouble."""
        try:
            self._make_room(len(capture.image))
            self._write(capture)
        except OSError as error:
            self.trouble = _explain(self._folder, error)
            raise SpoolError(self.trouble) from error
        self.trouble = None

    def read(self, capture_id: str) -> Capture | None:
        """The capture of that id; None if it is gone, or damaged (then it is set aside)."""
        path = self._path(capture_id)
        if path is None:
            return None
        try:
            capture = read_capture(path.read_bytes())
        except (OSError, NotACaptureError) as error:
            self._set_aside(path, str(error))
            return None
        if capture.id != capture_id:
            self._set_aside(path, "its bytes do not fit its name")
            return None
        return capture

    def remove(self, capture_id: str) -> bool:
        """Forget a capture that somebody has answered for; False if it was not there."""
        path = self._path(capture_id)
        if path is None:
            return False
        with self._guard:
            self._bytes -= self._sizes.pop(path.name, 0)
        path.unlink(missing_ok=True)
        return True

    def ids(self) -> list[str]:
        """What waits, oldest first."""
        with self._guard:
            return [name[:-4] for name in sorted(self._sizes)]

    @property
    def depth(self) -> int:
        """How many captures wait."""
        return len(self._sizes)

    def _waiting(self) -> dict[str, int]:
        sizes = {}
        for entry in sorted(os.scandir(self._folder), key=lambda entry: entry.name):
            if entry.name.endswith(UNFINISHED):
                self._set_aside(Path(entry.path), "it was not finished when the camera stopped")
            elif entry.name.endswith(EXTENSIONS):
                sizes[entry.name] = entry.stat().st_size
        return sizes

    def _path(self, capture_id: str) -> Path | None:
        with self._guard:
            name = next((capture_id + end for end in EXTENSIONS if capture_id + end in self._sizes), None)
        return self._folder / name if name else None

    def _make_room(self, wanted: int) -> None:
        while self._bytes + wanted > self._max_bytes and (oldest := self.ids()[:1]):
            self.remove(oldest[0])
            self.dropped += 1
            if self.dropped & (self.dropped - 1) == 0:  # 1, 2, 4, 8, ...: said, not repeated
                log.error("Dropped %s: the spool is full (SPOOL_MAX_MB); %d dropped so far", oldest[0], self.dropped)

    def _write(self, capture: Capture) -> None:
        name = capture.id + capture.extension
        unfinished = self._folder / (name + UNFINISHED)
        try:
            with unfinished.open("wb") as file:
                file.write(capture.image)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(self._folder / name)
            _sync_folder(self._folder)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        with self._guard:
            self._bytes += len(capture.image) - self._sizes.get(name, 0)
            self._sizes[name] = len(capture.image)

    def _set_aside(self, path: Path, reason: str) -> None:
        damaged = self._folder / "damaged"
        log.error("Set %s aside in %s: %s", path.name, damaged, reason)
        try:
            damaged.mkdir(exist_ok=True)
            path.rename(damaged / path.name)
            for old in sorted(damaged.iterdir())[:-MOST_DAMAGED]:
                old.unlink()
        except OSError as error:
            log.error("Could not set %s aside: %s", path.name, error)  # noqa: TRY400 -- a sentence, no stack trace
        if hasattr(self, "_sizes"):
            with self._guard:
                self._bytes -= self._sizes.pop(path.name, 0)


def _locked(path: Path) -> int:
    """Hold a lock for the life of the process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _sync_folder(folder: Path) -> None:
    """A file's name is on disk only after its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain(folder: Path, error: OSError) -> str:
    if isinstance(error, BlockingIOError):
        return f"SPOOL_DIR={folder} is in use by another camera: give each camera a folder of its own."
    return f"SPOOL_DIR={folder} cannot take captures ({error.strerror}): make room on its disk, or make it writable."
