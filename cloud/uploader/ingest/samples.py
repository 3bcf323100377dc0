"""Which images of an edge are decoded although their hash proves them: its first ones, and then a few."""

import threading

from cachetools import LRUCache

INITIAL_SAMPLES = 8
SAMPLE_INTERVAL = 16
MAX_EDGES = 1000  # that are remembered; an edge that is forgotten begins again


class Samples:
    """Counts what each edge sends. An edge of which one was no image begins again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: LRUCache[str, int] = LRUCache(MAX_EDGES)

    def take(self, edge: str) -> bool:
        """Count one image, and tell whether it is decoded."""
        with self._lock:
            sent = self._sent[edge] = self._sent.get(edge, 0) + 1
        return sent <= INITIAL_SAMPLES or sent % SAMPLE_INTERVAL == 0

    def begin_again(self, edge: str) -> None:
        """Decode the next ones: this edge sent something that is no image."""
        with self._lock:
            self._sent.pop(edge, None)
