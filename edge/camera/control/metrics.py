"""What Prometheus reads: counters and states, per camera and of the host."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from camera.delivery.delivery_status import Bridge
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from camera.pipeline.counters import REJECTIONS
from camera.pipeline.worker import CameraWorker
from common.contract.status import CameraState

CAMERA = ["camera"]

Reading = tuple[str, str, Callable[[CameraWorker], float]]  # name, help, value


def _frame_age(worker: CameraWorker) -> float:
    last_frame_at = worker.status.last_frame_at
    return -1 if last_frame_at is None else time.monotonic() - last_frame_at


COUNTERS: tuple[Reading, ...] = (
    ("usbcam_frames_grabbed", "Frames that came from the source.", lambda w: w.frame_counters.grabbed),
    (
        "usbcam_frames_skipped",
        "Frames that were due while the last one was being processed.",
        lambda w: w.frame_counters.skipped,
    ),
    ("usbcam_frames_dropped", "Frames that the source lost before they came.", lambda w: w.frame_counters.dropped),
    ("usbcam_frames_damaged", "Frames that came and could not be used.", lambda w: w.frame_counters.damaged),
    (
        "usbcam_camera_reopened",
        "Times that a source worked again after a failure.",
        lambda w: w.frame_counters.reopened,
    ),
    ("usbcam_frames_processed", "Frames searched for motion and faces.", lambda w: w.counters.frames_processed),
    ("usbcam_frames_no_motion", "Of these, frames in which nothing moved.", lambda w: w.counters.no_motion),
    ("usbcam_frames_region_only", "Of these, frames searched only near known faces.", lambda w: w.counters.region_only),
    ("usbcam_visits", "Visits that are over.", lambda w: w.counters.visits),
    ("usbcam_faces", "Faces found, in all frames.", lambda w: w.counters.faces),
    ("usbcam_captures", "Captures made.", lambda w: w.counters.captured),
    ("usbcam_captures_refused", "Captures too large, or without room in the spool.", lambda w: w.counters.refused),
    ("usbcam_camera_crashes", "Times that a camera's thread crashed and was restarted.", lambda w: w.crashes),
)
GAUGES: tuple[Reading, ...] = (
    ("usbcam_camera_up", "1 while frames arrive.", lambda w: w.status.is_up),
    (
        "usbcam_camera_blind",
        "1 while a camera gives pictures and does not see what it should: covered, defocused, turned, frozen or dark.",
        lambda w: w.status.blindness.cause is not None,
    ),
    (
        "usbcam_camera_paused",
        "1 while a schedule or command pauses the camera.",
        lambda w: w.status.state is CameraState.PAUSED,
    ),
    ("usbcam_frames_per_second", "Frames processed a second, over 5 s.", lambda w: w.rate.per_second()),
    ("usbcam_last_frame_age_seconds", "Time since a frame was processed; -1 before the first.", _frame_age),
)


class CameraCollector(Collector):
    """Reads workers, spool and publisher whenever Prometheus asks."""

    def __init__(self, workers: Sequence[CameraWorker], spool: Spool, publisher: Publisher) -> None:
        """All of one service."""
        self._workers, self._spool, self._publisher = workers, spool, publisher

    def collect(self) -> Iterable[Metric]:
        """Everything, as it is now."""
        yield from self._of_cameras()
        yield self._rejected_faces()
        yield from self._of_host()

    def _of_cameras(self) -> Iterator[Metric]:
        for readings, kind in ((COUNTERS, CounterMetricFamily), (GAUGES, GaugeMetricFamily)):
            for name, text, value in readings:
                family = kind(name, text, labels=CAMERA)
                for worker in self._workers:
                    family.add_metric([worker.name], float(value(worker)))
                yield family

    def _rejected_faces(self) -> Metric:
        family = CounterMetricFamily(
            "usbcam_faces_rejected", "Faces that were not captured, by reason.", labels=["camera", "reason"]
        )
        for worker in self._workers:
            counted = dict(worker.counters.rejected)
            zeros = {reason: 0 for reason in REJECTIONS if reason not in counted}  # there before the first one
            for reason, count in (zeros | counted).items():
                family.add_metric([worker.name, reason], count)
        return family

    def _of_host(self) -> Iterator[Metric]:
        spool, delivery = self._spool, self._publisher.status
        yield GaugeMetricFamily("usbcam_spool_captures", "Captures without a receipt, on disk.", spool.depth)
        yield GaugeMetricFamily("usbcam_spool_bytes", "Their bytes.", spool.bytes)
        yield GaugeMetricFamily("usbcam_spool_limit_bytes", "SPOOL_MAX_MB.", spool.max_bytes)
        yield CounterMetricFamily("usbcam_spool_dropped", "Captures that a full spool dropped.", spool.dropped)
        yield GaugeMetricFamily("usbcam_spool_works", "1 while captures can be spooled.", spool.problem is None)
        yield GaugeMetricFamily("usbcam_broker_connected", "1 while the edge broker is there.", delivery.connected)
        if delivery.bridge is not Bridge.UNKNOWN:
            is_up = delivery.bridge is Bridge.UP
            yield GaugeMetricFamily("usbcam_bridge_up", "1 while the bridge to the cloud is up.", is_up)


def render(registry: CollectorRegistry) -> bytes:
    """Everything in Prometheus' text format."""
    return generate_latest(registry)
