"""How the camera is: a heartbeat for the health check, and the retained status message."""

import json
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from camera.frames import LatestFrame
from camera.message import timestamp
from camera.publisher import Publisher
from camera.spool import Spool
from camera.watcher import Counts

BEAT_SECONDS = 1.0
STUCK_SECONDS = 15.0
NO_FRAME_SECONDS = 15.0
NO_ANSWER_SECONDS = 30.0


class Heartbeat:
    """Writes a file about every second; `health` judges it. Times are CLOCK_MONOTONIC, the same for both."""

    def __init__(self, path: Path) -> None:
        """`path`: the file, in a folder that can be written."""
        self._path = path
        self._handled_at: float | None = None
        self._next = 0.0

    def beat(self, frames: LatestFrame, spool: Spool, publisher: Publisher, *, handled: bool) -> None:
        """Note what works; `handled`: a frame was just looked at."""
        now = time.monotonic()
        if handled or frames.ended.is_set():
            self._handled_at = now
        if now < self._next:
            return
        self._next = now + BEAT_SECONDS
        content = {
            "at": now,
            "handled_at": self._handled_at,
            "answered_at": publisher.answered_at,
            "no_frames": frames.trouble,
            "no_spool": spool.trouble,
            "waiting": spool.depth,
        }
        unfinished = self._path.with_suffix(".part")
        unfinished.write_text(json.dumps(content))
        unfinished.replace(self._path)


def health(path: Path) -> tuple[bool, str]:
    """Judge the heartbeat: well or not, and one sentence."""
    try:
        beat = json.loads(path.read_text())
        age, frame_age, answer_age = (_age(beat[key]) for key in ("at", "handled_at", "answered_at"))
        no_frames, no_spool, waiting = beat["no_frames"], beat["no_spool"], int(beat["waiting"])
    except (OSError, ValueError, KeyError, TypeError):
        return False, f"No heartbeat in {path}: the camera has not started."
    if age > STUCK_SECONDS:
        return False, f"The last heartbeat is {age:.0f} s old: the camera is stuck or has stopped."
    if frame_age > NO_FRAME_SECONDS:
        return False, no_frames or f"No frame was handled for {_shown(frame_age)}: check CAMERA_SOURCE."
    if no_spool:
        return False, no_spool
    if answer_age > NO_ANSWER_SECONDS:
        return False, f"The broker has not answered for {_shown(answer_age)}: check edge-broker (EDGE_BROKER_HOST)."
    return (
        True,
        f"A frame was handled {frame_age:.1f} s ago, the broker answered {answer_age:.0f} s ago; {waiting} wait.",
    )


def _age(at: float | None) -> float:
    """Seconds since then; what never was is infinitely long ago."""
    return math.inf if at is None else time.monotonic() - float(at)


def _shown(age: float) -> str:
    return f"{age:.0f} s" if math.isfinite(age) else "as long as it runs"


def status(frames: LatestFrame, spool: Spool, publisher: Publisher, counts: Counts) -> Callable[[], dict[str, object]]:
    """What the status message says, each time it is asked."""
    last = {"at": time.monotonic(), "looked_at": 0}

    def say() -> dict[str, object]:
        now, looked_at = time.monotonic(), counts.looked_at
        rate = (looked_at - last["looked_at"]) / max(now - last["at"], 0.001)
        last.update(at=now, looked_at=looked_at)
        return {
            "at": timestamp(datetime.now(UTC)),
            "frames_per_second": round(rate, 1),
            "passed_over": frames.passed_over,
            "faces": counts.faces,
            "captured": counts.captured,
            "refused": counts.refused,
            "waiting": spool.depth,
            "stored": publisher.stored,
            "rejected": publisher.rejected,
            "dropped": spool.dropped,
            "bridge": publisher.bridge_up,
            "trouble": frames.trouble or spool.trouble,
        }

    return say
