"""Tracking faces from frame to frame: who is the same visitor as before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from camera.pipeline.tracking.appearance import Appearance, difference
from camera.pipeline.tracking.detector import Detection
from common.contract.capture import Box
from common.contract.times import compact

# So many detections at the opening score, so far apart: what YuNet takes for a face by mistake rarely scores it twice.
CONFIRMING_HITS, CONFIRMING_SECONDS = 2, 0.06
LOST_TRACK_SECONDS = 3.0  # a head that turned away, a hand before the face
LEFT_SECONDS = 0.8  # after a face that was on its way out
UNCONFIRMED_SECONDS = 0.5
STALE_SECONDS = 10.0  # without a single frame: the camera was unavailable
MIN_IOU = 0.2  # intersection over union
MAX_CENTER_DISTANCE = 1.2  # in sizes of the face
# A track that is known well moves little in a short gap: who is further away passes in front of it.
KNOWN_HITS, NEAR_DISTANCE, DISTANCE_PER_SECOND = 5, 0.4, 2.5
MAX_SIZE_RATIO = 1.8
APPEARANCE_WEIGHT = 2.0  # in sizes of the face: two people in different clothes differ by 0.2 to 0.4 of it
SMOOTHING = 0.5  # of the velocity
MAX_EXTRAPOLATION_SECONDS = 0.5  # a hidden face is expected to have stopped
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
    sure_hits: int = 1  # at the score that opens a track
    missed: int = 0  # frames processed since its face was seen last
    velocity: tuple[float, float] = (0.0, 0.0)  # pixels a second
    leaving: bool = False  # at the frame's border
    appearance: Appearance | None = None  # when it was last told from another's

    @property
    def confirmed(self) -> bool:
        """Whether it is a person."""
        return self.sure_hits >= CONFIRMING_HITS and self.last_seen - self.first_seen >= CONFIRMING_SECONDS

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


class Tracker:
    """Matches detections to tracks, nearest first. A high score opens a track, a lower one keeps it alive."""

    def __init__(self, activation_threshold: float) -> None:
        """`activation_threshold`: the score that opens a track."""
        self.activation_threshold = activation_threshold
        self._tracks: list[Track] = []
        self._updated = float("-inf")

    @property
    def has_active_tracks(self) -> bool:
        """Whether somebody is there, or was a moment ago."""
        return bool(self._tracks)

    def may_confuse(self, detections: Sequence[Detection]) -> bool:
        """Whether there may be a choice: several faces, now or a moment ago."""
        return len(detections) > 1 or len(self._tracks) > 1

    def expected_boxes(self, now: float) -> list[Box]:
        """Where each face should be now; empty if one of them was not seen in the frame before."""
        if any(track.last_seen < self._updated for track in self._tracks):
            return []
        return [track.expected_box(now) for track in self._tracks]

    def update(
        self, detections: list[Detection], now: float, captured_at: datetime, size: tuple[int, int]
    ) -> tuple[list[TrackedDetection], list[Track]]:
        """Take the faces of a frame of this size (width, height); return who is seen and which tracks ended."""
        ended = self._end_lost(now)
        self._updated = now
        matches = self._match(detections, now)
        for match in matches:
            match.track.update(match.detection, now, captured_at)
            match.track.sure_hits += match.detection.score >= self.activation_threshold
        for track in self._tracks:
            track.missed = 0 if track.last_seen == now else track.missed + 1
        matched = {id(match.detection) for match in matches}
        opened = [
            TrackedDetection(self._open(detection, now, captured_at), detection)
            for detection in detections
            if id(detection) not in matched and detection.score >= self.activation_threshold
        ]
        seen = matches + opened
        for tracked in seen:
            tracked.track.leaving = at_border(tracked.detection.box, size)
        return seen, ended

    def end(self, track: Track) -> None:
        """End a track, whose face need not be followed any more."""
        self._tracks.remove(track)

    def flush(self) -> list[Track]:
        """End all tracks."""
        ended, self._tracks = self._tracks, []
        return ended

    def _end_lost(self, now: float) -> list[Track]:
        ended = [track for track in self._tracks if _is_over(track, now)]
        self._tracks = [track for track in self._tracks if track not in ended]
        return ended

    def _match(self, detections: list[Detection], now: float) -> list[TrackedDetection]:
        """Each track with at most one detection, the nearest pairs first."""
        costs = [
            (cost, number, index)
            for number, track in enumerate(self._tracks)
            for index, detection in enumerate(detections)
            if (cost := _cost(track, detection, now)) is not None
        ]
        tracks, faces, matches = set[int](), set[int](), []
        for _, number, index in sorted(costs):
            if number not in tracks and index not in faces:
                tracks.add(number)
                faces.add(index)
                matches.append(TrackedDetection(self._tracks[number], detections[index]))
        return matches

    def _open(self, detection: Detection, now: float, captured_at: datetime) -> Track:
        same_time = sum(1 for track in self._tracks if track.began_at == captured_at)
        track = Track(
            id=f"{compact(captured_at)}-{same_time + 1}",
            box=detection.box,
            began_at=captured_at,
            seen_at=captured_at,
            first_seen=now,
            last_seen=now,
            best_score=detection.score,
            appearance=detection.appearance,
        )
        self._tracks.append(track)
        return track


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


def _is_over(track: Track, now: float) -> bool:
    """Whether its face was waited for long enough; at low rates, at least until one frame missed it."""
    gap = now - track.last_seen
    return gap > STALE_SECONDS or (gap > track_timeout(track) and track.missed > 0)


def _cost(track: Track, detection: Detection, now: float) -> float | None:
    """Distance in sizes of the face, less where boxes overlap; None if it cannot be the same face.

    Looks only decide between faces that are about as near.
    """
    box = detection.box
    larger, smaller = max(track.box.height, box.height), min(track.box.height, box.height)
    if larger / smaller > MAX_SIZE_RATIO:
        return None
    (x, y), (expected_x, expected_y) = center(box), track.expected_center(now)
    distance = float(((x - expected_x) ** 2 + (y - expected_y) ** 2) ** 0.5) / larger
    overlap = iou(track.box, box)
    if overlap < MIN_IOU and distance > _reach(track, now):
        return None
    return distance - overlap + APPEARANCE_WEIGHT * difference(track.appearance, detection.appearance)


def _reach(track: Track, now: float) -> float:
    """How far from where it is expected a track's face may be, in sizes of it."""
    if track.hits < KNOWN_HITS:
        return MAX_CENTER_DISTANCE
    return min(MAX_CENTER_DISTANCE, NEAR_DISTANCE + DISTANCE_PER_SECOND * (now - track.last_seen))
