"""What a camera's status message says."""

from datetime import UTC, datetime

from camera.delivery.delivery_status import Bridge, DeliveryStatus
from camera.delivery.spool import Spool
from camera.pipeline.worker import CameraWorker
from common import __version__
from common.contract.status import CameraReport


def camera_report(worker: CameraWorker, spool: Spool, delivery: DeliveryStatus, *, online: bool) -> CameraReport:
    """Describe a camera now; what waits, is stored and so on is counted over all cameras of the host."""
    status, counters = worker.status, worker.counters
    return CameraReport(
        online=online,
        at=datetime.now(UTC),
        version=__version__,
        state=status.state,
        problem=status.problem or spool.problem,
        blind=status.blindness.cause,
        blind_since=status.blindness.since,
        frames_per_second=round(worker.rate.per_second(), 1),
        skipped=worker.frame_counters.skipped,
        faces=counters.faces,
        captured=counters.captured,
        last_captured_at=counters.last_captured_at,
        refused=counters.refused,
        waiting=spool.depth,
        stored=delivery.stored,
        rejected=delivery.rejected,
        dropped=spool.dropped,
        bridge=None if delivery.bridge is Bridge.UNKNOWN else delivery.bridge is Bridge.UP,
    )
