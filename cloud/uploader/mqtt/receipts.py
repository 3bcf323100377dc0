"""Receipts: they tell an edge what S3 has, so that its camera may delete its copy."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from common.contract import topics
from common.contract.receipt import Receipt, RejectedCapture, StoredCapture

BATCH_SECONDS = 0.05
MAX_BATCH = 100


@dataclass(slots=True)
class _Batch:
    stored: list[StoredCapture] = field(default_factory=list)
    rejected: list[RejectedCapture] = field(default_factory=list)


class ReceiptBatcher:
    """Collects the receipts of each edge and publishes them together.

    A lost receipt does no harm: the camera sends its capture again.
    """

    def __init__(self, publish: Callable[[str, bytes], None]) -> None:
        self._publish = publish
        self._lock = threading.Lock()
        self._batches: dict[str, _Batch] = {}
        self._waiting = 0
        self._has_some = threading.Event()
        self._is_full = threading.Event()
        self._is_stopping = False

    def add_stored(self, edge: str, capture_id: str, key: str) -> None:
        with self._lock:
            self._batches.setdefault(edge, _Batch()).stored.append(StoredCapture(capture_id, key))
            self._count()

    def add_rejected(self, edge: str, capture_id: str, reason: str) -> None:
        with self._lock:
            self._batches.setdefault(edge, _Batch()).rejected.append(RejectedCapture(capture_id, reason))
            self._count()

    def run(self) -> None:
        """Publish batches until stopped."""
        while not self._is_stopping:
            self._has_some.wait()
            self._is_full.wait(BATCH_SECONDS)
            self.flush()

    def stop(self) -> None:
        """End the thread; whoever stops it flushes the last batch."""
        self._is_stopping = True
        self._is_full.set()
        self._has_some.set()

    def flush(self) -> None:
        with self._lock:
            batches, self._batches, self._waiting = self._batches, {}, 0
            if not self._is_stopping:
                self._has_some.clear()
                self._is_full.clear()
        for edge, batch in batches.items():
            receipt = Receipt(tuple(batch.stored), tuple(batch.rejected))
            self._publish(topics.edge_receipts(edge), receipt.to_json())

    def _count(self) -> None:
        self._waiting += 1
        self._has_some.set()
        if self._waiting >= MAX_BATCH:
            self._is_full.set()
