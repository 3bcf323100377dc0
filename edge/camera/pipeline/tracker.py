"""Following faces from frame to frame: who is the same visitor as before."""

from dataclasses import dataclass
from datetime import datetime

from camera.pipeline.detector import Detection
from common.contract.capture import Box, timestamp

CONFIRMING_HITS, CONFIRMING_SECONDS = 2, 0.06  # so far apart: what YuNet takes for a face by mistake is soon none again
LOST_TRACK_SECONDS = 3.0  # a head that turned away, a hand before the face
LEFT_SECONDS = 0.8  # after a face that was on its way out
UNCONFIRMED_SECONDS = 0.5
FORGOTTEN_SECONDS = 10.0  # without a single look: the camera was away
LEAST_OVERLAP = 0.2  # intersection over union
FARTHEST = 1.2  # between centres, in sizes of the face
LARGEST_RATIO = 1.8  # of sizes
SMOOTHING = 0.5  # of the velocity


@dataclass(slots=True)
class Track:
    """One visitor. Positions in pixels of the frame, times in seconds of the source."""

    id: str
    box: Box
    began_at: datetime
    seen_at: datetime
    first_seen: float
    last_seen: float
    best_score: float  # the best score so far
    hits: int = 1
    missed: int = 0  # looks since its face was seen last
    velocity: tuple[float, float] = (0.0, 0.0)  # pixels a second
    leaving: bool = False  # at the frame's border

    @property
    def confirmed(self) -> bool:
        """Whether it is somebody."""
        return self.hits >= CONFIRMING_HITS and self.last_seen - self.first_seen >= CONFIRMING_SECONDS

    def expected(self, seconds: float) -> tuple[float, float]:
        """Where the centre should be; somebody who is hidden is expected to have stopped."""
        gap = min(seconds - self.last_seen, 0.5)
        x, y = centre(self.box)
        return x + self.velocity[0] * gap, y + self.velocity[1] * gap


@dataclass(frozen=True, slots=True)
class TrackedDetection:
    """A track and where its face is in this frame."""

    track: Track
    detection: Detection


class Tracker:
    """Matches detections to tracks, nearest first. A sure face opens a track, a less sure one keeps it alive."""

    def __init__(self, activation_threshold: float) -> None:
        """`activation_threshold`: what a new track takes."""
        self.activation_threshold = activation_threshold
        self._tracks: list[Track] = []
        self._updated = float("-inf")

    @property
    def busy(self) -> bool:
        """Whether somebody is there, or was a moment ago."""
        return bool(self._tracks)

    def expected(self, seconds: float) -> list[Box]:
        """Where each face should be at that time; empty if one of them was not seen in the frame before."""
        if any(track.last_seen < self._updated for track in self._tracks):
            return []
        return [_moved(track, seconds) for track in self._tracks]

    def update(
        self, detections: list[Detection], seconds: float, moment: datetime, size: tuple[int, int]
    ) -> tuple[list[TrackedDetection], list[Track]]:
        """Take the faces of a frame of this size (width, height); return who is seen and which tracks ended."""
        ended = self._end_old(seconds)
        self._updated = seconds
        pairs = self._pairs(detections, seconds)
        sightings = []
        for track, detection in pairs:
            _follow(track, detection, seconds, moment)
            sightings.append(TrackedDetection(track, detection))
        for track in self._tracks:
            track.missed = 0 if track.last_seen == seconds else track.missed + 1
        taken = {id(detection) for _, detection in pairs}
        sightings += [
            TrackedDetection(self._open(detection, seconds, moment), detection)
            for detection in detections
            if id(detection) not in taken and detection.score >= self.activation_threshold
        ]
        for sighting in sightings:
            sighting.track.leaving = at_border(sighting.detection.box, size)
        return sightings, ended

    def end(self) -> list[Track]:
        """Close all tracks."""
        ended, self._tracks = self._tracks, []
        return ended

    def _end_old(self, seconds: float) -> list[Track]:
        old = [track for track in self._tracks if _is_over(track, seconds)]
        self._tracks = [track for track in self._tracks if track not in old]
        return old

    def _pairs(self, detections: list[Detection], seconds: float) -> list[tuple[Track, Detection]]:
        """Each track with at most one detection, the nearest pairs first."""
        costs = [
            (cost, number, index)
            for number, track in enumerate(self._tracks)
            for index, detection in enumerate(detections)
            if (cost := _cost(track, detection.box, seconds)) is not None
        ]
        tracks, faces, pairs = set[int](), set[int](), []
        for _, number, index in sorted(costs):
            if number not in tracks and index not in faces:
                tracks.add(number)
                faces.add(index)
                pairs.append((self._tracks[number], detections[index]))
        return pairs

    def _open(self, detection: Detection, seconds: float, moment: datetime) -> Track:
        same = sum(1 for track in self._tracks if track.began_at == moment)
        track = Track(
            id=f"{timestamp(moment).replace('-', '').replace(':', '')}-{same + 1}",
            box=detection.box,
            began_at=moment,
            seen_at=moment,
            first_seen=seconds,
            last_seen=seconds,
            best_score=detection.score,
        )
        self._tracks.append(track)
        return track


def _moved(track: Track, seconds: float) -> Box:
    (x, y), (width, height) = track.expected(seconds), (track.box.width, track.box.height)
    return Box(round(x - width / 2), round(y - height / 2), width, height)


def patience(track: Track) -> float:
    """How long a track waits for its face."""
    if not track.confirmed:
        return UNCONFIRMED_SECONDS
    return LEFT_SECONDS if track.leaving else LOST_TRACK_SECONDS


def _is_over(track: Track, seconds: float) -> bool:
    """Whether its face was waited for long enough; where looks are rare, at least until one missed it."""
    gap = seconds - track.last_seen
    return gap > FORGOTTEN_SECONDS or (gap > patience(track) and track.missed > 0)


def centre(box: Box) -> tuple[float, float]:
    """The middle of a box."""
    return box.x + box.width / 2, box.y + box.height / 2


def iou(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (one.width * one.height + other.width * other.height - common)


def at_border(box: Box, size: tuple[int, int]) -> bool:
    """Whether a face is half out of the picture, or will be with its next step."""
    near = box.width * 0.35
    return box.x < near or box.x + box.width > size[0] - near


def _cost(track: Track, box: Box, seconds: float) -> float | None:
    """Distance in sizes of the face, less where boxes iou; None if it cannot be the same face."""
    larger, smaller = max(track.box.height, box.height), min(track.box.height, box.height)
    if larger / smaller > LARGEST_RATIO:
        return None
    (x, y), (expected_x, expected_y) = centre(box), track.expected(seconds)
    distance = float(((x - expected_x) ** 2 + (y - expected_y) ** 2) ** 0.5) / larger
    common = iou(track.box, box)
    if common < LEAST_OVERLAP and distance > FARTHEST:
        return None
    return distance - common


def _follow(track: Track, detection: Detection, seconds: float, moment: datetime) -> None:
    gap = max(seconds - track.last_seen, 1e-3)
    (x, y), (old_x, old_y) = centre(detection.box), centre(track.box)
    step = ((x - old_x) / gap, (y - old_y) / gap)
    track.velocity = (
        track.velocity[0] + SMOOTHING * (step[0] - track.velocity[0]),
        track.velocity[1] + SMOOTHING * (step[1] - track.velocity[1]),
    )
    track.box, track.last_seen, track.seen_at = detection.box, seconds, moment
    track.hits += 1
    track.best_score = max(track.best_score, detection.score)
