"""Watching: from frames to captures."""

import logging
from dataclasses import dataclass, field

from camera.capture import Encoder
from camera.detector import Detector
from camera.frames import Frame
from camera.message import MAX_IMAGE_BYTES, Box, Capture
from camera.settings import Settings

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """What the watcher saw since it started."""

    looked_at: int = 0
    faces: int = 0
    captured: int = 0
    refused: int = 0  # too large, or no room in the spool
    rejected: dict[str, int] = field(default_factory=dict)  # faces that were not captured, by reason


@dataclass(frozen=True, slots=True)
class Face:
    """A face in the frame that was looked at last, for the live page."""

    box: Box
    score: float
    quality: float
    track: str
    rejected: str | None


@dataclass(frozen=True, slots=True)
class Sight:
    """What a frame gave."""

    captures: tuple[Capture, ...] = ()
    faces: tuple[Face, ...] = ()


class Watcher:
    """Looks at frames, one after the other, and captures the faces in them. For one thread."""

    def __init__(self, settings: Settings) -> None:
        """Load the detector."""
        self.counts = Counts()
        self._detector = Detector(settings.min_face_px, settings.min_score)
        self._encoder = Encoder(
            camera=settings.camera_name,
            whole_frame=settings.capture == "frame",
            margin=settings.capture_margin,
            image_format=settings.image_format,
        )
        self._interval = settings.capture_interval_seconds
        self._due = float("-inf")

    def end(self) -> Sight:
        """Close what is open."""
        return Sight()

    def look(self, frame: Frame) -> Sight:
        """The captures of this frame: every face in it, unless the last captures are too recent."""
        detections = self._detector.detect(frame.image)
        self.counts.looked_at += 1
        self.counts.faces += len(detections)
        if not detections or frame.seconds < self._due:
            return Sight()
        self._due = frame.seconds + self._interval
        captures = [self._encoder.capture(frame.image, frame.captured_at, detection) for detection in detections]
        return Sight(tuple(capture for capture in captures if self._fits(capture)))

    def _fits(self, capture: Capture) -> bool:
        if len(capture.image) <= MAX_IMAGE_BYTES:
            self.counts.captured += 1
            return True
        self.counts.refused += 1
        log.error(
            "A capture of %d bytes is too large for the brokers (%d): set CAPTURE=face or IMAGE_FORMAT=jpeg",
            len(capture.image),
            MAX_IMAGE_BYTES,
        )
        return False
