"""Watching: from frames to captures and visits."""

import logging
from collections import Counter
from dataclasses import dataclass, field

from camera.config.polygons import parse_polygons
from camera.config.settings import Settings
from camera.pipeline.detector import Detection, FaceDetector
from camera.pipeline.encoder import CaptureEncoder, ShotCandidate
from camera.pipeline.motion import MotionDetector
from camera.pipeline.quality import Quality, assess
from camera.pipeline.tracker import Track, TrackedDetection, Tracker
from camera.pipeline.visit_policy import GOOD_QUALITY, VisitState
from camera.sources.frame import Frame
from camera.sources.privacy_mask import PrivacyMask
from common.contract.capture import MAX_IMAGE_BYTES, Box, Capture, Visit
from common.rate_limit import TokenBucket

log = logging.getLogger(__name__)

# While somebody is there, and in between near them alone: who joins has a first shot within a second.
EVERYWHERE_SECONDS = 0.25
CALM_RATE = 5.0  # frames a second: while nothing moves every second one is enough, if these are left
KEEPING = 0.1  # a face keeps its track alive at a score this much lower than a new one takes


@dataclass(slots=True)
class AnalysisCounters:
    """What the analyzer saw since it started."""

    looked_at: int = 0  # frames that came here
    still: int = 0  # of these, those in which nothing moved, so that no face was looked for
    near: int = 0  # of these, those in which faces were looked for only near those that were there
    faces: int = 0
    visits: int = 0
    captured: int = 0
    refused: int = 0  # too large, or no room in the spool
    rejected: Counter[str] = field(default_factory=Counter)  # faces that were not good enough, by reason


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A face in the frame that was looked at last, for the live page."""

    box: Box
    score: float
    quality: float
    track: str
    rejected: str | None  # why no shot of it would be kept


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """What a frame gave."""

    captures: tuple[Capture, ...] = ()
    visits: tuple[Visit, ...] = ()  # that are over
    faces: tuple[DetectedFace, ...] = ()


class FrameAnalyzer:
    """Looks at frames, one after the other, and captures the faces in them. For one thread."""

    def __init__(self, settings: Settings) -> None:
        """Load the detector."""
        self.counts = AnalysisCounters()
        self._camera, self._policy = settings.camera_name, settings.capture_policy
        self._masks = PrivacyMask(parse_polygons(settings.masks))
        self._motion = MotionDetector() if settings.motion == "on" else None
        self._detector = FaceDetector(settings.min_face_px, max(0.1, settings.min_score - KEEPING))
        self._tracker = Tracker(settings.min_score)
        self._encoder = CaptureEncoder(
            camera=settings.camera_name,
            whole_frame=settings.capture == "frame",
            margin=settings.capture_margin,
            image_format=settings.image_format,
        )
        self._bucket = TokenBucket(settings.captures_per_minute)
        self._interval = settings.capture_interval_seconds
        self._due = float("-inf")
        self._stays: dict[str, VisitState] = {}
        self._everywhere_at = float("-inf")
        self._rate, self._calm = settings.detections_per_second, False

    @property
    def rate(self) -> float:
        """How many frames a second are worth a look now."""
        return min(self._rate, max(CALM_RATE, self._rate / 2)) if self._calm else self._rate

    @property
    def busy(self) -> bool:
        """Whether a visit is under way."""
        return self._tracker.busy

    def look(self, frame: Frame) -> AnalysisResult:
        """The captures of this frame and the visits that it ended; masks black out parts of the frame itself."""
        self._masks.apply(frame.image)
        self.counts.looked_at += 1
        self._calm = not self._wants_look(frame)
        if self._calm:
            self.counts.still += 1
            return AnalysisResult()
        detections = self._detector.detect(frame.image, self._near(frame.seconds))
        height, width = frame.image.shape[:2]
        sightings, ended = self._tracker.update(detections, frame.seconds, frame.captured_at, (width, height))
        self.counts.faces += len(sightings)
        judged = [(sighting, assess(frame.image, sighting.detection)) for sighting in sightings]
        captures, visits = self._close(ended, frame.seconds)
        captures += self._choose(frame, judged)
        return AnalysisResult(tuple(captures), tuple(visits), tuple(self._face(*pair) for pair in judged))

    def end(self) -> AnalysisResult:
        """Close the visits that are not over: no frame follows."""
        captures, visits = self._close(self._tracker.end(), float("inf"))
        return AnalysisResult(tuple(captures), tuple(visits))

    def _wants_look(self, frame: Frame) -> bool:
        return not self._motion or self._motion.wants_look(frame.image, frame.seconds, busy=self._tracker.busy)

    def _near(self, seconds: float) -> list[Box]:
        """Where to look for faces: near those that are there; everywhere (empty) now and then, or if one was missed."""
        faces = self._tracker.expected(seconds) if self._motion else []
        if not faces or seconds - self._everywhere_at >= EVERYWHERE_SECONDS:
            self._everywhere_at = seconds
            return []
        self.counts.near += 1
        return faces

    def _choose(self, frame: Frame, judged: list[tuple[TrackedDetection, Quality]]) -> list[Capture]:
        """The captures of the faces in a frame, by the policy."""
        if self._policy == "interval" and frame.seconds < self._due:
            return []
        captures: list[Capture] = []
        for sighting, quality in judged:
            stay = self._stays.setdefault(sighting.track.id, VisitState(sighting.track))
            if self._policy == "best":
                captures += self._improve(stay, frame, sighting.detection, quality)
            elif sighting.detection.score >= self._tracker.activation_threshold:
                stay.candidate = self._cut(frame, sighting.detection, quality, sighting.track)
                captures += self._keep(stay, "first" if not stay.kept else "more", frame.seconds)
        if captures:
            self._due = frame.seconds + self._interval
        return captures

    def _improve(self, stay: VisitState, frame: Frame, detection: Detection, quality: Quality) -> list[Capture]:
        if quality.value < GOOD_QUALITY:
            self.counts.rejected[quality.weakness] += 1
        if stay.improves(quality.value):
            stay.candidate = self._cut(frame, detection, quality, stay.track)
        kind = stay.due(frame.seconds)
        return self._keep(stay, kind, frame.seconds) if kind else []

    def _cut(self, frame: Frame, detection: Detection, quality: Quality, track: Track) -> ShotCandidate:
        return self._encoder.cut(frame, detection, quality.value, track.id)

    def _close(self, ended: list[Track], seconds: float) -> tuple[list[Capture], list[Visit]]:
        captures: list[Capture] = []
        visits = []
        for track in ended:
            stay = self._stays.pop(track.id, None)
            if stay is None or not track.confirmed:
                continue
            kind = stay.due_at_end() if self._policy == "best" else ""
            captures += self._keep(stay, kind, seconds) if kind else []
            ids = tuple(capture_id for capture_id, _ in stay.kept)
            visits.append(Visit(track.id, self._camera, track.began_at, track.seen_at, ids, stay.best_id))
            self.counts.visits += 1
            seconds_there = (track.seen_at - track.began_at).total_seconds()
            log.info("Visit %s at %s ended after %.1f s: %d captures", track.id, self._camera, seconds_there, len(ids))
        return captures, visits

    def _keep(self, stay: VisitState, kind: str, seconds: float) -> list[Capture]:
        """Make a capture of a visit's candidate, unless there are too many or it is too large."""
        if stay.candidate is None:
            return []
        if not self._bucket.try_acquire(stay.track.last_seen):
            self.counts.rejected["too many"] += 1
            return []
        capture = self._encoder.encode(stay.candidate, kind)
        stay.keep(capture.id, seconds)
        return [capture] if self._fits(capture) else []

    def _face(self, sighting: TrackedDetection, quality: Quality) -> DetectedFace:
        poor = quality.weakness if quality.value < GOOD_QUALITY else None
        return DetectedFace(
            sighting.detection.box, sighting.detection.score, round(quality.value, 3), sighting.track.id, poor
        )

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
