"""What a request's query names: one capture, or which captures to list."""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import Request

from gallery.catalog.catalog import PAGE_SIZE, CaptureCatalog
from gallery.catalog.day_walker import CaptureQuery
from gallery.catalog.entry import CatalogEntry
from gallery.pictures.shrinking import NoImageError
from storage.reader import ListedObject

MIN_YEAR, MAX_YEAR = 1970, 9000  # date arithmetic fails near the ends of the calendar
MIN_BOUNDS, MAX_BOUNDS = 2, 70


def find_entry(catalog: CaptureCatalog, key: str) -> CatalogEntry | None:
    """The entry of a key; None for whatever else is in the bucket."""
    return catalog.entry(ListedObject(key, 0, datetime.now(UTC)))


def entry_from_query(catalog: CaptureCatalog, request: Request) -> CatalogEntry:
    """The entry that the query's key names; raises NoImageError."""
    key = request.query_params.get("key", "")
    entry = find_entry(catalog, key)
    if entry is None:
        raise NoImageError(key)
    return entry


def entries_of_keys(catalog: CaptureCatalog, keys: object, most: int) -> list[CatalogEntry] | None:
    """The entries of a list of keys, each once; None unless 1 to `most`, all of captures. Raises TypeError."""
    if not isinstance(keys, list):
        raise TypeError
    entries = [find_entry(catalog, str(key)) for key in dict.fromkeys(keys[: most + 1])]
    found = [entry for entry in entries if entry is not None]
    return found if 0 < len(found) == len(entries) and len(keys) <= most else None


def capture_query(request: Request) -> CaptureQuery:
    """Raises ValueError."""
    query = request.query_params
    return CaptureQuery(
        query.get("edge") or None, query.get("camera") or None, _time(query, "from"), _time(query, "to")
    )


def page_size(request: Request) -> int:
    """How many captures a page may have; raises ValueError."""
    text = request.query_params.get("limit", str(PAGE_SIZE))
    if not text.isdecimal() or not 1 <= int(text[:9]) <= PAGE_SIZE:
        raise ValueError(f"limit must be 1 to {PAGE_SIZE}.")
    return int(text)


def bounds(request: Request) -> list[datetime]:
    """The rising times in `at`, as seconds since 1970 with commas between them; raises ValueError."""
    try:
        seconds = [int(text) for text in request.query_params.get("at", "").split(",")]
        found = [datetime.fromtimestamp(each, UTC) for each in seconds]
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError("at must be seconds since 1970 with commas between them.") from error
    is_rising = all(first < second for first, second in itertools.pairwise(found))
    is_possible = MIN_YEAR <= found[0].year <= found[-1].year <= MAX_YEAR
    if not is_rising or not is_possible or not MIN_BOUNDS <= len(found) <= MAX_BOUNDS:
        raise ValueError(f"at must be 2 to {MAX_BOUNDS} rising times between the years {MIN_YEAR} and {MAX_YEAR}.")
    return found


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    if not query.get(name):
        return None
    try:
        time = datetime.fromisoformat(query[name])
    except ValueError as error:
        raise ValueError(f"{name} must be a time, such as 2026-11-22T00:00:00Z.") from error
    if time.tzinfo is None:
        raise ValueError(f"{name} must include a time zone, such as 2026-11-22T00:00:00Z.")
    if not MIN_YEAR <= time.year <= MAX_YEAR:
        raise ValueError(f"{name} must be between the years {MIN_YEAR} and {MAX_YEAR}.")
    return time
