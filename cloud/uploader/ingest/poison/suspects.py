"""Which messages were in hand when an uploader, or its connection, was lost, and how often."""

import json
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from common.os_error import plain_reason
from common.runtime.files import SecretDir, SecretDirError

MAX_SUSPECTS = 1000  # the latest
NAME = "suspects.json"
log = logging.getLogger(__name__)


class Suspects:
    """A file that all uploaders of a folder share; it is read again when another one has replaced it."""

    def __init__(self, folder: Path) -> None:
        self._folder = SecretDir(folder)
        self._file = os.fspath(folder / NAME)  # asked for each message: a path takes ten times as long
        self._version: tuple[int, int] | None = None
        self._losses: dict[str, int] = {}

    def losses(self, identity: bytes) -> int:
        """Tell how often this message was in hand at a loss, since it was last handled."""
        self._read_again()
        return self._losses.get(identity.hex(), 0)

    def add(self, identities: Iterable[bytes]) -> None:
        """Count one loss for each."""
        names = [identity.hex() for identity in identities]
        self._change(lambda losses: losses | {name: losses.get(name, 0) + 1 for name in names})

    def remove(self, identity: bytes) -> None:
        """Clear a message that was handled after all."""
        self._change(lambda losses: {name: count for name, count in losses.items() if name != identity.hex()})

    def _change(self, change: Callable[[dict[str, int]], dict[str, int]]) -> None:
        try:
            with self._folder.locked():
                self._version = None
                self._read_again()
                kept = list(change(self._losses).items())[-MAX_SUSPECTS:]
                self._folder.write(NAME, json.dumps(dict(kept)).encode())
        except (OSError, SecretDirError) as error:
            log.warning("Could not note a message that ended the uploader: %s", plain_reason(error))

    def _read_again(self) -> None:
        try:
            status = os.stat(self._file)  # noqa: PTH116 (see above)
        except OSError:
            self._losses, self._version = {}, None
            return
        version = status.st_ino, status.st_mtime_ns
        if version != self._version:
            self._losses, self._version = _parse(self._file), version


def _parse(file: str) -> dict[str, int]:
    try:
        content = json.loads(Path(file).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {str(name): count for name, count in content.items() if isinstance(count, int)}
