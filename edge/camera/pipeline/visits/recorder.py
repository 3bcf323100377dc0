"""The visits under way, and the captures made of them."""

import logging
from collections.abc import Collection

from camera.config.settings import Settings
from camera.pipeline.counters import TOO_MANY, AnalysisCounters
from camera.pipeline.face.judge import FaceJudge, Judgement, is_face
from camera.pipeline.face.thresholds import NO_FACE, SMALL
from camera.pipeline.tracking.track import Track, TrackedDetection
from camera.pipeline.visits.encoder import CaptureEncoder, ShotCandidate
from camera.pipeline.visits.policy import VisitState
from camera.sources.frame import Frame
from common.contract.capture import Capture, ShotKind, max_image_bytes
from common.rate_limit import TokenBucket

log = logging.getLogger(__name__)


class VisitRecorder:
    """Chooses the shots of each visit and encodes them."""

    def __init__(self, settings: Settings, judge: FaceJudge, counters: AnalysisCounters) -> None:
        """`counters` count captures, visits, and why there was none."""
        self._judge, self._counters = judge, counters
        self._policy = settings.capture_policy
        self._keep_poor = settings.poor_captures == "on"
        self._encoder = CaptureEncoder(
            camera=settings.camera_name,
            whole_frame=settings.capture == "frame",
            margin=settings.capture_margin,
            image_format=settings.image_format,
            brighten=settings.brighten == "on",
            timezone=settings.timezone,
        )
        self._min_score = settings.min_score
        self._limiter = TokenBucket(settings.captures_per_minute)
        self._max_image_bytes = max_image_bytes(settings.max_image_mb)
        self._interval = settings.capture_interval_seconds
        self._next_capture_at = float("-inf")
        self._visits: dict[str, VisitState] = {}  # by track

    def visit_of(self, track: Track) -> VisitState | None:
        """The visit that a track belongs to, once it has a face that is large enough."""
        return self._visits.get(track.id)

    @property
    def all_have_good_shots(self) -> bool:
        """Whether a good shot of each visit under way was kept."""
        return all(visit.best_quality for visit in self._visits.values())

    def refuse(self, capture_ids: Collection[str]) -> None:
        """Leave captures that could not be spooled out of the visits under way."""
        self._counters.refused += len(capture_ids)
        for visit in self._visits.values():
            visit.refuse(capture_ids)

    def capture(self, frame: Frame, judged: list[tuple[TrackedDetection, Judgement]]) -> list[Capture]:
        """Make the captures of the faces in a frame, by the policy; `judged` is completed by what landmarks say."""
        captures: list[Capture] = []
        due = self._policy != "interval" or frame.seconds >= self._next_capture_at
        for index, (face, judgement) in enumerate(judged):
            if judgement.rejected == SMALL:
                self._counters.rejected[SMALL] += 1
                continue
            visit = self._visits.setdefault(face.track.id, VisitState(face.track, keep_poor=self._keep_poor))
            if self._policy == "best":
                judged[index] = face, self._improve(visit, frame, face, judgement)
                kind = visit.next_shot(frame.seconds) if visit.is_face else None
                captures += self._keep(visit, kind, frame.seconds) if kind else []
            elif due and face.detection.score >= self._min_score:
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
            self._counters.rejected[judgement.rejected] += 1
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

    def end(self, ended: list[Track], now: float) -> tuple[list[Capture], list[VisitState]]:
        """End the visits of these tracks; return their last captures, and those that were visits of faces."""
        captures: list[Capture] = []
        visits: list[VisitState] = []
        for track in ended:
            visit = self._visits.pop(track.id, None)
            if visit is None or not track.confirmed:
                continue
            if not visit.is_face:
                self._counters.rejected[NO_FACE] += 1
                continue
            kind = visit.last_shot() if self._policy == "best" else None
            captures += self._keep(visit, kind, now) if kind else []
            visits.append(visit)
            self._counters.visits += 1
        return captures, visits

    def _keep(self, visit: VisitState, kind: ShotKind, now: float) -> list[Capture]:
        """Make a capture of a visit's candidate, unless there are too many or it is too large."""
        if visit.candidate is None:
            return []
        if not self._limiter.try_acquire(visit.track.last_seen):
            self._counters.rejected[TOO_MANY] += 1
            return []
        capture = self._encoder.encode(visit.candidate, kind)
        visit.record_shot(capture.id, now)
        if len(capture.image) <= self._max_image_bytes:
            self._counters.captured += 1
            self._counters.last_captured_at = capture.metadata.captured_at
            return [capture]
        self._counters.refused += 1
        visit.refuse({capture.id})
        log.error(
            "A capture of %d bytes is too large for the brokers (%d): "
            "set CAPTURE=face or IMAGE_FORMAT=jpeg, or raise MAX_IMAGE_MB at both ends",
            len(capture.image),
            self._max_image_bytes,
        )
        return []
