"""What a request's query names: one capture, or which captures to list."""

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import Request

from gallery.catalog.catalog import CaptureCatalog
from gallery.catalog.day_walker import CaptureQuery
from gallery.catalog.entry import CatalogEntry
from gallery.pictures.thumbnails import NoImageError
from storage.reader import ListedObject

MIN_YEAR, MAX_YEAR = 1970, 9000  # date arithmetic fails near the ends of the calendar


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


def capture_query(request: Request) -> CaptureQuery:
    """Raises ValueError."""
    query = request.query_params
    return CaptureQuery(
        query.get("edge") or None, query.get("camera") or None, _time(query, "from"), _time(query, "to")
    )


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
