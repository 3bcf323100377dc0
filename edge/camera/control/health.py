"""Whether the cameras work: the heartbeat that the service writes; `health_check` judges it."""

import time
from collections.abc import Sequence
from pathlib import Path

from camera.delivery.delivery_status import DeliveryStatus
from camera.delivery.spool import Spool
from camera.pipeline.worker import CameraWorker
from common.contract.status import CameraState
from common.runtime.heartbeat import Heartbeat

HEARTBEAT_SECONDS = 1.0
NO_FRAMES_WANTED = {CameraState.PAUSED, CameraState.ENDED}


class HeartbeatWriter:
    """Writes the heartbeat about every second; `health` judges it. Times are CLOCK_MONOTONIC, the same for both."""

    def __init__(self, file: Path) -> None:
        self._heartbeat = Heartbeat(file, "HEARTBEAT_FILE")
        self._next_at = 0.0

    def write(self, workers: Sequence[CameraWorker], spool: Spool, delivery: DeliveryStatus) -> None:
        """Write down what works, if it is time to."""
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + HEARTBEAT_SECONDS
        self._heartbeat.write(
            {
                "broker_answered_at": delivery.acknowledged_at,
                "spool_problem": spool.problem,
                "waiting": spool.depth,
                "cameras": {worker.name: _camera(worker, now) for worker in workers},
            }
        )

    def remove(self) -> None:
        """Remove the file: nothing runs any more."""
        self._heartbeat.remove()


def _camera(worker: CameraWorker, now: float) -> dict[str, object]:
    status = worker.status
    return {"frame_at": now if status.state in NO_FRAMES_WANTED else status.last_frame_at, "problem": status.problem}
