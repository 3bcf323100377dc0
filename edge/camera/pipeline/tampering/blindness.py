"""The ways in which a camera that gives pictures may be blind."""

from dataclasses import dataclass
from datetime import datetime

from common.contract.status import Blindness

REMEDIES = {
    Blindness.COVERED: "Something covers the lens: uncover or clean it.",
    Blindness.DEFOCUSED: "The picture is out of focus: focus or clean the lens.",
    Blindness.TURNED: "The camera was turned away: turn it back, or pause and resume it to accept the new view.",
    Blindness.FROZEN: "The picture is frozen: unplug the camera and plug it in again.",
    Blindness.DARK: "It is dark where it is light at this hour: check the light and the lens.",
}


@dataclass(frozen=True, slots=True)
class BlindnessStatus:
    """Whether a camera is blind, and since when; replaced as a whole."""

    cause: Blindness | None = None
    since: datetime | None = None  # aware, UTC

    @property
    def problem(self) -> str | None:
        """What is wrong and what to do, in a sentence."""
        return REMEDIES[self.cause] if self.cause else None


NOT_BLIND = BlindnessStatus()
