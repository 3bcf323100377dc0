"""What the live page shows besides images, as JSON."""

import time
from dataclasses import asdict
from datetime import UTC, datetime

from camera.delivery.history import DeliveryRecord
from camera.pipeline.worker import CameraWorker, Preview
from camera.web.context import WebContext
from camera.web.pipeline_status import PipelineStatus
from camera.web.process_stats import CpuUsage, memory_mb
from common.contract.capture import WHOLE_FRAME, Capture
from common.contract.times import timestamp
from common.runtime.deployment import as_typed_here, start


class StateView:
    """Reads workers, spool, publisher and history when asked."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._pipeline = PipelineStatus(context)
        self._cpu = CpuUsage()
        self._started_at = time.monotonic()

    def read(self) -> dict[str, object]:
        """Everything; times are seconds, sizes bytes."""
        spool, delivery = self._context.spool, self._context.publisher.status
        return {
            "at": timestamp(datetime.now(UTC)),
            "uptime_seconds": round(time.monotonic() - self._started_at),
            "cpu_percent": self._cpu.percent(),
            "memory_mb": memory_mb(),
            "pipeline": [asdict(stage) for stage in self._pipeline.read(delivery)],
            "spool": {
                "captures": spool.depth,
                "bytes": spool.bytes,
                "max_bytes": spool.max_bytes,
                "dropped": spool.dropped,
            },
            "gallery_url": self._context.workers[0].settings.gallery_url if self._context.workers else "",
            "commands": _commands(),
            "stored": delivery.stored,
            "rejected": delivery.rejected,
            "cameras": [_camera_json(worker) for worker in self._context.workers],
            "captures": [_capture_json(record) for record in self._context.history.recent()],
        }


def _commands() -> dict[str, str]:
    """What the page may advise to type on this host."""
    return {
        "doctor": as_typed_here("./usbcam doctor", "camera"),
        "snapshot": as_typed_here("./usbcam snapshot", "camera"),
        "startBroker": start("edge-broker"),
        "startCamera": start("camera"),
    }


def boxes_json(preview: Preview) -> dict[str, object]:
    """The boxes to draw, in pixels of the frame."""
    height, width = preview.frame.image.shape[:2]
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
            for face in preview.faces
        ],
    }


def _camera_json(worker: CameraWorker) -> dict[str, object]:
    counts, frames, status = worker.counters, worker.frame_counters, worker.status
    since, until = worker.schedule.pause_span()
    return {
        "name": worker.name,
        "state": status.state.value,
        "problem": status.problem,
        "blind": status.blindness.cause.value if status.blindness.cause else None,
        "blind_since": timestamp(status.blindness.since) if status.blindness.since else None,
        "pause_reason": worker.schedule.pause_reason(),
        "paused_since": timestamp(since) if since else None,
        "paused_until": timestamp(until) if until else None,
        "frames_per_second": round(worker.rate.per_second(), 1),
        "frames_grabbed": frames.grabbed,
        "frames_processed": counts.frames_processed,
        "frames_skipped": frames.skipped,
        "frames_dropped": frames.dropped,
        "frames_damaged": frames.damaged,
        "no_motion": counts.no_motion,
        "faces": counts.faces,
        "visits": counts.visits,
        "captured": counts.captured,
        "refused": counts.refused,
        "rejected": dict(counts.rejected),
    }


def _face_in_picture(capture: Capture) -> list[int] | None:
    """Where the face is in a picture of the whole frame; None for one that shows little else."""
    box = capture.metadata.box
    return [box.x, box.y, box.width, box.height] if capture.metadata.picture == WHOLE_FRAME else None


def _capture_json(record: DeliveryRecord) -> dict[str, object]:
    capture = record.capture
    track = capture.metadata.track if capture else None
    waited = record.delivery_seconds
    return {
        "id": record.id,
        "camera": record.camera,
        "state": record.state.value,
        "note": record.note,
        "receipt_seconds": None if waited is None else round(waited, 2),
        "has_image": capture is not None,
        "captured_at": timestamp(capture.metadata.captured_at) if capture else None,
        "track": track.id if track else None,
        "quality": track.quality if track else None,
        "shot": track.shot if track else None,
        "poor": capture.metadata.poor if capture else None,
        "face": _face_in_picture(capture) if capture else None,
    }
