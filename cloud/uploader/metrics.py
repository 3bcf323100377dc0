"""/metrics for Prometheus: counters, and the state at the time of each scrape."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, time
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from common.contract import topics
from common.contract.certificate_expiry import CertificateExpiry
from common.os_error import plain_reason
from storage.capture import Capture
from storage.errors import S3_ERRORS, S3ErrorKind, classify
from uploader.ingest.offences import Offence

T = TypeVar("T")
REASON_CODES = ("image", "topic", "schema", "camera", "captured_at", "id", "properties", "poison")
S3_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
END_TO_END_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400, 604800)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _OfEdge:
    """What one edge's captures count in: looked up once."""

    stored: Counter
    stored_bytes: Counter
    last_stored: Gauge


class UploadMetrics:
    """What is counted for each capture, at a cost of microseconds. Labels are few words, and enrolled edges' names."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"usbcam_uploader_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"usbcam_uploader_{name}", text, registry=registry, buckets=buckets)

        self._messages = counter("messages", "Messages processed, redeliveries included.")
        self._message_bytes = counter("message_bytes", "Bytes of these messages.")
        self._stored = counter("stored", "Captures written to the bucket.", "edge")
        self._stored_bytes = counter("stored_bytes", "Bytes of these captures.", "edge")
        self._already_there = counter("already_there", "Deliveries of captures that the bucket already had.")
        self._undecoded = counter("undecoded", "Images stored undecoded: their edge took too much CPU.", "edge")
        self._offences = counter("offences", "Messages that were not simply stored, by what was done.", "edge", "kind")
        rejected = counter("rejected", "Messages kept in rejected/, by what was wrong.", "reason")
        s3_failures = counter("s3_failures", "Failed S3 attempts; each is retried.", "kind")
        self._s3_seconds = histogram("s3_seconds", "Duration of successful S3 attempts.", S3_BUCKETS)
        self._end_to_end = histogram(
            "capture_to_stored_seconds", "Time from captured_at to the bucket, for new captures.", END_TO_END_BUCKETS
        )
        self._last_stored = Gauge(
            "usbcam_uploader_last_stored_timestamp_seconds",
            "When a capture was last stored.",
            ["edge"],
            registry=registry,
        )
        self._edges: dict[str, _OfEdge] = {}
        self._in_flight: dict[int, datetime] = {}  # by thread: each handles one
        # A counter that appears with its first count has no increase.
        self._rejected_for = {reason_code: rejected.labels(reason_code) for reason_code in REASON_CODES}
        self._s3_failed_as = {kind: s3_failures.labels(kind.name.lower()) for kind in S3ErrorKind}

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    def backlog_seconds(self) -> float:
        """Age of the oldest capture in flight; 0 without any."""
        now = datetime.now(UTC)
        return max([(now - since).total_seconds() for since in list(self._in_flight.values())], default=0.0)

    def count_message(self, payload: bytes) -> None:
        self._messages.inc()
        self._message_bytes.inc(len(payload))

    @contextmanager
    def track_in_flight(self, since: datetime) -> Iterator[None]:
        """Count a capture as in flight during the `with`."""
        thread = threading.get_ident()
        self._in_flight[thread] = since
        try:
            yield
        finally:
            del self._in_flight[thread]

    def timed(self, attempt: Callable[[], T]) -> Callable[[], T]:
        """Measure each attempt."""

        def timed_attempt() -> T:
            started_at = monotonic()
            try:
                result = attempt()
            except S3_ERRORS as error:
                self._s3_failed_as[classify(error, "").kind].inc()
                raise
            self._s3_seconds.observe(monotonic() - started_at)
            return result

        return timed_attempt

    def count_stored(self, capture: Capture, *, is_new: bool) -> None:
        if not is_new:
            self._already_there.inc()
            return
        edge = self._edges.get(capture.edge) or self._of_edge(capture.edge)
        edge.stored.inc()
        edge.stored_bytes.inc(len(capture.image))
        edge.last_stored.set(time())
        if not capture.bare:
            self._end_to_end.observe(max(0.0, (datetime.now(UTC) - capture.captured_at).total_seconds()))

    def _of_edge(self, name: str) -> "_OfEdge":
        stored, stored_bytes = self._stored.labels(name), self._stored_bytes.labels(name)
        return self._edges.setdefault(name, _OfEdge(stored, stored_bytes, self._last_stored.labels(name)))

    def count_offence(self, edge: str, offence: Offence) -> None:
        label = edge if topics.is_edge_name(edge) else "_"
        self._offences.labels(label, offence.name.lower()).inc()
        if offence is Offence.UNDECODED:
            self._undecoded.labels(label).inc()

    def count_rejected(self, reason_code: str) -> None:
        self._rejected_for.get(reason_code, self._rejected_for["image"]).inc()


@dataclass(frozen=True, slots=True)
class UploaderCollector(Collector):
    """Asks for the state at each scrape."""

    is_subscribed: Callable[[], bool]
    is_bucket_available: Callable[[], bool]
    queue_size: Callable[[], int]
    in_flight: Callable[[], int]
    backlog_seconds: Callable[[], float]
    certificates: Callable[[], CertificateExpiry]

    def collect(self) -> Iterable[Metric]:
        yield _gauge("subscribed", "1 while the broker delivers to this uploader.", self.is_subscribed())
        yield _gauge("bucket_available", "1 while the bucket accepts objects.", self.is_bucket_available())
        yield _gauge("waiting", "Messages delivered but not yet processed.", self.queue_size())
        yield _gauge("in_flight", "Messages being processed.", self.in_flight())
        yield _gauge("backlog_age_seconds", "Age of the oldest capture in flight; 0: none.", self.backlog_seconds())
        yield self._certificate_expiry()

    def _certificate_expiry(self) -> Metric:
        text = "When the broker's or an edge's certificate expires."
        family = GaugeMetricFamily("usbcam_certificate_expiry_timestamp_seconds", text, labels=["subject"])
        certificates = self.certificates()
        if certificates.broker is not None:
            family.add_metric(["broker"], certificates.broker.timestamp())
        for name, expires_at in certificates.edges.items():
            family.add_metric([f"edge {name}"], expires_at.timestamp())
        return family


def serve(registry: CollectorRegistry, address: str, port: int) -> None:
    """Serve on a thread of its own; captures matter more, so a port in use is only logged."""
    ProcessCollector(registry=registry)
    if port == 0:
        return
    try:
        start_http_server(port, address, registry)
    except OSError as error:
        words = "No /metrics at %s:%d: %s; fix METRICS_BIND or METRICS_PORT"
        log.error(words, address, port, plain_reason(error))  # noqa: TRY400


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"usbcam_uploader_{name}", text, value)
