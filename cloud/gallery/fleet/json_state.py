"""What a restart must not lose, as one JSON file."""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.runtime.files import atomic_write

log = logging.getLogger(__name__)


class JsonState:
    """One file. Where its folder cannot be written, a restart loses the state, which is logged once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._failed = False

    def load(self, take: Callable[[Mapping[str, Any]], None]) -> None:
        """Hand over what an earlier run saved; a file that cannot be read counts as missing."""
        try:
            take(json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            log.warning("%s cannot be read; starting without it", self._file)

    def save(self, content: Mapping[str, object]) -> None:
        with self._lock:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                atomic_write(self._file, json.dumps(content).encode())
            except OSError as error:
                if not self._failed:
                    log.warning("%s cannot be written (%s): a restart forgets it", self._file, error.strerror)
                self._failed = True
            else:
                self._failed = False
