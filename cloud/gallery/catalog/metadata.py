"""The metadata that the uploader wrote with each object, as far as keys do not tell it."""

import dataclasses
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header

from botocore.exceptions import BotoCoreError, ClientError
from cachetools import LRUCache

from gallery.catalog.entry import CatalogEntry, is_plausible
from storage.reader import ObjectReader

MAX_CACHED = 5000
MAX_WORKERS = 8  # requests at once

Metadata = dict[str, str]


class MetadataCache:
    """Requests the metadata of each object once. Safe to use from several threads."""

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._cached: LRUCache[str, Metadata] = LRUCache(MAX_CACHED)
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="metadata")

    def get(self, key: str) -> Metadata:
        """What the uploader wrote, decoded. Raises what boto3 raises."""
        with self._lock:
            cached = self._cached.get(key)
        if cached is not None:
            return cached
        metadata = {name: _decoded(value) for name, value in self._reader.metadata(key).items()}
        with self._lock:
            self._cached[key] = metadata
        return metadata

    def get_many(self, entries: Sequence[CatalogEntry]) -> list[Metadata]:
        """Of several, side by side; empty for one that cannot be read, since it was deleted, say."""
        return list(self._pool.map(self._get_or_empty, entries))

    def with_metadata(self, entries: Sequence[CatalogEntry]) -> list[CatalogEntry]:
        """The same entries, completed by what their keys do not tell."""
        incomplete = [entry for entry in entries if not entry.is_complete]
        found = dict(zip((entry.key for entry in incomplete), self.get_many(incomplete), strict=True))
        return [_complete(entry, found[entry.key]) if entry.key in found else entry for entry in entries]

    def discard(self, keys: Iterable[str]) -> None:
        """Forget objects that were removed."""
        with self._lock:
            for key in keys:
                self._cached.pop(key, None)

    def _get_or_empty(self, entry: CatalogEntry) -> Metadata:
        try:
            return self.get(entry.key)
        except (BotoCoreError, ClientError):
            return {}


def _complete(entry: CatalogEntry, metadata: Metadata) -> CatalogEntry:
    edge, camera = entry.edge or metadata.get("edge"), entry.camera or metadata.get("camera")
    return dataclasses.replace(entry, at=_capture_time(entry, metadata), edge=edge, camera=camera)


def _capture_time(entry: CatalogEntry, metadata: Metadata) -> datetime:
    try:
        at = entry.at if entry.has_capture_time else datetime.fromisoformat(metadata["captured_at"])
    except (KeyError, ValueError):
        return entry.at
    return at if at.tzinfo and is_plausible(at) else entry.at


def _decoded(value: str) -> str:
    """S3 returns what is not ASCII encoded by RFC 2047."""
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value
