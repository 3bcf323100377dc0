"""What Prometheus may know: counts and latencies, each with its camera's name."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from camera.pipeline.worker import CameraWorker
from common.contract.capture import Capture
from common.contract.receipt import State

CAMERA = ["camera"]
PUBLISH_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
RECEIPT_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)
MOST_WAYS = 10_000

Reading = tuple[str, str, Callable[[CameraWorker], float]]  # name, help, value

COUNTS: tuple[Reading, ...] = (
    ("usbcam_frames_grabbed", "Frames that came from the source.", lambda s: s.frame_counters.grabbed),
    (
        "usbcam_frames_passed_over",
        "Frames that were due while the last was looked at.",
        lambda s: s.frame_counters.skipped,
    ),
    ("usbcam_frames_dropped", "Frames that the source lost before they came.", lambda s: s.frame_counters.dropped),
    ("usbcam_frames_damaged", "Frames that came and could not be used.", lambda s: s.frame_counters.damaged),
    (
        "usbcam_camera_reopened",
        "Times that a source worked again after a failure.",
        lambda s: s.frame_counters.reopened,
    ),
    ("usbcam_frames_looked_at", "Frames that were searched for motion and faces.", lambda s: s.counts.looked_at),
    ("usbcam_frames_still", "Of these, frames in which nothing moved.", lambda s: s.counts.still),
    ("usbcam_frames_near", "Of these, frames searched for faces only near known ones.", lambda s: s.counts.near),
    ("usbcam_visits", "Visits that are over.", lambda s: s.counts.visits),
    ("usbcam_faces", "Faces found, in all frames.", lambda s: s.counts.faces),
    ("usbcam_captures", "Captures made.", lambda s: s.counts.captured),
    ("usbcam_captures_refused", "Captures too large, or without room in the spool.", lambda s: s.counts.refused),
    ("usbcam_camera_crashes", "Times that a camera's thread broke and was started again.", lambda s: s.crashes),
)
STATES: tuple[Reading, ...] = (
    ("usbcam_camera_up", "1 while frames arrive.", lambda s: s.handled_at is not None and s.trouble is None),
    ("usbcam_camera_paused", "1 while a schedule or command keeps the camera from looking.", lambda s: s.paused),
    ("usbcam_frames_per_second", "Frames looked at a second, over 5 s.", lambda s: s.rate.per_second()),
    (
        "usbcam_last_frame_age_seconds",
        "Time since a frame was handled; -1 before the first.",
        lambda s: -1 if s.handled_at is None else time.monotonic() - s.handled_at,
    ),
)


@dataclass(slots=True)
class PendingDelivery:
    """A capture that is on its way."""

    camera: str
    sent_at: float  # monotonic, for the first time
    answered: bool = False


class DeliveryMetrics:
    """Follows captures on their way and takes the time."""

    def __init__(self, registry: CollectorRegistry, cameras: Iterable[str]) -> None:
        """All are in `registry`; those of each camera are there before anything happens."""
        self._ways: OrderedDict[str, PendingDelivery] = OrderedDict()
        self.published = Histogram(
            "usbcam_publish_seconds",
            "From publishing a capture to the edge broker's answer.",
            CAMERA,
            registry=registry,
            buckets=PUBLISH_BUCKETS,
        )
        self.receipted = Histogram(
            "usbcam_receipt_seconds",
            "From publishing a capture to the receipt that S3 has it.",
            CAMERA,
            registry=registry,
            buckets=RECEIPT_BUCKETS,
        )
        self.stored = Counter("usbcam_stored", "Captures that somebody answered for.", CAMERA, registry=registry)
        self.rejected = Counter("usbcam_rejected", "Captures that the cloud rejected.", CAMERA, registry=registry)
        for camera in cameras:
            for metric in (self.published, self.receipted, self.stored, self.rejected):
                metric.labels(camera)

    def sent(self, capture: Capture) -> None:
        """The clock starts."""
        self._ways.setdefault(capture.id, PendingDelivery(capture.camera, time.monotonic()))
        while len(self._ways) > MOST_WAYS:  # they were given up by a full spool
            self._ways.popitem(last=False)

    def answered(self, capture_id: str) -> None:
        """The first answer counts."""
        way = self._ways.get(capture_id)
        if way is not None and not way.answered:
            way.answered = True
            self.published.labels(way.camera).observe(time.monotonic() - way.sent_at)

    def settled(self, capture_id: str, state: State, _note: str) -> None:
        """Its way is over."""
        way = self._ways.pop(capture_id, None)
        if way is None:
            return
        if state is State.REJECTED:
            self.rejected.labels(way.camera).inc()
            return
        self.stored.labels(way.camera).inc()
        if state is State.STORED:
            self.receipted.labels(way.camera).observe(time.monotonic() - way.sent_at)


class StateCollector(Collector):
    """Reads workers, spool and publisher whenever Prometheus asks."""

    def __init__(self, workers: Sequence[CameraWorker], spool: Spool, publisher: Publisher) -> None:
        """All of one service."""
        self._workers, self._spool, self._publisher = workers, spool, publisher

    def collect(self) -> Iterable[Metric]:
        """All that is read now."""
        yield from self._of_cameras()
        yield self._reasons()
        yield from self._of_host()

    def _of_cameras(self) -> Iterator[Metric]:
        for readings, kind in ((COUNTS, CounterMetricFamily), (STATES, GaugeMetricFamily)):
            for name, words, value in readings:
                family = kind(name, words, labels=CAMERA)
                for worker in self._workers:
                    family.add_metric([worker.name], float(value(worker)))
                yield family

    def _reasons(self) -> Metric:
        family = CounterMetricFamily(
            "usbcam_faces_rejected", "Faces that were not captured, by reason.", labels=["camera", "reason"]
        )
        for worker in self._workers:
            for reason, count in dict(worker.counts.rejected).items():
                family.add_metric([worker.name, reason], count)
        return family

    def _of_host(self) -> Iterator[Metric]:
        spool, publisher = self._spool, self._publisher
        yield GaugeMetricFamily("usbcam_spool_captures", "Captures without a receipt, on disk.", spool.depth)
        yield GaugeMetricFamily("usbcam_spool_bytes", "Their bytes.", spool.bytes)
        yield GaugeMetricFamily("usbcam_spool_limit_bytes", "SPOOL_MAX_MB.", spool.max_bytes)
        yield CounterMetricFamily("usbcam_spool_dropped", "Captures that a full spool gave up.", spool.dropped)
        yield GaugeMetricFamily("usbcam_spool_works", "1 while captures can be spooled.", spool.trouble is None)
        yield GaugeMetricFamily("usbcam_broker_connected", "1 while the edge broker is there.", publisher.connected)
        if publisher.bridge_up is not None:
            yield GaugeMetricFamily("usbcam_bridge_up", "1 while the bridge to the cloud is up.", publisher.bridge_up)


def render(registry: CollectorRegistry) -> bytes:
    """Everything in Prometheus' text format."""
    return generate_latest(registry)
