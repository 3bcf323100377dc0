"""Files that are replaced as a whole, and folders of secrets that only their owner can read."""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")

LOOK_SECONDS = 0.1  # asked more often, a watch answers from memory: a system call lets other threads run first
UNFINISHED = ".part"  # the ending of a file that is still being written


def atomic_write(file: Path, content: bytes, *, mode: int | None = None, durable: bool = True) -> None:
    """Replace a file so that a reader sees the old content or the new, also after a power failure.

    `mode` is exact; without it the umask decides. Without `durable` nothing waits for the disk: good for what is
    worthless after a restart. Raises OSError.
    """
    unfinished = file.with_name(f"{file.name}.{os.urandom(4).hex()}{UNFINISHED}")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if mode else 0o666)
        with os.fdopen(handle, "wb") as opened:
            if mode:
                os.fchmod(handle, mode)
            opened.write(content)
            opened.flush()
            if durable:
                os.fsync(handle)
        unfinished.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    """A file's name is on disk only after its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class SecretDirError(Exception):
    """A folder that cannot be used; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class SecretDir:
    """A folder of secrets."""

    path: Path
    mode: int = 0o600  # of its files

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None if there is no such file."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def write(self, name: str, content: bytes) -> None:
        try:
            atomic_write(self.path / name, content, mode=self.mode)
        except OSError as error:
            raise self._unusable(error) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let one process at a time work on the folder."""
        try:
            lock = (self.path / "lock").open("w")
        except OSError as error:
            raise self._unusable(error) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _unusable(self, error: OSError) -> SecretDirError:
        return SecretDirError(f"cannot use {self.path}: {error.strerror}; it must belong to uid {os.getuid()}")


class WatchedFile(Generic[T]):
    """What a file holds that others replace; safe to use from several threads."""

    def __init__(self, file: Path, parse: Callable[[Path], T], clock: Callable[[], float] = monotonic) -> None:
        """`parse` reads the file, also where there is none."""
        self._file, self._parse, self._clock = file, parse, clock
        self._reading = threading.Lock()
        self._looked_at = clock()
        self._version = self._look()
        self._content = parse(file)

    @property
    def content(self) -> T:
        """As it was LOOK_SECONDS ago, or later."""
        # Whoever looks reads, too, and alone: else an old content that took its time would replace a new one.
        if self._clock() - self._looked_at >= LOOK_SECONDS and self._reading.acquire(blocking=False):
            try:
                self._follow()
            finally:
                self._reading.release()
        return self._content

    def read_now(self) -> None:
        """Read it, since it was just replaced."""
        with self._reading:
            self._follow()

    def _follow(self) -> None:
        self._looked_at = self._clock()
        version = self._look()
        if version != self._version:
            self._content, self._version = self._parse(self._file), version

    def _look(self) -> tuple[int, int] | None:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns
