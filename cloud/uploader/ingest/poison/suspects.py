"""Which messages were in hand when an uploader, or its connection, was lost, and how often."""

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from common.os_error import plain_reason
from common.runtime.files import SecretDir, SecretDirError, WatchedFile

MAX_SUSPECTS = 1000  # the latest
NAME = "suspects.json"
log = logging.getLogger(__name__)


class Suspects:
    """A file that all uploaders of a folder share; it is read again when another one has replaced it."""

    def __init__(self, folder: Path) -> None:
        self._folder = SecretDir(folder)
        self._file = folder / NAME
        self._losses = WatchedFile(self._file, _parse)

    def losses(self, identity: bytes) -> int:
        """Tell how often this message was in hand at a loss, since it was last handled."""
        return self._losses.content.get(identity.hex(), 0)

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
                kept = dict(list(change(_parse(self._file)).items())[-MAX_SUSPECTS:])
                self._folder.write(NAME, json.dumps(kept).encode())
                self._losses.read_now()
        except (OSError, SecretDirError) as error:
            log.warning("Could not note a message that ended the uploader: %s", plain_reason(error))


def _parse(file: Path) -> dict[str, int]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {str(name): count for name, count in content.items() if isinstance(count, int)}
