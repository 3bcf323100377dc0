"""Captures in the order in which they were taken, the newest first, page by page."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gallery.catalog.cursor import Cursor
from gallery.catalog.day_walker import CaptureQuery, Day, DayWalker, TimePath
from gallery.catalog.entry import CatalogEntry, entry_of
from gallery.catalog.listing_cache import Listing, ListingCache
from gallery.catalog.metadata import MetadataCache
from gallery.pictures.thumbnails import Thumbnails
from storage.keys.parser import KeyParser
from storage.reader import ListedObject, ObjectReader

PAGE_SIZE = 60
METADATA_BATCH = 60  # entries whose metadata is requested before it is decided whether to go on
MAX_OBJECTS = 50_000  # of one prefix that are put in order
MAX_UNORDERED = 200_000  # objects of a bucket without date prefixes
MAX_WORKERS = 8  # requests at once
MAX_READ_AHEAD = 16  # days that are listed before it is known whether they are needed


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, and where to go on; None at the end."""

    entries: tuple[CatalogEntry, ...]
    cursor: str | None
    note: str = ""


class CaptureCatalog:
    """Reads the bucket in order. Safe to use from several threads; raises what boto3 raises."""

    def __init__(
        self, reader: ObjectReader, key_parser: KeyParser, metadata: MetadataCache, thumbnails: Thumbnails
    ) -> None:
        """`metadata` tells what keys do not. From both caches the catalog discards what was removed from the bucket."""
        self._key_parser, self._metadata, self._thumbnails = key_parser, metadata, thumbnails
        self._walker = DayWalker(reader, key_parser)
        self._listings = ListingCache(reader, key_parser)
        self._pool = ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="catalog")

    def page(self, query: CaptureQuery, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page:
        """Return the next entries; raises TooManyBranchesError, and ValueError for an invalid cursor."""
        after = Cursor.decode(cursor) if cursor else None
        if not self._key_parser.by_day:
            return self._unordered_page(query, after, limit)
        found: list[CatalogEntry] = []
        truncated = False
        for days in self._read_ahead(self._walker.newest_first(query, after.time_path if after else None)):
            listings = [self._day_listing(day) for day in days]
            truncated |= any(listing.truncated for listing in listings)
            entries = [entry for listing in listings for entry in listing.entries]
            found += self._select(_in_order(entries, query, after), query, limit + 1 - len(found))
            if len(found) > limit:
                next_page = Cursor(days[0].time_path, found[limit - 1].order).encode()
                return Page(self._completed(found[:limit]), next_page, _note(truncated=truncated))
        return Page(self._completed(found), None, _note(truncated=truncated))

    def nearby(self, entry: CatalogEntry, reach: timedelta) -> list[CatalogEntry]:
        """What may be of the same camera and that near in time, as far as keys tell, in no order."""
        query = CaptureQuery(entry.edge, entry.camera, entry.at - reach, entry.at + reach)
        if self._key_parser.by_day:
            listings = [self._day_listing(day) for day in self._walker.newest_first(query)]
        else:
            folder, slash, _ = entry.key.rpartition("/")
            listings = [self._listing(folder + slash, MAX_OBJECTS)]
        others = (other for listing in listings for other in listing.entries if _may_match(other, query))
        return [other for other in others if not other.has_capture_time or abs(other.at - entry.at) <= reach]

    def entries(self, query: CaptureQuery) -> list[CatalogEntry]:
        """All of a query, in no order; raises TooManyBranchesError."""
        if not self._key_parser.by_day:
            return self._select(_in_order(self._listing("", MAX_UNORDERED).entries, query, None), query, MAX_UNORDERED)
        found: list[CatalogEntry] = []
        for days in self._read_ahead(self._walker.newest_first(query)):
            listed = [entry for day in days for entry in self._day_listing(day).entries]
            found += self._select(_in_order(listed, query, None), query, len(listed) + 1)
        return found

    def oldest_day(self, query: CaptureQuery) -> date | None:
        """The day of the oldest capture; None where it would take many requests to find out."""
        return self._walker.oldest_day(query) if self._key_parser.by_day else None

    def iter_since(self, first: datetime) -> Iterator[tuple[CatalogEntry, ...]]:
        """All entries from a time on, prefix by prefix in no order."""
        for day in self._walker.newest_first(CaptureQuery(since=first, in_order=False)):
            yield tuple(entry for entry in self._day_listing(day).entries if entry.at >= first)

    def select(self, entries: Sequence[CatalogEntry], query: CaptureQuery) -> list[CatalogEntry]:
        """Those of a query, completed, the newest first."""
        completed = self._completed([entry for entry in entries if _may_match(entry, query)])
        return [entry for entry in _in_order(completed, query, None) if _matches(entry, query)]

    def entry(self, listed: ListedObject) -> CatalogEntry | None:
        """The entry for a stored object; None for what is not a capture."""
        return entry_of(listed, self._key_parser)

    def invalidate(self, key: str) -> None:
        """List the prefix of a key again next time, since something in it has changed."""
        self._listings.invalidate(key)

    def mark_missing(self, key: str) -> None:
        """Forget a capture that was expected to exist and does not."""
        self._listings.invalidate(key)
        self._discard([key])

    def _day_listing(self, day: Day) -> Listing:
        return self._listing(day.prefix, MAX_OBJECTS)

    def _listing(self, prefix: str, limit: int) -> Listing:
        """What a prefix holds now, or held a short while ago."""
        cached = self._listings.get(prefix)
        if cached is not None:
            return cached
        listing, removed = self._listings.refresh(prefix, limit)
        self._discard(removed)
        return listing

    def _discard(self, removed: Iterable[str]) -> None:
        keys = list(removed)
        self._metadata.discard(keys)
        self._thumbnails.discard(keys)

    def _read_ahead(self, days: Iterator[Day]) -> Iterator[list[Day]]:
        """Days of the same time together; the more were read in vain, the more of the next are listed side by side."""
        groups, count = _by_time(days), 1
        while ahead := list(itertools.islice(groups, count)):
            list(self._pool.map(self._day_listing, itertools.chain.from_iterable(ahead)))
            yield from ahead
            count = min(2 * count, MAX_READ_AHEAD)

    def _unordered_page(self, query: CaptureQuery, after: Cursor | None, limit: int) -> Page:
        """A bucket whose keys do not lead to a day: what one listing can hold, by the time of storing."""
        listing = self._listing("", MAX_UNORDERED)
        found = self._select(_in_order(listing.entries, query, after), query, limit + 1)
        note = "S3_KEY_TEMPLATE has no date prefix: captures may be in the order in which they were stored."
        if listing.truncated:
            note += f" Only the first {MAX_UNORDERED:,} objects of the bucket are listed."
        cursor = Cursor((), found[limit - 1].order).encode() if len(found) > limit else None
        return Page(self._completed(found[:limit]), cursor, note)

    def _select(self, entries: list[CatalogEntry], query: CaptureQuery, limit: int) -> list[CatalogEntry]:
        """The first ones of the edge and camera, requesting metadata of those whose keys do not tell."""
        if (query.edge, query.camera) == (None, None):
            return entries
        candidates = [entry for entry in entries if _may_match(entry, query)]
        selected: list[CatalogEntry] = []
        for first in range(0, len(candidates), METADATA_BATCH):
            batch = candidates[first : first + METADATA_BATCH]
            completed = zip(batch, self._metadata.with_metadata(batch), strict=True)
            selected += [entry for entry, complete in completed if _matches(complete, query)]
            if len(selected) >= limit:
                break
        return selected

    def _completed(self, entries: list[CatalogEntry]) -> tuple[CatalogEntry, ...]:
        return tuple(self._metadata.with_metadata(entries))


def _note(*, truncated: bool) -> str:
    """What the page must say about prefixes that hold more than is listed."""
    if not truncated:
        return ""
    return f"Only the first {MAX_OBJECTS:,} objects of a prefix are listed, and one here holds more."


def _in_order(entries: Iterable[CatalogEntry], query: CaptureQuery, after: Cursor | None) -> list[CatalogEntry]:
    """Those of the query's time that are older than where the last page ended, the newest first."""
    fitting = [
        entry
        for entry in entries
        if (query.since is None or entry.at >= query.since)
        and (query.until is None or entry.at < query.until)
        and (after is None or entry.order < after.order)
    ]
    return sorted(fitting, key=lambda entry: entry.order, reverse=True)


def _may_match(entry: CatalogEntry, query: CaptureQuery) -> bool:
    """Whether edge and camera are those of the query, as far as the key tells."""
    edge_may_match = query.edge is None or entry.edge in {None, query.edge}
    return edge_may_match and (query.camera is None or entry.camera in {None, query.camera})


def _matches(entry: CatalogEntry, query: CaptureQuery) -> bool:
    return query.edge in {None, entry.edge} and query.camera in {None, entry.camera}


def _by_time(days: Iterator[Day]) -> Iterator[list[Day]]:
    """Days of the same time together: their entries are put in order among each other."""
    for _, group in itertools.groupby(days, key=_time_path):
        yield list(group)


def _time_path(day: Day) -> TimePath:
    return day.time_path
