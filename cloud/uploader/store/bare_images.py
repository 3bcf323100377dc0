"""When bare images first arrived, so that the same bytes delivered again are the same capture."""

import dataclasses
import threading
from datetime import datetime, timedelta

from cachetools import LRUCache

from common.contract.capture import CaptureId
from storage.capture import Capture
from storage.keys.template import key_prefix, parse_id
from uploader.store.writer import CaptureStore

MAX_REMEMBERED = 20_000
MAX_LISTED = 100_000  # a bare image every second, for a day


class BareImageIndex:
    """Remembers what arrived, completed from the bucket once after each start.

    Limits: it knows the last 20,000 bare images of this process. From before its start it knows those
    below today's and yesterday's prefix whose keys contain the id. Elsewhere the same bytes get a second object.
    """

    def __init__(self, store: CaptureStore, template: str) -> None:
        self._store = store
        self._template = template
        self._lock = threading.Lock()
        self._listed_edges: set[str] = set()
        self._first_seen: LRUCache[tuple[str, str, int], datetime] = LRUCache(MAX_REMEMBERED)

    def assign_first_seen(self, capture: Capture) -> Capture:
        """Give a bare image the time at which its bytes first arrived."""
        with self._lock:
            if capture.edge not in self._listed_edges:
                self._load_stored(capture)
                self._listed_edges.add(capture.edge)
            fingerprint = (capture.edge, capture.sha256[:8], len(capture.image))
            first_seen = self._first_seen.setdefault(fingerprint, capture.captured_at)
        return dataclasses.replace(capture, captured_at=first_seen)

    def _load_stored(self, capture: Capture) -> None:
        yesterday = dataclasses.replace(capture, captured_at=capture.captured_at - timedelta(days=1))
        for prefix in sorted({key_prefix(self._template, yesterday), key_prefix(self._template, capture)}):
            for key, size in self._store.list_keys(prefix, MAX_LISTED):
                capture_id = parse_id(key)
                if capture_id:
                    stored = CaptureId.parse(capture_id)
                    self._first_seen.setdefault((capture.edge, stored.digest, size), stored.captured_at)
