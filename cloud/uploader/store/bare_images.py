"""When bare images first came, so that the same bytes delivered again are the same capture."""

import dataclasses
import threading
from collections import OrderedDict
from datetime import UTC, datetime, timedelta

from storage.capture import Capture
from storage.keys import folder, id_in
from uploader.store.writer import Storage

REMEMBERED = 20_000
LISTED = 100_000  # a bare image each second, for a day


class Arrivals:
    """A memory of what came, completed from the bucket once after each start.

    Limits: it knows the last 20,000 bare images of this process, and of those before its start
    the ones in the folders of today and yesterday whose names contain the id. Elsewhere the same
    bytes get a second object.
    """

    def __init__(self, storage: Storage, template: str) -> None:
        self._storage = storage
        self._template = template
        self._lock = threading.Lock()
        self._listed: set[str] = set()
        self._first: OrderedDict[tuple[str, str, int], datetime] = OrderedDict()

    def settle(self, capture: Capture) -> Capture:
        """Give a bare capture the time at which its bytes came first."""
        with self._lock:
            if capture.edge not in self._listed:
                self._remember_stored(capture)
                self._listed.add(capture.edge)
            fingerprint = (capture.edge, capture.sha256[:8], len(capture.image))
            first = self._first.setdefault(fingerprint, capture.captured_at)
            self._first.move_to_end(fingerprint)
            while len(self._first) > REMEMBERED:
                self._first.popitem(last=False)
        return dataclasses.replace(capture, captured_at=first)

    def _remember_stored(self, capture: Capture) -> None:
        yesterday = dataclasses.replace(capture, captured_at=capture.captured_at - timedelta(days=1))
        for place in sorted({folder(self._template, yesterday), folder(self._template, capture)}):
            for key, size in self._storage.keys_in(place, LISTED):
                identity = id_in(key)
                if identity:
                    stamp, _, digits = identity.rpartition("-")
                    self._first.setdefault((capture.edge, digits, size), _time(stamp))


def _time(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
