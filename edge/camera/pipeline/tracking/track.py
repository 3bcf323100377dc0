"""A track: one visitor's face, where it is and where it should be next."""

import math
from dataclasses import dataclass
from datetime import datetime

from camera.pipeline.tracking.appearance import Appearance
from camera.pipeline.tracking.detector import Detection
from common.contract.capture import Box

# So many detections at the activation threshold, so far apart: what is no face rarely scores that twice in YuNet.
CONFIRMING_HITS, CONFIRMING_SECONDS = 2, 0.06
LOST_TRACK_SECONDS = 3.0  # a head that turned away, a hand before the face
LEFT_SECONDS = 0.8  # after a face that was on its way out
UNCONFIRMED_SECONDS = 0.5
SMOOTHING = 0.5  # of the velocity
MAX_EXTRAPOLATION_SECONDS = 0.5  # a hidden face is expected to have stopped
SETTLED_SECONDS = 10.0  # who has been there for so long, and moves no faster than this, stays for a while
SETTLED_SPEED = 1.0  # in heights of the face, a second
BORDER_SHARE = 0.35  # of the face's width: nearer to the border, a face is on its way out


@dataclass(slots=True)
class Track:
    """One visitor. Positions in pixels of the frame, times in seconds of the source."""

    id: str
    box: Box
    began_at: datetime
    seen_at: datetime
    first_seen: float
    last_seen: float
    best_score: float  # so far
    hits: int = 1
    sure_hits: int = 1  # at the activation threshold
    missed: int = 0  # frames processed since its face was seen last
    velocity: tuple[float, float] = (0.0, 0.0)  # pixels a second
    leaving: bool = False  # at the frame's border
    appearance: Appearance | None = None  # when it was last told from another's

    @property
    def confirmed(self) -> bool:
        """Whether it is a person."""
        return self.sure_hits >= CONFIRMING_HITS and self.last_seen - self.first_seen >= CONFIRMING_SECONDS

    def is_settled(self, now: float) -> bool:
        """Whether somebody has been there for a while, hardly moves, and is not on the way out."""
        speed = math.hypot(*self.velocity)
        stayed = now - self.first_seen >= SETTLED_SECONDS
        return stayed and not self.leaving and speed <= SETTLED_SPEED * self.box.height

    def expected_center(self, now: float) -> tuple[float, float]:
        """Where the centre of the face should be now."""
        gap = min(now - self.last_seen, MAX_EXTRAPOLATION_SECONDS)
        x, y = center(self.box)
        return x + self.velocity[0] * gap, y + self.velocity[1] * gap

    def expected_box(self, now: float) -> Box:
        """Where the face should be now."""
        (x, y), (width, height) = self.expected_center(now), (self.box.width, self.box.height)
        return Box(round(x - width / 2), round(y - height / 2), width, height)

    def update(self, detection: Detection, now: float, captured_at: datetime) -> None:
        """Move to where the face was detected."""
        gap = max(now - self.last_seen, 1e-3)
        (x, y), (old_x, old_y) = center(detection.box), center(self.box)
        step = ((x - old_x) / gap, (y - old_y) / gap)
        self.velocity = (
            self.velocity[0] + SMOOTHING * (step[0] - self.velocity[0]),
            self.velocity[1] + SMOOTHING * (step[1] - self.velocity[1]),
        )
        self.box, self.last_seen, self.seen_at = detection.box, now, captured_at
        self.hits += 1
        self.appearance = self.appearance if detection.appearance is None else detection.appearance
        self.best_score = max(self.best_score, detection.score)


@dataclass(frozen=True, slots=True)
class TrackedDetection:
    """A track and where its face is in this frame."""

    track: Track
    detection: Detection


def track_timeout(track: Track) -> float:
    """How many seconds a track waits for its face."""
    if not track.confirmed:
        return UNCONFIRMED_SECONDS
    return LEFT_SECONDS if track.leaving else LOST_TRACK_SECONDS


def center(box: Box) -> tuple[float, float]:
    """The middle of a box."""
    return box.x + box.width / 2, box.y + box.height / 2


def iou(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    intersection = width * height
    return intersection / (one.width * one.height + other.width * other.height - intersection)


def at_border(box: Box, size: tuple[int, int]) -> bool:
    """Whether a face is half out of the frame, or will be with its next step."""
    near = box.width * BORDER_SHARE
    return box.x < near or box.x + box.width > size[0] - near
