"""What follows damage in a video is drawn on top of it: which frames may not be shown."""

import math
from typing import Any

MAX_DOUBTFUL_FRAMES = 250  # after damage: not every codec marks the frames that are complete in themselves


class Doubt:
    """Judges each frame in the order in which the decoder hands them out."""

    def __init__(self, max_frames: int = MAX_DOUBTFUL_FRAMES) -> None:
        """`max_frames`: so many are refused after damage, if none is complete in itself."""
        self._max_frames = max_frames
        self._frames_left = 0  # unless one is complete in itself
        self._until = -math.inf  # the latest time of a packet that the decoder refused

    def refuse(self, time: int | None) -> None:
        """The decoder refused a packet. It may hand out later what it made of it, even as complete in itself."""
        self._frames_left = self._max_frames
        self._until = max(self._until, -math.inf if time is None else time)

    def covers(self, frame: Any) -> bool:
        """Whether it is damaged, or may be drawn on top of what is."""
        if frame.is_corrupt:
            self._frames_left = self._max_frames
        elif frame.key_frame and (frame.pts is None or frame.pts > self._until):
            self._frames_left = 0  # it comes after the damage, and not late from before
        if self._frames_left == 0:
            self._until = -math.inf
            return False
        self._frames_left -= 1
        return True
