"""How many pixels may be decoded at once: memory follows pixels, not pictures."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """Whoever does not fit waits, in the order in which they came."""

    def __init__(self, pixels: int) -> None:
        self.size = pixels  # of the largest image, too
        self._free = pixels
        self._turn = threading.Lock()
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, pixels: int) -> Iterator[None]:
        """Wait until so many are free, or all of them, and hold them during the `with`."""
        wanted = min(pixels, self.size)
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()
