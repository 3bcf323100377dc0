"""How a camera is: one snapshot that is replaced as a whole."""

from dataclasses import dataclass

from camera.pipeline.tampering.blindness import NOT_BLIND, BlindnessStatus
from common.contract.status import CameraState


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
