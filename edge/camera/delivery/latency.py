"""How long captures take to the broker and to S3."""

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram

from camera.delivery.events import CaptureState, DeliveryListener
from common.contract.capture import Capture

CAMERA = ["camera"]
PUBLISH_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
RECEIPT_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)
MAX_PENDING = 10_000


@dataclass(frozen=True, slots=True)
class _OfCamera:
    """What one camera's captures count in: looked up once."""

    published: Histogram
    receipted: Histogram
    stored: Counter
    rejected: Counter


@dataclass(slots=True)
class PendingDelivery:
    """A capture that was published and not completed."""

    series: _OfCamera
    published_at: float  # monotonic, for the first time
    acknowledged: bool = False


class DeliveryMetrics(DeliveryListener):
    """Counts and times deliveries."""

    def __init__(self, registry: CollectorRegistry, cameras: Iterable[str]) -> None:
        """Register the metrics; each camera's series exist before anything happens."""
        self._pending: OrderedDict[str, PendingDelivery] = OrderedDict()
        self.published = Histogram(
            "usbcam_publish_seconds",
            "From publishing a capture to the edge broker's acknowledgement.",
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
        self.stored = Counter(
            "usbcam_stored",
            "Captures with a receipt, or with RECEIPTS=off those that the edge broker acknowledged.",
            CAMERA,
            registry=registry,
        )
        self.rejected = Counter("usbcam_rejected", "Captures that the cloud rejected.", CAMERA, registry=registry)
        self._cameras = {camera: self._of_camera(camera) for camera in cameras}

    def on_published(self, capture: Capture) -> None:
        """Start the clock."""
        camera = capture.metadata.camera
        series = self._cameras.get(camera) or self._cameras.setdefault(camera, self._of_camera(camera))
        self._pending.setdefault(capture.id, PendingDelivery(series, time.monotonic()))
        while len(self._pending) > MAX_PENDING:  # a full spool dropped them
            self._pending.popitem(last=False)

    def on_acknowledged(self, capture_id: str) -> None:
        """Observe the first acknowledgement."""
        pending = self._pending.get(capture_id)
        if pending is not None and not pending.acknowledged:
            pending.acknowledged = True
            pending.series.published.observe(time.monotonic() - pending.published_at)

    def on_completed(self, capture_id: str, state: CaptureState, note: str) -> None:  # noqa: ARG002 -- for others
        """Count the capture, and observe the time to its receipt."""
        pending = self._pending.pop(capture_id, None)
        if pending is None:
            return
        if state is CaptureState.REJECTED:
            pending.series.rejected.inc()
            return
        pending.series.stored.inc()
        if state is CaptureState.STORED:
            pending.series.receipted.observe(time.monotonic() - pending.published_at)

    def _of_camera(self, name: str) -> _OfCamera:
        published, receipted = self.published.labels(name), self.receipted.labels(name)
        return _OfCamera(published, receipted, self.stored.labels(name), self.rejected.labels(name))
