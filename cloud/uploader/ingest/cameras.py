"""Which cameras each edge has named: each has folders of its own in the bucket, which the gallery lists one by one."""

import threading

from cachetools import LRUCache

MAX_CAMERAS = 128  # of one edge since the start; a host has a few, and the gallery shows up to 500 side by side
MAX_EDGES = 20_000  # that are remembered
TOO_MANY = f"the edge has named more than {MAX_CAMERAS} cameras"


class CameraNames:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: LRUCache[str, set[str]] = LRUCache(MAX_EDGES)

    def admit(self, edge: str, camera: str) -> bool:
        """Remember a camera; False for one too many."""
        with self._lock:
            names = self._names.setdefault(edge, set())
            if camera not in names and len(names) >= MAX_CAMERAS:
                return False
            names.add(camera)
            return True
