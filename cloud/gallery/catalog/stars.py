"""Which captures are starred: kept from retention, and listed on their own."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import monotonic

from gallery.catalog.catalog import CaptureCatalog, Page
from gallery.catalog.cursor import Cursor
from gallery.catalog.day_walker import CaptureQuery
from storage.reader import ListedObject, ObjectReader
from storage.star import marker

MAX_STARS = 50_000
MAX_WORKERS = 8  # requests at once
FRESH_SECONDS = 30.0  # another gallery, or somebody with the store's own tools, may change them


class Stars:
    """Reads and changes them. Safe to use from several threads; raises what boto3 raises."""

    def __init__(self, reader: ObjectReader, catalog: CaptureCatalog) -> None:
        self._reader, self._catalog = reader, catalog
        self._keys: frozenset[str] = frozenset()
        self._fresh_until = float("-inf")
        self._lock = threading.Lock()

    def keys(self) -> frozenset[str]:
        """All of them, as of a short while ago."""
        with self._lock:  # while they are read, too: what is starred meanwhile must be read again
            if monotonic() >= self._fresh_until:
                self._keys = frozenset(self._reader.starred(MAX_STARS))
                self._fresh_until = monotonic() + FRESH_SECONDS
            return self._keys

    def star(self, keys: Sequence[str]) -> bool:
        """Star captures; whether retention spares all of them now."""
        with ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="stars") as pool:
            spared = list(pool.map(self._reader.star, keys))
        self._forget()
        return all(spared)

    def unstar(self, keys: Sequence[str]) -> None:
        with ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="stars") as pool:
            list(pool.map(self._reader.unstar, keys))
        self._forget()

    def forget(self, keys: Sequence[str]) -> None:
        """Remove the stars of captures that were deleted."""
        if gone := self.keys() & set(keys):
            self._reader.delete([marker(key) for key in gone])
            self._forget()

    def page(self, query: CaptureQuery, cursor: str | None, limit: int) -> Page:
        """Some of them, the newest first; raises ValueError for an invalid cursor."""
        after = Cursor.decode(cursor) if cursor else None
        now = datetime.now(UTC)
        found = [entry for key in self.keys() if (entry := self._catalog.entry(ListedObject(key, 0, now)))]
        fitting = self._catalog.select(found, query)
        rest = [entry for entry in fitting if after is None or entry.order < after.order]
        more = Cursor((), rest[limit - 1].order).encode() if len(rest) > limit else None
        return Page(tuple(rest[:limit]), more)

    def _forget(self) -> None:
        with self._lock:
            self._fresh_until = float("-inf")
