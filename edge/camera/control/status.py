"""What a camera's status message says."""

from datetime import UTC, datetime

from camera.delivery.delivery_status import Bridge, DeliveryStatus
from camera.delivery.spool import Spool
from camera.pipeline.worker import CameraWorker
from common import __version__
from common.contract.times import timestamp


def status_payload(worker: CameraWorker, spool: Spool, delivery: DeliveryStatus) -> dict[str, object]:
    """Describe a camera now; what waits, is stored and so on is counted over all cameras of the host."""
    status, counters = worker.status, worker.counters
    blindness = status.blindness
    return {
        "at": timestamp(datetime.now(UTC)),
        "version": __version__,
        "state": status.state.value,
        "problem": status.problem or spool.problem,
        "blind": blindness.cause.value if blindness.cause else None,
        "blind_since": timestamp(blindness.since) if blindness.since else None,
        "frames_per_second": round(worker.rate.per_second(), 1),
        "skipped": worker.frame_counters.skipped,
        "faces": counters.faces,
        "captured": counters.captured,
        "last_captured_at": timestamp(counters.last_captured_at) if counters.last_captured_at else None,
        "refused": counters.refused,
        "waiting": spool.depth,
        "stored": delivery.stored,
        "rejected": delivery.rejected,
        "dropped": spool.dropped,
        "bridge": None if delivery.bridge is Bridge.UNKNOWN else delivery.bridge is Bridge.UP,
    }
