"""Folders whose files are replaced as a whole, and read by their owner alone."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class FolderError(Exception):
    """A folder that cannot be used; in a sentence."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A place for secrets."""

    path: Path
    mode: int = 0o600

    def read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def write(self, name: str, content: bytes) -> None:
        """Replace a file at one stroke, also when the power fails."""
        try:
            handle, fresh = tempfile.mkstemp(prefix=f".{name}-", dir=self.path)
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, self.mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(fresh).replace(self.path / name)
        except OSError as error:
            raise self._unusable(error) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let one process at a time in."""
        try:
            lock = (self.path / "lock").open("w")
        except OSError as error:
            raise self._unusable(error) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _unusable(self, error: OSError) -> FolderError:
        return FolderError(f"cannot use {self.path}: {error.strerror}; it must belong to uid {os.getuid()}")
