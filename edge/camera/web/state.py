"""What the page shows besides the pictures, as JSON."""

import time
from dataclasses import asdict
from datetime import UTC, datetime

from camera.delivery.history import Entry
from camera.pipeline.camera_status import CameraState
from camera.pipeline.worker import CameraWorker, Preview
from camera.web.context import Parts
from camera.web.pipeline_status import Lights
from camera.web.process_stats import Load, memory_mb
from common.contract.capture import timestamp


class State:
    """Reads workers, spool, publisher and journal whenever it is asked."""

    def __init__(self, parts: Parts) -> None:
        """All of one service."""
        self._parts = parts
        self._lights = Lights(parts)
        self._load = Load()
        self._began = time.monotonic()

    def now(self) -> dict[str, object]:
        """Everything; times are seconds, sizes bytes."""
        spool, publisher = self._parts.spool, self._parts.publisher
        return {
            "at": timestamp(datetime.now(UTC)),
            "running_seconds": round(time.monotonic() - self._began),
            "cpu_percent": self._load.cpu_percent(),
            "memory_mb": memory_mb(),
            "lights": [asdict(light) for light in self._lights.now()],
            "spool": {
                "captures": spool.depth,
                "bytes": spool.bytes,
                "limit": spool.max_bytes,
                "dropped": spool.dropped,
            },
            "stored": publisher.stored,
            "rejected": publisher.rejected,
            "cameras": [_camera(worker) for worker in self._parts.workers],
            "captures": [_capture(entry) for entry in self._parts.journal.recent()],
        }


def faces(view: Preview) -> dict[str, object]:
    """The boxes to draw, in pixels of the frame."""
    height, width = view.frame.image.shape[:2]
    return {
        "width": width,
        "height": height,
        "faces": [
            {
                "box": [face.box.x, face.box.y, face.box.width, face.box.height],
                "score": round(face.score, 2),
                "quality": round(face.quality, 2),
                "rejected": face.rejected,
            }
            for face in view.faces
        ],
    }


def _camera(worker: CameraWorker) -> dict[str, object]:
    counts, frames, status = worker.counters, worker.frame_counters, worker.status
    return {
        "name": worker.name,
        "trouble": status.problem,
        "paused": status.state is CameraState.PAUSED,
        "paused_by": worker.schedule.pause_reason(),
        "ended": status.state is CameraState.ENDED,
        "frames_per_second": round(worker.rate.per_second(), 1),
        "grabbed": frames.grabbed,
        "passed_over": frames.skipped,
        "dropped": frames.dropped,
        "damaged": frames.damaged,
        "looked_at": counts.frames_processed,
        "still": counts.no_motion,
        "faces": counts.faces,
        "visits": counts.visits,
        "captured": counts.captured,
        "refused": counts.refused,
        "rejected": dict(counts.rejected),
    }


def _capture(entry: Entry) -> dict[str, object]:
    capture = entry.capture
    took = None if entry.settled_at is None or entry.sent_at is None else entry.settled_at - entry.sent_at
    return {
        "id": entry.id,
        "camera": entry.camera,
        "state": entry.state.value,
        "note": entry.note,
        "seconds": None if took is None else round(took, 2),
        "picture": capture is not None,
        "captured_at": timestamp(capture.captured_at) if capture else None,
        "quality": capture.quality if capture else None,
        "shot": capture.shot if capture else None,
    }
