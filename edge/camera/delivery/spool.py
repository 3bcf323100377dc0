"""The spool: every capture lies on disk until somebody has answered for it."""

import contextlib
import fcntl
import logging
import os
import threading
from pathlib import Path

from common.contract.capture import Capture, NotACaptureError, read_capture

log = logging.getLogger(__name__)

EXTENSIONS = (".png", ".jpg")
UNFINISHED = ".part"
PROBE = ".probe"
PROBE_BYTES = 64 * 1024  # about a capture
MOST_DAMAGED = 100  # files kept for a look; older ones go


class SpoolError(Exception):
    """The spool cannot take captures now; the text is a sentence for the user."""


class SpoolInUseError(SpoolError):
    """The spool belongs to another process."""


class Spool:
    """A folder with one file per capture. Safe to use from several threads; one process at a time.

    A capture has reached the spool when `put` has returned: its bytes and its name are on disk by then.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """List what waits in the folder; raises SpoolInUseError. A folder that does not work yet is the trouble."""
        self.dropped = 0  # captures that a full spool had to give up
        self.trouble: str | None = None  # why captures cannot be spooled now, as a sentence
        self._folder, self._max_bytes = folder, max_bytes
        self._guard = threading.Lock()
        self._lock: int | None = None
        self._sizes: dict[str, int] = {}
        self._bytes = 0
        with contextlib.suppress(OSError):  # `probe` says it
            self._open()
        self.probe()

    def close(self) -> None:
        """Let another process have the folder."""
        if self._lock is not None:
            os.close(self._lock)

    def probe(self) -> None:
        """Find out whether captures can be spooled, without one."""
        try:
            self._open()
            _write_through(self._folder / PROBE, bytes(PROBE_BYTES))
        except OSError as error:
            self.trouble = _explain(self._folder, error)
        except SpoolInUseError as error:
            self.trouble = str(error)
        else:
            self.trouble = None
        with contextlib.suppress(OSError):
            (self._folder / PROBE).unlink(missing_ok=True)

    def put(self, capture: Capture) -> None:
        """Write a capture down for good; raises SpoolError, and remembers it as the trouble."""
        try:
            self._open()
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

    def size(self, capture_id: str) -> int:
        """How many bytes a capture has; 0 if it is gone."""
        path = self._path(capture_id)
        return self._sizes.get(path.name, 0) if path else 0

    @property
    def opened(self) -> bool:
        """Whether the folder is ours, and what waits in it is known."""
        return self._lock is not None

    @property
    def bytes(self) -> int:
        """How much disk they take."""
        return self._bytes

    @property
    def max_bytes(self) -> int:
        """How much they may take."""
        return self._max_bytes

    @property
    def depth(self) -> int:
        """How many captures wait."""
        return len(self._sizes)

    def _open(self) -> None:
        if self._lock is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self._folder / ".lock")
        for entry in list(os.scandir(self._folder)):
            if entry.name.endswith(UNFINISHED):
                self._set_aside(Path(entry.path), "it was not finished when the camera stopped")
            elif entry.name.endswith(EXTENSIONS):
                self._sizes[entry.name] = entry.stat().st_size
        self._bytes = sum(self._sizes.values())

    def _path(self, capture_id: str) -> Path | None:
        with self._guard:
            name = next((capture_id + end for end in EXTENSIONS if capture_id + end in self._sizes), None)
        return self._folder / name if name else None

    def _make_room(self, wanted: int) -> None:
        while self._bytes + wanted > self._max_bytes and self._sizes:
            with self._guard:
                oldest = min(self._sizes)[:-4]
            self.remove(oldest)
            self.dropped += 1
            if self.dropped & (self.dropped - 1) == 0:  # 1, 2, 4, 8, ...: said, not repeated
                log.error("Dropped %s: the spool is full (SPOOL_MAX_MB); %d dropped so far", oldest, self.dropped)

    def _write(self, capture: Capture) -> None:
        name = capture.id + capture.extension
        unfinished = self._folder / (name + UNFINISHED)
        try:
            _write_through(unfinished, capture.image)
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
        with self._guard:
            self._bytes -= self._sizes.pop(path.name, 0)


def _locked(path: Path) -> int:
    """Hold a lock for the life of the process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SpoolInUseError(
            f"SPOOL_DIR={path.parent} is in use by another camera: give each camera a folder of its own."
        ) from error
    return descriptor


def _write_through(path: Path, content: bytes) -> None:
    """Write a file so that its bytes are on disk when this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """A file's name is on disk only after its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain(folder: Path, error: OSError) -> str:
    return f"SPOOL_DIR={folder} cannot take captures ({error.strerror}): make room on its disk, or make it writable."
