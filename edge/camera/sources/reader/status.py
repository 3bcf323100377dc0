"""How reading a source goes: one state, replaced as a whole."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

HUNG_SECONDS = 15.0


class ReaderState(StrEnum):
    """What a camera's readers are doing."""

    STARTING = "starting"  # no frame yet
    RUNNING = "running"  # frames arrive
    RECONNECTING = "reconnecting"  # the source failed and is being reopened
    STALLED = "stalled"  # a call into the driver did not return; a new reader reopens the camera
    HUNG = "hung"  # nor does it help: only replugging, or the end of the process
    ENDED = "ended"  # stopped, or the source has nothing more to give


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """A snapshot; each event gives the next one."""

    state: ReaderState = ReaderState.STARTING
    problem: str | None = None  # why there are no frames, as a sentence
    last_frame_at: float | None = None  # monotonic: when the last whole frame arrived

    @property
    def is_hung(self) -> bool:
        """Whether a call into the driver hangs, and nothing that can be done here helps."""
        return self.state is ReaderState.HUNG

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes."""
        return self.state is ReaderState.ENDED

    def frame_arrived(self, now: float) -> Self:
        """Frames arrive, whatever was before."""
        return replace(self, state=ReaderState.RUNNING, problem=None, last_frame_at=now)

    def failed(self, problem: str) -> Self:
        """The source failed. What fails while a camera hangs follows from that and says nothing new."""
        if self.state in {ReaderState.STALLED, ReaderState.HUNG}:
            return self
        return replace(self, state=ReaderState.RECONNECTING, problem=problem)

    def stalled(self) -> Self:
        """A call into the driver is overdue, and its reader was abandoned."""
        return self if self.state is ReaderState.HUNG else replace(self, state=ReaderState.STALLED)

    def overdue(self, seconds: float) -> Self:
        """How long abandoned readers have hung; 0 when all of them returned. Says nothing once frames arrive."""
        if self.state not in {ReaderState.STALLED, ReaderState.HUNG}:
            return self
        if seconds > HUNG_SECONDS:
            problem = "The camera hangs in its driver: unplug it and plug it in again, or restart this machine."
            return replace(self, state=ReaderState.HUNG, problem=problem)
        reopening = "The camera hangs; opening it again."
        return replace(self, state=ReaderState.STALLED, problem=reopening if seconds > 0 else self.problem)

    def ended(self) -> Self:
        """Nothing more comes; what was wrong last stays to be read."""
        return replace(self, state=ReaderState.ENDED)
