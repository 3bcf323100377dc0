"""The last captures and where each one is, for the live page."""

import threading
import time
from collections import OrderedDict
from typing import NamedTuple

from camera.delivery.events import CaptureState, DeliveryListener
from common.contract.capture import Capture

MAX_RECORDS = 60
MAX_IMAGE_BYTES = 16_000_000  # of all records together; older ones lose their image


class DeliveryRecord(NamedTuple):  # a frozen dataclass takes four times as long to replace
    """One capture and its delivery so far. Times are monotonic seconds."""

    capture: Capture | None  # None once its image was evicted
    id: str
    camera: str
    state: CaptureState
    note: str = ""  # the key in the bucket, or why it was rejected
    published_at: float | None = None
    completed_at: float | None = None

    @property
    def delivery_seconds(self) -> float | None:
        """How long it took from publishing to the end; None before that."""
        if self.published_at is None or self.completed_at is None:
            return None
        return self.completed_at - self.published_at


class DeliveryHistory(DeliveryListener):
    """Remembers the last captures. Safe to use from several threads."""

    def __init__(self) -> None:
        """Start empty."""
        self.changes = 0  # grows with each change
        self._records: OrderedDict[str, DeliveryRecord] = OrderedDict()
        self._lock = threading.Lock()

    def on_spooled(self, capture: Capture) -> None:
        """A capture reached the spool."""
        record = DeliveryRecord(capture, capture.id, capture.metadata.camera, CaptureState.SPOOLED)
        with self._lock:
            self._records[capture.id] = record
            while len(self._records) > MAX_RECORDS:
                self._records.popitem(last=False)
            self._evict_images()
            self.changes += 1

    def on_published(self, capture: Capture) -> None:
        """Note the first time that it was published."""
        self._update(capture.id, CaptureState.PUBLISHED)

    def on_completed(self, capture_id: str, state: CaptureState, note: str) -> None:
        """Note how its delivery ended."""
        self._update(capture_id, state, note)

    def recent(self) -> list[DeliveryRecord]:
        """Newest first."""
        with self._lock:
            return list(reversed(self._records.values()))

    def find(self, capture_id: str) -> DeliveryRecord | None:
        """One of them, by its id."""
        with self._lock:
            return self._records.get(capture_id)

    def _update(self, capture_id: str, state: CaptureState, note: str = "") -> None:
        with self._lock:
            record = self._records.get(capture_id)
            if record is None or record.completed_at is not None:
                return
            now = time.monotonic()
            if state is CaptureState.PUBLISHED:
                record = record._replace(state=state, published_at=record.published_at or now)
            else:
                record = record._replace(state=state, note=note, completed_at=now)
            self._records[capture_id] = record
            self.changes += 1

    def _evict_images(self) -> None:
        total = 0
        for capture_id, record in reversed(list(self._records.items())):
            total += len(record.capture.image) if record.capture else 0
            if total > MAX_IMAGE_BYTES and record.capture is not None:
                self._records[capture_id] = record._replace(capture=None)
