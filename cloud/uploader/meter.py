"""What is counted while captures pass: some microseconds for each."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic, time
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from storage.capture import Capture
from storage.errors import S3_ERRORS, Kind, explain

T = TypeVar("T")
REASONS = ("image", "topic", "schema", "camera", "captured_at", "id")
S3_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
WAY_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400, 604800)


class Meter:
    """Counters for Prometheus; labels are few words, and the names of enrolled edges."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"usbcam_uploader_{name}", words, labels, registry=registry)

        def histogram(name: str, words: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"usbcam_uploader_{name}", words, registry=registry, buckets=buckets)

        self._messages = counter("messages", "Messages taken in hand, repeats included.")
        self._bytes = counter("message_bytes", "Their bytes.")
        self._stored = counter("stored", "Captures put in the bucket.", "edge")
        self._stored_bytes = counter("stored_bytes", "Their bytes.", "edge")
        self._there = counter("already_there", "Deliveries of captures that the bucket had already.")
        self._rejected = counter("rejected", "Messages kept in rejected/, by what was wrong.", "reason")
        self._failures = counter("s3_failures", "Attempts that S3 did not do, each tried again.", "kind")
        self._s3 = histogram("s3_seconds", "How long S3 took for an attempt that succeeded.", S3_BUCKETS)
        self._way = histogram("capture_to_stored_seconds", "From captured_at to the bucket, new ones.", WAY_BUCKETS)
        self._last = Gauge(
            "usbcam_uploader_last_stored_timestamp_seconds", "When one was last stored.", ["edge"], registry=registry
        )
        self._in_hand: dict[int, datetime] = {}  # by thread: each handles one
        for reason in REASONS:
            self._rejected.labels(reason)  # a counter that appears with its first count has no increase
        for kind in Kind:
            self._failures.labels(kind.name.lower())

    @property
    def in_flight(self) -> int:
        return len(self._in_hand)

    def backlog_seconds(self) -> float:
        """Tell how long ago the oldest capture in hand was made; 0 when nothing waits."""
        now = datetime.now(UTC)
        return max([(now - since).total_seconds() for since in list(self._in_hand.values())], default=0.0)

    def took(self, payload: bytes) -> None:
        self._messages.inc()
        self._bytes.inc(len(payload))

    @contextmanager
    def in_hand(self, since: datetime) -> Iterator[None]:
        """Count it as in flight meanwhile."""
        thread = threading.get_ident()
        self._in_hand[thread] = since
        try:
            yield
        finally:
            del self._in_hand[thread]

    def attempts(self, attempt: Callable[[], T]) -> Callable[[], T]:
        """Take the time of each attempt."""

        def timed() -> T:
            began = monotonic()
            try:
                result = attempt()
            except S3_ERRORS as error:
                self._failures.labels(explain(error, "").kind.name.lower()).inc()
                raise
            self._s3.observe(monotonic() - began)
            return result

        return timed

    def stored(self, capture: Capture, *, new: bool) -> None:
        if not new:
            self._there.inc()
            return
        self._stored.labels(capture.edge).inc()
        self._stored_bytes.labels(capture.edge).inc(len(capture.image))
        self._last.labels(capture.edge).set(time())
        if not capture.bare:
            self._way.observe(max(0.0, (datetime.now(UTC) - capture.captured_at).total_seconds()))

    def rejected(self, about: str) -> None:
        self._rejected.labels(about if about in REASONS else "image").inc()
