"""What the demo shows while it works: seconds that pass, and a line that is written anew in its place."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

TICK_SECONDS, LINE_SECONDS = 0.5, 10.0
CLEAR = "\r\x1b[K"


class Counter:
    """Shows a line in the place of the last one; where nobody watches, one below the other."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self.in_place = output.isatty()
        self._shown = False

    def show(self, line: str) -> None:
        if not self.in_place:
            print(line, file=self._output, flush=True)
            return
        self._output.write(f"{CLEAR}{line}")
        self._output.flush()
        self._shown = True

    def close(self) -> None:
        """Leave the last line where it is."""
        if self._shown:
            print(file=self._output, flush=True)
        self._shown = False


@contextlib.contextmanager
def elapsed(doing: str) -> Iterator[None]:
    """Say what goes on and for how long, until the block ends."""
    counter, done, began = Counter(sys.stdout), threading.Event(), time.monotonic()
    watched = sys.stdout.isatty()
    counter.show(f"{doing} ...")

    def tick() -> None:
        while not done.wait(TICK_SECONDS if watched else LINE_SECONDS):
            seconds = time.monotonic() - began
            counter.show(f"{doing} ... {seconds:.0f} s" if watched else f"  {seconds:.0f} s")

    ticking = threading.Thread(target=tick, daemon=True)
    ticking.start()
    try:
        yield
    finally:
        done.set()
        ticking.join()
        counter.close()
