"""What a source of frames is: opened, read frame by frame, closed, and opened again."""

import math
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cv2.typing import MatLike

Image = MatLike  # always (height, width, 3), uint8, BGR here


class SourceError(Exception):
    """A source that fails for now; the text is a sentence for the user."""


class SourceEndedError(Exception):
    """A source that has nothing more to give: a file at its end."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a source."""

    image: Image
    captured_at: datetime  # aware, UTC
    seconds: float  # never steps back, not even when the source is reopened
    number: int  # since the source was opened; a gap is frames that the source lost
    jpeg: bytes | None = None  # the camera's own encoding, if there is one


@dataclass(frozen=True, slots=True)
class Timeouts:
    """After how long a source counts as hung; it should give up by itself before that."""

    open_seconds: float = math.inf
    grab_seconds: float = math.inf


class FrameSource(Protocol):
    """An open source. Grabbing is cheap; retrieving decodes."""

    def grab(self) -> float:
        """Wait for the next frame and return its seconds; raises SourceError or SourceEndedError."""

    def retrieve(self) -> Frame | None:
        """Decode the frame that was grabbed last; None if it is damaged."""

    def close(self) -> None:
        """Release the device or connection."""


class FrameSourceFactory(Protocol):
    """Opens a source, again and again."""

    @property
    def timeouts(self) -> Timeouts:
        """How long its calls may take."""

    def open(self, stop: threading.Event) -> FrameSource:
        """Open it, to be read until `stop` is set; raises SourceError or SourceEndedError."""

    def should_retry_now(self) -> bool:
        """Whether a retry is worthwhile before the next one is due. Cheap."""
