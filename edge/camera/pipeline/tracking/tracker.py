"""Tracking faces from frame to frame: who is the same visitor as before."""

from collections.abc import Sequence
from datetime import datetime

from camera.pipeline.tracking.appearance import difference
from camera.pipeline.tracking.detector import Detection
from camera.pipeline.tracking.track import Track, TrackedDetection, at_border, center, iou, track_timeout
from common.contract.capture import Box
from common.contract.times import compact

STALE_SECONDS = 10.0  # without a single frame: the camera was unavailable
MIN_IOU = 0.2  # intersection over union
MAX_CENTER_DISTANCE = 1.2  # in sizes of the face
# A track that is known well moves little in a short gap: who is further away passes in front of it.
KNOWN_HITS, NEAR_DISTANCE, DISTANCE_PER_SECOND = 5, 0.4, 2.5
MAX_SETTLED_GAP_SECONDS = 0.2  # who hardly moves is not further away after a longer one
MAX_SIZE_RATIO = 1.8
APPEARANCE_WEIGHT = 2.0  # in sizes of the face: two people in different clothes differ by 0.2 to 0.4 of it


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

    @property
    def is_settled(self) -> bool:
        """Whether all who are there have been so for a while, hardly move, and were seen in the last frame."""
        now = self._updated
        return bool(self._tracks) and all(track.last_seen == now and track.is_settled(now) for track in self._tracks)

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
    gap = now - track.last_seen
    if track.is_settled(track.last_seen):
        gap = min(gap, MAX_SETTLED_GAP_SECONDS)
    return min(MAX_CENTER_DISTANCE, NEAR_DISTANCE + DISTANCE_PER_SECOND * gap)
