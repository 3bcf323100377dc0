"""A file that another process replaces now and then."""

import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic

LOOK_SECONDS = 0.1  # asked more often, it answers from memory: a system call lets other threads run first


class WatchedFile:
    """Safe to use from several threads; one of them is told of each change."""

    def __init__(self, file: Path, clock: Callable[[], float] = monotonic) -> None:
        self._name = os.fspath(file)  # asked for each message: a path takes ten times as long
        self._clock = clock
        self._looked_at = clock()
        self._version = self._look()

    def has_changed(self) -> bool:
        """Tell whether it was written, replaced or deleted since the last call, or since this watch began."""
        now = self._clock()
        if now - self._looked_at < LOOK_SECONDS:
            return False
        self._looked_at = now
        last, self._version = self._version, self._look()
        return self._version != last

    def _look(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._name)  # noqa: PTH116 (see above)
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns
