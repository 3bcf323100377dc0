"""Analysis: from frames to captures and visits."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from camera.config.polygons import Polygon
from camera.config.settings import Settings
from camera.pipeline.counters import AnalysisCounters
from camera.pipeline.face.judge import FaceJudge, Judgement
from camera.pipeline.face.still import STILL_SECONDS, SUSPECT_SECONDS, StillFaces
from camera.pipeline.face.thresholds import STILL
from camera.pipeline.motion import MotionDetector
from camera.pipeline.tracking.appearance import appearance_of
from camera.pipeline.tracking.detector import Detection, FaceDetector
from camera.pipeline.tracking.track import Track, TrackedDetection
from camera.pipeline.tracking.tracker import Tracker
from camera.pipeline.visits.policy import VisitState
from camera.pipeline.visits.recorder import VisitRecorder
from camera.sources.frame import Frame
from camera.sources.privacy_mask import PrivacyMask, all_polygons
from common.contract.capture import Box, Capture

log = logging.getLogger(__name__)

# While somebody is there, only regions are searched in between. Who joins moves: all is searched again so soon, so that
# there is a first shot within a second; or after the longer time, if the newcomer moved before somebody's body.
FULL_SEARCH_SECONDS, MAX_FULL_SEARCH_SECONDS = 0.25, 1.0
IDLE_RATE, IDLE_SHARE = 4.0, 0.4  # while nothing moves this share of the frames is enough, if so many a second are left
# The best of every other frame is as good (measured), once everybody has been there for a while and has a good shot.
SETTLED_RATE, SETTLED_SHARE = 5.0, 0.5
KEEP_ALIVE_MARGIN = 0.1  # a face keeps its track alive at a score this much lower than a new one needs
MIN_DETECTION_SCORE = 0.1


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
        self._mask = PrivacyMask(all_polygons(settings))
        self._motion = MotionDetector() if settings.motion == "on" else None
        min_score = max(MIN_DETECTION_SCORE, settings.min_score - KEEP_ALIVE_MARGIN)
        self._detector = FaceDetector(settings.min_face_px, min_score)
        self._tracker = Tracker(settings.min_score)
        self._judge = FaceJudge(settings)
        self._still = StillFaces() if settings.capture_policy == "best" else None
        self._visits = VisitRecorder(settings, self._judge, self.counters)
        self._full_search_at = float("-inf")
        self._rate = settings.detections_per_second

    @property
    def rate(self) -> float:
        """How many frames a second are worth processing now."""
        if self.is_still and not self.has_active_tracks:
            least, share = IDLE_RATE, IDLE_SHARE
        elif self._is_settled:
            least, share = SETTLED_RATE, SETTLED_SHARE
        else:
            return self._rate
        return min(self._rate, max(least, self._rate * share))

    @property
    def _is_settled(self) -> bool:
        """Whether all who are there stay, and each has a good shot."""
        may_settle = self._still is not None and self._motion is not None  # CAPTURE_POLICY=best and MOTION=on
        return may_settle and self._tracker.is_settled and self._visits.all_have_good_shots

    @property
    def is_still(self) -> bool:
        """Whether nothing moved in the last frame; unknown without motion detection."""
        return self._motion is not None and self._motion.is_still

    @property
    def has_active_tracks(self) -> bool:
        """Whether a visit is under way."""
        return self._tracker.has_active_tracks

    def process(self, frame: Frame) -> AnalysisResult:
        """Return the captures of this frame and the visits that it ended; masks black out parts of the frame itself."""
        self._mask.apply(frame.image)
        self.counters.frames_processed += 1
        if not self._update_motion(frame):
            self.counters.no_motion += 1
            return AnalysisResult(faces=self._still_faces(frame.seconds))
        detections = self._detector.detect(frame.image, self._next_search_boxes(frame))
        if self._still:
            detections = self._still.take_out(frame.image, detections, frame.seconds)
        if self._tracker.may_confuse(detections):
            detections = [_with_appearance(frame, detection) for detection in detections]
        height, width = frame.image.shape[:2]
        tracked, ended = self._tracker.update(detections, frame.seconds, frame.captured_at, (width, height))
        self.counters.faces += len(tracked)
        judged = [(face, self._judge.assess(frame.image, face.detection)) for face in tracked]
        captures, visits = self._end_visits(ended, frame.seconds)
        captures += self._visits.capture(frame, judged)
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
        self._visits.refuse(capture_ids)

    def _update_motion(self, frame: Frame) -> bool:
        """Learn from a frame; return whether it is worth a search."""
        if self._motion is None:
            return True
        return self._motion.update(frame.image, frame.seconds, has_active_tracks=self.has_active_tracks)

    def _next_search_boxes(self, frame: Frame) -> list[Box]:
        """Choose where to search for faces: near those that are there, but everywhere (empty) now and then."""
        boxes = self._tracker.expected_boxes(frame.seconds) if self._motion else []
        if not boxes or self._may_have_joined(boxes, frame):
            self._full_search_at = frame.seconds
            return []
        self.counters.region_only += 1
        return boxes

    def _may_have_joined(self, boxes: list[Box], frame: Frame) -> bool:
        """Whether there may be somebody besides the people whose faces these are."""
        since = frame.seconds - self._full_search_at
        if since < FULL_SEARCH_SECONDS or self._motion is None:
            return False
        height, width = frame.image.shape[:2]
        return self._motion.moves_apart(boxes, (width, height)) or since >= MAX_FULL_SEARCH_SECONDS

    def _end_still(self, frame: Frame, tracked: list[TrackedDetection]) -> tuple[list[Capture], list[VisitState]]:
        """End the visits of faces that do not move at all: pictures of people, and ignored from now on."""
        if self._still is None:
            return [], []
        ended: list[Track] = []
        for face in tracked:
            visit = self._visits.visit_of(face.track)
            seconds = self._still.watch(frame.image, face.track.id, face.detection.box, frame.seconds)
            if visit:
                visit.is_still = seconds >= SUSPECT_SECONDS
            if seconds >= STILL_SECONDS:
                self._still.register(face.track.id, frame.seconds)
                self._tracker.end(face.track)
                self.counters.rejected[STILL] += 1
                ended.append(face.track)
        return self._end_visits(ended, frame.seconds)

    def _still_faces(self, now: float) -> tuple[DetectedFace, ...]:
        boxes = self._still.boxes(now) if self._still else []
        return tuple(DetectedFace(box, 0.0, 0.0, "", STILL) for box in boxes)

    def _end_visits(self, ended: list[Track], now: float) -> tuple[list[Capture], list[VisitState]]:
        if self._still:
            for track in ended:
                self._still.forget(track.id)
        return self._visits.end(ended, now)


def _with_appearance(frame: Frame, detection: Detection) -> Detection:
    return replace(detection, appearance=appearance_of(frame.image, detection.box))


def _detected_face(face: TrackedDetection, judgement: Judgement) -> DetectedFace:
    score = round(judgement.quality.score, 3)
    return DetectedFace(face.detection.box, face.detection.score, score, face.track.id, judgement.rejected)
