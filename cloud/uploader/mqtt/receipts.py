"""Receipts: they tell an edge what S3 has, so that its camera may forget it."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

BATCH_SECONDS = 0.05
BATCH_COUNT = 100


@dataclass(slots=True)
class _Batch:
    stored: list[dict[str, str]] = field(default_factory=list)
    rejected: list[dict[str, str]] = field(default_factory=list)


class Receipts:
    """Collects receipts for each edge and sends them together.

    One that is lost on the way costs nothing: the camera sends its capture again.
    """

    def __init__(self, publish: Callable[[str, bytes], None]) -> None:
        self._publish = publish
        self._lock = threading.Lock()
        self._batches: dict[str, _Batch] = {}
        self._waiting = 0
        self._some = threading.Event()
        self._many = threading.Event()
        self._stopping = False

    def stored(self, edge: str, identity: str, key: str) -> None:
        with self._lock:
            self._batches.setdefault(edge, _Batch()).stored.append({"id": identity, "key": key})
            self._count()

    def rejected(self, edge: str, identity: str, reason: str) -> None:
        with self._lock:
            self._batches.setdefault(edge, _Batch()).rejected.append({"id": identity, "reason": reason})
            self._count()

    def run(self) -> None:
        """Send what has gathered, until stopped."""
        while not self._stopping:
            self._some.wait()
            self._many.wait(BATCH_SECONDS)
            self.send()

    def stop(self) -> None:
        """End the thread; the last batch is sent by whoever stops it."""
        self._stopping = True
        self._many.set()
        self._some.set()

    def send(self) -> None:
        with self._lock:
            batches, self._batches, self._waiting = self._batches, {}, 0
            if not self._stopping:
                self._some.clear()
                self._many.clear()
        for edge, batch in batches.items():
            content = {"stored": batch.stored, "rejected": batch.rejected}
            self._publish(f"usbcam/{edge}/receipts", json.dumps(content).encode())

    def _count(self) -> None:
        self._waiting += 1
        self._some.set()
        if self._waiting >= BATCH_COUNT:
            self._many.set()
