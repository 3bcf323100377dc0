"""The spool: every capture stays on disk until its receipt has come."""

import contextlib
import logging
import os
import threading
from pathlib import Path

from camera.delivery.spool_folder import (
    EXTENSIONS,
    LOCK_FILE,
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    TEST_FILE,
    SpoolError,
    SpoolInUseError,
    acquire_lock,
    explain,
    make_private,
    quarantine,
)
from common.contract.capture import Capture, NotACaptureError
from common.runtime.files import UNFINISHED, atomic_write

log = logging.getLogger(__name__)

TEST_BYTES = 64 * 1024  # about a capture


class Spool:
    """A folder with one file per capture. Safe to use from several threads; one process at a time.

    A capture has reached the spool when `put` has returned: its bytes and its name are on disk by then.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """List what waits in the folder; raises SpoolInUseError. A folder that cannot be used yet is a `problem`."""
        self.dropped = 0  # captures that a full spool had to drop
        self.problem: str | None = None  # why captures cannot be spooled now, for the user
        self._folder, self._max_bytes = folder, max_bytes
        self._lock = threading.Lock()
        self._lock_file: int | None = None
        self._sizes: dict[str, int] = {}
        self._left: dict[str, int] = {}  # needed no more, but the disk would not delete them
        self._bytes = 0
        with contextlib.suppress(OSError):  # `check_writable` reports it
            self._open()
        self.check_writable()

    def close(self) -> None:
        """Release the folder for another process."""
        if self._lock_file is not None:
            os.close(self._lock_file)

    def check_writable(self) -> None:
        """Find out whether captures can be spooled, without a capture."""
        try:
            self._open()
            atomic_write(self._folder / TEST_FILE, bytes(TEST_BYTES), mode=PRIVATE_FILE)
        except OSError as error:
            self.problem = explain(self._folder, error)
        except SpoolInUseError as error:
            self.problem = str(error)
        else:
            self.problem = None
        with contextlib.suppress(OSError):
            (self._folder / TEST_FILE).unlink(missing_ok=True)
            self._delete_left()

    def put(self, capture: Capture) -> None:
        """Write a capture to disk, synced; raises SpoolError and remembers it as the `problem`."""
        try:
            self._open()
            with contextlib.suppress(OSError):
                self._delete_left()
            self._make_room(len(capture.image))
            self._write(capture)
        except OSError as error:
            self.problem = explain(self._folder, error)
            raise SpoolError(self.problem) from error
        self.problem = None

    def read(self, capture_id: str) -> Capture | None:
        """The capture of that id; None if it is gone, or damaged (then it is quarantined).

        Raises SpoolError where it cannot be read now: only bad bytes are damage, all else may pass.
        """
        path = self._path(capture_id)
        if path is None:
            return None
        try:
            return Capture.parse(path.read_bytes(), capture_id)
        except FileNotFoundError:
            log.error("%s is gone from the spool: something else deleted it", path.name)  # noqa: TRY400 -- one line
            self._forget(path)
            return None
        except (OSError, MemoryError) as error:
            raise SpoolError(f"Cannot read {path.name} now ({getattr(error, 'strerror', 'no memory')})") from error
        except NotACaptureError as error:
            self._quarantine(path, str(error))
            return None

    def remove(self, capture_id: str) -> bool:
        """Delete a capture that needs no more delivery; False if it was not there.

        What the disk does not delete is forgotten, and deleted when `check_writable` or `put` finds that it can be.
        """
        with self._lock:
            name = self._name(capture_id)
            if name is None:
                return False
            try:
                self._delete(name)
            except OSError as error:  # it became read-only, for instance
                self._left[name] = self._sizes.pop(name)
                self.problem = explain(self._folder, error)
        return True

    def ids(self) -> list[str]:
        """What waits, oldest first."""
        with self._lock:
            return [name[:-4] for name in sorted(self._sizes)]

    def size(self, capture_id: str) -> int:
        """How many bytes a capture has; 0 if it is gone."""
        with self._lock:
            return self._sizes.get(self._name(capture_id) or "", 0)

    @property
    def is_open(self) -> bool:
        """Whether this process owns the folder and knows what waits in it."""
        return self._lock_file is not None

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
        if self._lock_file is not None:
            return
        self._folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        lock_file = acquire_lock(self._folder / LOCK_FILE)
        try:
            self._list()
        except OSError:
            self._sizes.clear()
            os.close(lock_file)  # not open before everything in it is known
            raise
        self._lock_file = lock_file

    def _list(self) -> None:
        make_private(self._folder)
        for entry in list(os.scandir(self._folder)):
            if entry.name.endswith(UNFINISHED):
                self._quarantine(Path(entry.path), "it was not finished when the camera stopped")
            elif entry.name.endswith(EXTENSIONS):
                self._sizes[entry.name] = entry.stat().st_size
        self._bytes = sum(self._sizes.values())

    def _path(self, capture_id: str) -> Path | None:
        with self._lock:
            name = self._name(capture_id)
        return self._folder / name if name else None

    def _name(self, capture_id: str) -> str | None:
        for extension in EXTENSIONS:
            if (name := capture_id + extension) in self._sizes:
                return name
        return None

    def _make_room(self, needed: int) -> None:
        while oldest := self._drop_oldest(needed):
            self.dropped += 1
            if self.dropped & (self.dropped - 1) == 0:  # 1, 2, 4, 8, ...: logged, not repeated
                log.error("Dropped %s: the spool is full (SPOOL_MAX_MB); %d dropped so far", oldest, self.dropped)

    def _drop_oldest(self, needed: int) -> str:
        """Delete the oldest capture and name it, unless there is room."""
        with self._lock:
            if self._bytes + needed <= self._max_bytes or not self._sizes:
                return ""
            oldest = min(self._sizes)
            self._delete(oldest)
            return oldest[:-4]

    def _delete(self, name: str) -> None:
        """With the lock held until the file is gone: else another thread drops the next one for the same room."""
        (self._folder / name).unlink(missing_ok=True)
        self._bytes -= self._sizes.pop(name)

    def _delete_left(self) -> None:
        with self._lock:
            for name in list(self._left):
                (self._folder / name).unlink(missing_ok=True)
                self._bytes -= self._left.pop(name)

    def _write(self, capture: Capture) -> None:
        name = capture.id + capture.extension
        atomic_write(self._folder / name, capture.image, mode=PRIVATE_FILE)
        with self._lock:
            self._bytes += len(capture.image) - self._sizes.get(name, 0) - self._left.pop(name, 0)
            self._sizes[name] = len(capture.image)

    def _quarantine(self, path: Path, reason: str) -> None:
        quarantine(path, reason)
        self._forget(path)

    def _forget(self, path: Path) -> None:
        with self._lock:
            self._bytes -= self._sizes.pop(path.name, 0)
