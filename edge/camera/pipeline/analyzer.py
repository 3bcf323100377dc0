"""Analysis: from frames to captures and visits."""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from camera.config.polygons import Polygon
from camera.config.settings import Settings
from camera.pipeline.face.floors import NO_FACE, POOR_REASONS, SMALL, STILL
from camera.pipeline.face.judge import FaceJudge, Judgement, is_face
from camera.pipeline.face.still import STILL_SECONDS, SUSPECT_SECONDS, StillFaces
from camera.pipeline.sight.motion import MotionDetector
from camera.pipeline.tracking.appearance import appearance_of
from camera.pipeline.tracking.detector import Detection, FaceDetector
from camera.pipeline.tracking.tracker import Track, TrackedDetection, Tracker
from camera.pipeline.visits.encoder import CaptureEncoder, ShotCandidate
from camera.pipeline.visits.policy import ShotKind, VisitState
from camera.sources.frame import Frame
from camera.sources.privacy_mask import PrivacyMask, all_polygons
from common.contract.capture import Box, Capture, max_image_bytes
from common.rate_limit import TokenBucket

log = logging.getLogger(__name__)

# While somebody is there, only regions are searched in between: who joins has a first shot within a second.
FULL_SEARCH_SECONDS = 0.25
IDLE_RATE = 5.0  # frames a second: while nothing moves every second frame is enough, if these are left
KEEP_ALIVE_MARGIN = 0.1  # a face keeps its track alive at a score this much lower than a new one needs
MIN_DETECTION_SCORE = 0.1
TOO_MANY = "too many"
REJECTIONS = (SMALL, *POOR_REASONS, NO_FACE, STILL, TOO_MANY)


