"""Shows on a terminal how far something has come and how long it has taken, in one line that is written anew."""

import sys
import time
from typing import TextIO

from common.runtime.help_page import local

AFTER_SECONDS, EVERY_SECONDS = 2.0, 0.5
CLEAR = "\r\x1b[K"


class Progress:
    """Silent for what is done within two seconds, and where nobody watches."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._is_watched = output.isatty()
        self._began = time.monotonic()
        self._next = self._began + AFTER_SECONDS
        self._shown = False

    def show(self, text: str) -> None:
        now = time.monotonic()
        if self._is_watched and now >= self._next:
            self._next, self._shown = now + EVERY_SECONDS, True
            self._output.write(f"{CLEAR}{local(text)}, {now - self._began:.0f} s")
            self._output.flush()

    def clear(self) -> None:
        """Make room for what is said next."""
        if self._shown:
            self._output.write(CLEAR)
            self._output.flush()
            self._shown = False


def tell_success(text: str) -> None:
    """Say on a terminal that it worked; a script has the exit code."""
    if sys.stderr.isatty():
        print(local(text), file=sys.stderr)
