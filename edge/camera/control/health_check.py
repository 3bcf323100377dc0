"""The health check of the camera's container: the standard library alone, since it runs every few seconds.

`python -m camera.control.health_check` says what `python -m camera health` says, for a twentieth of the CPU.
"""

import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from common.os_error import plain_reason
from common.runtime.heartbeat import HeartbeatError, read_heartbeat

PROGRAM = "camera"
DEFAULT_FILE = Path("/tmp/usbcam-camera.json")
MAX_HEARTBEAT_AGE_SECONDS = 15.0
MAX_FRAME_AGE_SECONDS = 15.0
MAX_BROKER_SILENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class HealthReport:
    """One sentence that says how the cameras are, and whether that is healthy."""

    message: str
    healthy: bool = False


def is_running(file: Path, camera: str) -> bool:
    """Whether the heartbeat is fresh and comes from the service of this camera."""
    try:
        return camera in read_heartbeat(file, PROGRAM, MAX_HEARTBEAT_AGE_SECONDS)["cameras"]
    except (HeartbeatError, KeyError, TypeError):
        return False


def health(file: Path) -> HealthReport:
    """Judge the heartbeat."""
    try:
        heartbeat = read_heartbeat(file, PROGRAM, MAX_HEARTBEAT_AGE_SECONDS)
        broker_age = _age(heartbeat["broker_answered_at"])
        frames = {name: (_age(camera["frame_at"]), camera["problem"]) for name, camera in heartbeat["cameras"].items()}
        spool_problem, waiting = heartbeat["spool_problem"], int(heartbeat["waiting"])
        frame_age = max(seconds for seconds, _ in frames.values())
    except HeartbeatError as error:
        return HealthReport(str(error))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return HealthReport(f"The heartbeat in {file} cannot be read: {plain_reason(error)}.")
    if frame_age > MAX_FRAME_AGE_SECONDS:
        return HealthReport(_without_frames(frames))
    if spool_problem:
        return HealthReport(spool_problem)
    if broker_age > MAX_BROKER_SILENCE_SECONDS:
        silence = _duration(broker_age)
        return HealthReport(f"The broker has not answered for {silence}: check edge-broker (EDGE_BROKER_HOST).")
    message = (
        f"A frame was processed {frame_age:.1f} s ago, the broker answered {broker_age:.0f} s ago; {waiting} wait."
    )
    return HealthReport(message, healthy=True)


def _without_frames(frames: dict[str, tuple[float, str | None]]) -> str:
    """Say what is wrong with each camera that gives no frames."""
    failing = {name: values for name, values in frames.items() if values[0] > MAX_FRAME_AGE_SECONDS}
    messages = {
        name: problem or f"No frame was processed for {_duration(age)}: check CAMERA_SOURCE."
        for name, (age, problem) in failing.items()
    }
    if len(frames) == 1:
        return next(iter(messages.values()))
    return " ".join(f"{name}: {message}" for name, message in messages.items())


def _age(timestamp: float | None) -> float:
    """Seconds since then; what never was is infinitely long ago."""
    return math.inf if timestamp is None else time.monotonic() - float(timestamp)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if math.isfinite(seconds) else "as long as it runs"


def main() -> int:
    """Print how the running camera is; the exit code is 0 or 1."""
    report = health(Path(os.environ.get("HEARTBEAT_FILE") or DEFAULT_FILE))
    print(report.message)
    return 0 if report.healthy else 1


if __name__ == "__main__":
    sys.exit(main())
