"""Cameras that are mounted sideways or upside down: their frames, turned upright."""

import threading
from dataclasses import dataclass, replace

import cv2
import numpy as np

from camera.sources.frame import Frame, FrameSource, FrameSourceFactory, Timeouts

TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True, slots=True)
class TurnedSource:
    """An open source whose frames are turned clockwise by so many degrees."""

    inner: FrameSource
    degrees: int

    def grab(self) -> float:
        return self.inner.grab()

    def retrieve(self) -> Frame | None:
        """Turn the frame; the camera's own encoding shows it as it was and is left out."""
        frame = self.inner.retrieve()
        if frame is None:
            return None
        return replace(frame, image=np.ascontiguousarray(cv2.rotate(frame.image, TURNS[self.degrees])), jpeg=None)

    def close(self) -> None:
        self.inner.close()


@dataclass(frozen=True, slots=True)
class TurnedCamera:
    """Opens a source whose frames are turned."""

    inner: FrameSourceFactory
    degrees: int

    @property
    def timeouts(self) -> Timeouts:
        return self.inner.timeouts

    def open(self, stop: threading.Event) -> FrameSource:
        return TurnedSource(self.inner.open(stop), self.degrees)

    def should_retry_now(self) -> bool:
        return self.inner.should_retry_now()
