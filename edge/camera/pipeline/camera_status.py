"""How a camera is: one state, and one snapshot that is replaced as a whole."""

from dataclasses import dataclass
from enum import StrEnum

from camera.pipeline.tampering.blindness import NOT_BLIND, BlindnessStatus


class CameraState(StrEnum):
    """What a camera does now."""

    STARTING = "starting"  # no frame was processed yet
    RUNNING = "running"
    PAUSED = "paused"  # by its schedule or by a command
    RECONNECTING = "reconnecting"  # its source gives no frames and is opened again
    HUNG = "hung"  # in its driver: only the end of the process may help
    CRASHED = "crashed"  # and started again; no frame was processed since
    ENDED = "ended"  # its source has nothing more to give


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """A camera at one moment. Every reader sees one whole snapshot, never half of two."""

    state: CameraState = CameraState.STARTING
    problem: str | None = None  # why there are no frames, as a message for the user
    last_frame_at: float | None = None  # monotonic: when a frame was processed last
    blindness: BlindnessStatus = NOT_BLIND

    @property
    def is_up(self) -> bool:
        """Whether frames were processed and nothing keeps the next one from coming."""
        return self.last_frame_at is not None and self.problem is None
