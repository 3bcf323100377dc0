"""What the prefixes of the bucket hold, as far as they were listed."""

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic

from cachetools import LRUCache

from gallery.catalog.entry import CatalogEntry, entry_of
from storage.keys.parser import KeyParser
from storage.reader import ObjectReader

MAX_CACHED_ENTRIES = 200_000  # of all listings together
FRESH_SECONDS = 5.0  # how long a listing is used
PAST_DAY_FRESH_SECONDS = 300.0  # the same for a day that is over: retention and stragglers change it now and then
PAST_DAY_AGE = timedelta(days=2)  # by then most of a day's stragglers have come
EXPIRED = float("-inf")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a prefix held when it was listed."""

    entries: tuple[CatalogEntry, ...]
    fresh_until: float  # monotonic
    truncated: bool  # whether the prefix holds more

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(entry.key for entry in self.entries)


class ListingCache:
    """Keeps listings for a while. Safe to use from several threads.

    Not a TLRUCache: what has expired stays until it is replaced, so that a refresh can tell what was removed meanwhile.
    """

    def __init__(self, reader: ObjectReader, key_parser: KeyParser) -> None:
        self._reader, self._key_parser = reader, key_parser
        self._listings: LRUCache[str, Listing] = LRUCache(MAX_CACHED_ENTRIES, lambda each: max(len(each.entries), 1))
        self._lock = threading.Lock()

    def get(self, prefix: str) -> Listing | None:
        """The listing of a prefix; None if it must be refreshed."""
        with self._lock:
            cached = self._listings.get(prefix)
        return cached if cached is not None and monotonic() < cached.fresh_until else None

    def refresh(self, prefix: str, limit: int) -> tuple[Listing, frozenset[str]]:
        """List a prefix again; with the keys that the last listing held and this one does not."""
        began = monotonic()
        listed = self._reader.list_objects(prefix, limit)
        entries = tuple(entry for each in listed if (entry := entry_of(each, self._key_parser)) is not None)
        fresh_until = monotonic() + _fresh_seconds(entries, monotonic() - began)
        listing = Listing(entries, fresh_until, truncated=len(listed) == limit)
        with self._lock:
            before = self._listings.get(prefix)
            self._listings[prefix] = listing
        return listing, before.keys - listing.keys if before else frozenset()

    def invalidate(self, key: str) -> None:
        """Let the listings that may hold a key expire, since something in them has changed."""
        with self._lock:
            for prefix in [prefix for prefix in self._listings if key.startswith(prefix)]:
                self._listings[prefix] = replace(self._listings[prefix], fresh_until=EXPIRED)


def _fresh_seconds(entries: tuple[CatalogEntry, ...], took_seconds: float) -> float:
    """What took long to list is used for longer, so that listing it again is no burden."""
    is_over = bool(entries) and max(entry.at for entry in entries) < datetime.now(UTC) - PAST_DAY_AGE
    return PAST_DAY_FRESH_SECONDS if is_over else max(FRESH_SECONDS, 10 * took_seconds)
