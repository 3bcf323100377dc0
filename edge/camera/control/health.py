"""How the cameras are: a heartbeat for the health check, and what the status messages say."""

import contextlib
import json
import logging
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from camera.pipeline.worker import CameraWorker
from common.contract.capture import timestamp

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
STUCK_SECONDS = 15.0
NO_FRAME_SECONDS = 15.0
NO_ANSWER_SECONDS = 30.0


class Heartbeat:
    """Writes a file about every second; `health` judges it. Times are CLOCK_MONOTONIC, the same for both."""

    def __init__(self, path: Path) -> None:
        """`path`: the file, in a folder that can be written."""
        self._path = path
        self._next = 0.0
        self._failed = False

    def end(self) -> None:
        """Say no more."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def beat(self, workers: Sequence[CameraWorker], spool: Spool, publisher: Publisher) -> None:
        """Note what works."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + BEAT_SECONDS
        content = {
            "at": now,
            "answered_at": publisher.answered_at,
            "no_spool": spool.trouble,
            "waiting": spool.depth,
            "cameras": {
                worker.name: {
                    "handled_at": now if worker.paused or worker.ended else worker.handled_at,
                    "no_frames": worker.trouble,
                }
                for worker in workers
            },
        }
        unfinished = self._path.with_suffix(".part")
        try:
            unfinished.write_text(json.dumps(content))
            unfinished.replace(self._path)
        except OSError as error:
            if not self._failed:
                words = "HEARTBEAT_FILE=%s cannot be written (%s): name another"
                log.error(words, self._path, error.strerror)  # noqa: TRY400 (a sentence, not a trace)
            self._failed = True
        else:
            self._failed = False


def beats(path: Path, camera: str) -> bool:
    """Whether the heartbeat is fresh and of this camera's service."""
    try:
        beat = json.loads(path.read_text())
        return 0 <= _age(beat["at"]) <= STUCK_SECONDS and camera in beat["cameras"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def health(path: Path) -> tuple[bool, str]:
    """Judge the heartbeat: well or not, and one sentence."""
    try:
        beat = json.loads(path.read_text())
        age, answer_age = (_age(beat[key]) for key in ("at", "answered_at"))
        frames = {name: (_age(camera["handled_at"]), camera["no_frames"]) for name, camera in beat["cameras"].items()}
        no_spool, waiting = beat["no_spool"], int(beat["waiting"])
        frame_age = max(seconds for seconds, _ in frames.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        age = -math.inf
    if age < 0:  # nothing to read, or from before this machine was started anew
        return False, f"No heartbeat in {path}: the camera has not started."
    if age > STUCK_SECONDS:
        return False, f"The last heartbeat is {age:.0f} s old: the camera is stuck or has stopped."
    if frame_age > NO_FRAME_SECONDS:
        return False, _without_frames(frames)
    if no_spool:
        return False, no_spool
    if answer_age > NO_ANSWER_SECONDS:
        return False, f"The broker has not answered for {_shown(answer_age)}: check edge-broker (EDGE_BROKER_HOST)."
    return (
        True,
        f"A frame was handled {frame_age:.1f} s ago, the broker answered {answer_age:.0f} s ago; {waiting} wait.",
    )


def _without_frames(frames: dict[str, tuple[float, str | None]]) -> str:
    """Say what ails each camera that gives no frames."""
    ailing = {name: values for name, values in frames.items() if values[0] > NO_FRAME_SECONDS}
    said = {
        name: trouble or f"No frame was handled for {_shown(age)}: check CAMERA_SOURCE."
        for name, (age, trouble) in ailing.items()
    }
    if len(frames) == 1:
        return next(iter(said.values()))
    return " ".join(f"{name}: {words}" for name, words in said.items())


def _age(at: float | None) -> float:
    """Seconds since then; what never was is infinitely long ago."""
    return math.inf if at is None else time.monotonic() - float(at)


def _shown(age: float) -> str:
    return f"{age:.0f} s" if math.isfinite(age) else "as long as it runs"


def status(worker: CameraWorker, spool: Spool, publisher: Publisher) -> dict[str, object]:
    """What a camera's status message says now; what waits, is stored, ... is counted over all cameras of the host."""
    counts = worker.counts
    return {
        "at": timestamp(datetime.now(UTC)),
        "frames_per_second": round(worker.rate.per_second(), 1),
        "passed_over": worker.frame_counters.skipped,
        "faces": counts.faces,
        "captured": counts.captured,
        "refused": counts.refused,
        "waiting": spool.depth,
        "stored": publisher.stored,
        "rejected": publisher.rejected,
        "dropped": spool.dropped,
        "bridge": publisher.bridge_up,
        "paused": worker.paused,
        "trouble": worker.trouble or spool.trouble,
    }
