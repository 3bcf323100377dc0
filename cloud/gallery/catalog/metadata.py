"""The metadata that the uploader wrote with each object, as far as keys do not tell it."""

import dataclasses
import math
import sys
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError
from cachetools import LRUCache

from gallery.catalog.entry import CatalogEntry, is_plausible
from storage.reader import ObjectReader

MAX_CACHED = 5000
MAX_FACTS = 50_000  # some 350 bytes each
MAX_WORKERS = 12  # requests at once, for what a page shows
MAX_PATIENT_WORKERS = 6  # for what is counted meanwhile
MAX_WAIT_SECONDS = 1.0  # how long one of these waits for a page

Metadata = dict[str, str]


@dataclass(frozen=True, slots=True)
class ShotFacts:
    """What the page must know of a capture to show visits rather than captures."""

    track: str = ""  # empty: it belongs to no visit
    shot: str = ""
    quality: float | None = None
    poor: str = ""

    @classmethod
    def of(cls, metadata: Metadata) -> Self:
        """Read what the camera said; what is no number is none."""
        return cls(
            metadata.get("track", ""),
            sys.intern(metadata.get("shot", "")),
            _number(metadata.get("quality", "")),
            sys.intern(metadata.get("poor", "")),
        )


class MetadataCache:
    """Requests the metadata of each object once. Safe to use from several threads."""

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._cached: LRUCache[str, Metadata] = LRUCache(MAX_CACHED)
        self._facts: LRUCache[str, ShotFacts] = LRUCache(MAX_FACTS)
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="metadata")
        self._pages, self._no_page = 0, threading.Event()  # pages whose metadata is being read
        self._no_page.set()
        self._patient_pool = ThreadPoolExecutor(MAX_PATIENT_WORKERS, thread_name_prefix="patient-metadata")

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

    def get_many(self, entries: Sequence[CatalogEntry], *, patient: bool = False) -> list[Metadata]:
        """Of several, side by side; empty for one that cannot be read, since it was deleted, say.

        `patient`: what is asked for a page does not wait for these.
        """
        if patient:
            return list(self._patient_pool.map(self._get_patiently, entries))
        self._count_pages(1)
        try:
            return list(self._pool.map(self._get_or_empty, entries))
        finally:
            self._count_pages(-1)

    def facts(self, entries: Sequence[CatalogEntry], *, patient: bool = False) -> list[ShotFacts]:
        """Which visit each belongs to; nothing of one that cannot be read."""
        with self._lock:
            known = {entry.key: self._facts.get(entry.key) for entry in entries}
        unknown = [entry for entry in entries if known[entry.key] is None]
        found = zip(unknown, self.get_many(unknown, patient=patient), strict=True)
        facts = {entry.key: ShotFacts.of(metadata) for entry, metadata in found if metadata}
        with self._lock:
            self._facts.update(facts)
        return [known[entry.key] or facts.get(entry.key) or ShotFacts() for entry in entries]

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
                self._facts.pop(key, None)

    def _count_pages(self, change: int) -> None:
        with self._lock:
            self._pages += change
            (self._no_page.clear if self._pages else self._no_page.set)()

    def _get_patiently(self, entry: CatalogEntry) -> Metadata:
        self._no_page.wait(MAX_WAIT_SECONDS)
        return self._get_or_empty(entry)

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


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