@dataclass(slots=True)
class AnalysisCounters:
    """What the analyzer counted since it started."""

    frames_processed: int = 0
    no_motion: int = 0  # of these, frames in which nothing moved, so that no face was searched for
    region_only: int = 0  # of these, frames searched for faces only near those that were there
    faces: int = 0
    visits: int = 0
    captured: int = 0
    last_captured_at: datetime | None = None
    refused: int = 0  # too large, or no room in the spool
    rejected: Counter[str] = field(default_factory=Counter)  # faces that were not good enough, by reason


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A face in the frame that was processed last, for the live page."""

    box: Box
    score: float
    quality: float
    track: str
    rejected: str | None  # why no shot of it would be kept as a good one


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """What a frame gave."""

    captures: tuple[Capture, ...] = ()
    ended: tuple[VisitState, ...] = ()  # visits that are over
    faces: tuple[DetectedFace, ...] = ()


class FrameAnalyzer:
    """Processes frames, one after the other, and captures the faces in them. For one thread."""

    def __init__(self, settings: Settings, counters: AnalysisCounters | None = None) -> None:
        """Load the detector; `counters` go on counting where an earlier analyzer stopped."""
        self.counters = counters or AnalysisCounters()
        self._policy = settings.capture_policy
        self._mask = PrivacyMask(all_polygons(settings))
        self._motion = MotionDetector() if settings.motion == "on" else None
        min_score = max(MIN_DETECTION_SCORE, settings.min_score - KEEP_ALIVE_MARGIN)
        self._detector = FaceDetector(settings.min_face_px, min_score)
        self._tracker = Tracker(settings.min_score)
        self._judge = FaceJudge(settings)
        self._keep_poor = settings.poor_captures == "on"
        self._still = StillFaces() if self._policy == "best" else None
        self._encoder = CaptureEncoder(
            camera=settings.camera_name,
            whole_frame=settings.capture == "frame",
            margin=settings.capture_margin,
            image_format=settings.image_format,
            brighten=settings.brighten == "on",
            timezone=settings.timezone,
        )
        self._limiter = TokenBucket(settings.captures_per_minute)
        self._max_image_bytes = max_image_bytes(settings.max_image_mb)
        self._interval = settings.capture_interval_seconds
        self._next_capture_at = float("-inf")
        self._visits: dict[str, VisitState] = {}  # by track
        self._full_search_at = float("-inf")
        self._rate, self._idle = settings.detections_per_second, False

    @property
    def rate(self) -> float:
        """How many frames a second are worth processing now."""
        return min(self._rate, max(IDLE_RATE, self._rate / 2)) if self._idle else self._rate

    @property
    def has_active_tracks(self) -> bool:
        """Whether a visit is under way."""
        return self._tracker.has_active_tracks

    def process(self, frame: Frame) -> AnalysisResult:
        """Return the captures of this frame and the visits that it ended; masks black out parts of the frame itself."""
        self._mask.apply(frame.image)
        self.counters.frames_processed += 1
        self._idle = not self._update_motion(frame)
        if self._idle:
            self.counters.no_motion += 1
            return AnalysisResult(faces=self._still_faces(frame.seconds))
        detections = self._detector.detect(frame.image, self._next_search_boxes(frame.seconds))
        if self._still:
            detections = self._still.without_known(frame.image, detections, frame.seconds)
        if self._tracker.may_confuse(detections):
            detections = [_with_appearance(frame, detection) for detection in detections]
        height, width = frame.image.shape[:2]
        tracked, ended = self._tracker.update(detections, frame.seconds, frame.captured_at, (width, height))
        self.counters.faces += len(tracked)
        judged = [(face, self._judge.assess(frame.image, face.detection)) for face in tracked]
        captures, visits = self._end_visits(ended, frame.seconds)
        captures += self._capture(frame, judged)
        more_captures, more_visits = self._end_still(frame, tracked)
        faces = tuple(_detected_face(*pair) for pair in judged) + self._still_faces(frame.seconds)
        return AnalysisResult((*captures, *more_captures), (*visits, *more_visits), faces)

    def set_masks(self, polygons: Sequence[Polygon]) -> None:
        """Black out these from the next frame on."""
        self._mask = PrivacyMask(polygons)

    def flush(self) -> AnalysisResult:
        """End the visits that are under way: no frame follows."""
        captures, visits = self._end_visits(self._tracker.flush(), float("inf"))
        return AnalysisResult(tuple(captures), tuple(visits))

    def refuse(self, capture_ids: Collection[str]) -> None:
        """Count captures that could not be spooled; the visits under way will not list them."""
        self.counters.refused += len(capture_ids)
        for visit in self._visits.values():
            visit.refuse(capture_ids)

    def _update_motion(self, frame: Frame) -> bool:
        """Learn from a frame; return whether it is worth a search."""
        if self._motion is None:
            return True
        return self._motion.update(frame.image, frame.seconds, has_active_tracks=self.has_active_tracks)

    def _next_search_boxes(self, now: float) -> list[Box]:
        """Choose where to search for faces: near those that are there, but everywhere (empty) now and then."""
        boxes = self._tracker.expected_boxes(now) if self._motion else []
        if not boxes or now - self._full_search_at >= FULL_SEARCH_SECONDS:
            self._full_search_at = now
            return []
        self.counters.region_only += 1
        return boxes

    def _end_still(self, frame: Frame, tracked: list[TrackedDetection]) -> tuple[list[Capture], list[VisitState]]:
        """End the visits of faces that do not move at all: pictures of people, and ignored from now on."""
        if self._still is None:
            return [], []
        ended: list[Track] = []
        for face in tracked:
            visit = self._visits.get(face.track.id)
            seconds = self._still.watch(frame.image, face.track.id, face.detection.box, frame.seconds)
            if visit:
                visit.is_still = seconds >= SUSPECT_SECONDS
            if seconds >= STILL_SECONDS:
                self._still.remember(face.track.id, frame.seconds)
                self._tracker.end(face.track)
                self.counters.rejected[STILL] += 1
                ended.append(face.track)
        return self._end_visits(ended, frame.seconds)

    def _still_faces(self, now: float) -> tuple[DetectedFace, ...]:
        boxes = self._still.boxes(now) if self._still else []
        return tuple(DetectedFace(box, 0.0, 0.0, "", STILL) for box in boxes)

    def _capture(self, frame: Frame, judged: list[tuple[TrackedDetection, Judgement]]) -> list[Capture]:
        """Make the captures of the faces in a frame, by the policy; `judged` is completed by what landmarks say."""
        captures: list[Capture] = []
        due = self._policy != "interval" or frame.seconds >= self._next_capture_at
        for index, (face, judgement) in enumerate(judged):
            if judgement.rejected == SMALL:
                self.counters.rejected[SMALL] += 1
                continue
            visit = self._visits.setdefault(face.track.id, VisitState(face.track, keep_poor=self._keep_poor))
            if self._policy == "best":
                judged[index] = face, self._improve(visit, frame, face, judgement)
                kind = visit.next_shot(frame.seconds) if visit.is_face else None
                captures += self._keep(visit, kind, frame.seconds) if kind else []
            elif due and face.detection.score >= self._tracker.activation_threshold:
                visit.is_face = True
                visit.candidate = self._crop(frame, face, judgement)
                captures += self._keep(visit, ShotKind.MORE if visit.kept else ShotKind.FIRST, frame.seconds)
        if captures:
            self._next_capture_at = frame.seconds + self._interval
        return captures

    def _improve(self, visit: VisitState, frame: Frame, face: TrackedDetection, judgement: Judgement) -> Judgement:
        """Make a shot the visit's candidate if it is the best; only one that may be so is looked at with landmarks."""
        visit.is_face = visit.is_face or is_face(None, face.track)
        visit.moments.add(judgement.quality)
        if visit.improves(visit.moments.possible_merit(judgement.quality), self._judge.poor_reason(judgement.quality)):
            if not visit.try_look(frame.seconds):
                return judgement
            judgement = self._judge.look_closer(frame.image, face.detection, judgement)
            visit.is_face = visit.is_face or is_face(judgement.landmarks, face.track)
            if self._improves(visit, judgement):
                judgement = self._judge.look_at_eyes(frame.image, face.detection, judgement, visit.moments.open_eyes)
            visit.moments.add_look(judgement.quality)
            self._compare_eyes(visit)
            if self._improves(visit, judgement):
                visit.candidate = self._crop(frame, face, judgement)
        if judgement.rejected:
            self.counters.rejected[judgement.rejected] += 1
        return judgement

    def _improves(self, visit: VisitState, judgement: Judgement) -> bool:
        quality = judgement.quality
        return visit.improves(visit.moments.merit(quality), self._judge.poor_reason(quality))

    def _compare_eyes(self, visit: VisitState) -> None:
        """Judge the candidate by what is known of this face's eyes by now: it may turn out to have them shut."""
        candidate = visit.candidate
        if candidate and candidate.judged:
            quality = candidate.judged.with_eyes(candidate.judged.eye_opening, visit.moments.open_eyes)
            visit.candidate = candidate.rejudged(quality, self._judge.poor_reason(quality))

    def _crop(self, frame: Frame, face: TrackedDetection, judgement: Judgement) -> ShotCandidate:
        quality = judgement.quality
        shot = self._encoder.crop(frame, face.detection, quality.score, face.track.id, quality.tilt)
        return shot.rejudged(quality, self._judge.poor_reason(quality) if self._policy == "best" else None)

    def _end_visits(self, ended: list[Track], now: float) -> tuple[list[Capture], list[VisitState]]:
        captures: list[Capture] = []
        visits: list[VisitState] = []
        for track in ended:
            if self._still:
                self._still.forget(track.id)
            visit = self._visits.pop(track.id, None)
            if visit is None or not track.confirmed:
                continue
            if not visit.is_face:
                self.counters.rejected[NO_FACE] += 1
                continue
            kind = visit.last_shot() if self._policy == "best" else None
            captures += self._keep(visit, kind, now) if kind else []
            visits.append(visit)
            self.counters.visits += 1
        return captures, visits

    def _keep(self, visit: VisitState, kind: ShotKind, now: float) -> list[Capture]:
        """Make a capture of a visit's candidate, unless there are too many or it is too large."""
        if visit.candidate is None:
            return []
        if not self._limiter.try_acquire(visit.track.last_seen):
            self.counters.rejected[TOO_MANY] += 1
            return []
        capture = self._encoder.encode(visit.candidate, kind)
        visit.record_shot(capture.id, now)
        if len(capture.image) <= self._max_image_bytes:
            self.counters.captured += 1
            self.counters.last_captured_at = capture.metadata.captured_at
            return [capture]
        self.counters.refused += 1
        visit.refuse({capture.id})
        log.error(
            "A capture of %d bytes is too large for the brokers (%d): "
            "set CAPTURE=face or IMAGE_FORMAT=jpeg, or raise MAX_IMAGE_MB at both ends",
            len(capture.image),
            self._max_image_bytes,
        )
        return []


def _with_appearance(frame: Frame, detection: Detection) -> Detection:
    return replace(detection, appearance=appearance_of(frame.image, detection.box))


def _detected_face(face: TrackedDetection, judgement: Judgement) -> DetectedFace:
    score = round(judgement.quality.score, 3)
    return DetectedFace(face.detection.box, face.detection.score, score, face.track.id, judgement.rejected)
