"""Judges faces: cheaply in every frame, and with landmarks where a shot may be the best of its visit."""

from dataclasses import dataclass, replace

from camera.config.settings import Settings
from camera.pipeline.face.eyes import EyeReader
from camera.pipeline.face.landmarks import FaceLandmarker, FaceLandmarks
from camera.pipeline.face.quality import GOOD_QUALITY, Quality, assess
from camera.pipeline.face.thresholds import SMALL, QualityThresholds
from camera.pipeline.tracking.detector import Detection
from camera.pipeline.tracking.track import Track
from camera.sources.frame import Image

# What is surely a face: the mesh sees one that looks this way, where the detector sees it,
MIN_PRESENCE, MAX_MISFIT, MAX_SURE_YAW = 0.5, 0.16, 48.0
# or the detector was very sure, several times: somebody in profile, or in the dark.
SURE_SCORE, MIN_SURE_HITS = 0.87, 4
EYES_DEGREES = 25.0  # a face that is turned further does not show how wide its eyes open


@dataclass(frozen=True, slots=True)
class Judgement:
    """One face in one frame."""

    quality: Quality
    rejected: str | None  # why no shot of it would be kept as a good one
    landmarks: FaceLandmarks | None = None


class FaceJudge:
    """Assesses faces by the settings of one camera. One per thread."""

    def __init__(self, settings: Settings) -> None:
        self._min_face_px = settings.min_face_px
        self._thresholds = QualityThresholds.of(settings)
        self._landmarker, self._eyes = FaceLandmarker(), EyeReader()

    def assess(self, image: Image, detection: Detection) -> Judgement:
        """Judge by the detector's box and points alone."""
        return self._judge(assess(image, detection), detection)

    def look_closer(self, image: Image, detection: Detection, judgement: Judgement) -> Judgement:
        """Judge with landmarks."""
        found = self._landmarker.find(image, detection)
        turn, tilt = (found.turn, found.roll) if found.presence >= MIN_PRESENCE else (90.0, 0.0)
        quality = replace(judgement.quality, turn=turn, tilt=tilt)
        return replace(self._judge(quality, detection), landmarks=found)

    def look_at_eyes(self, image: Image, detection: Detection, judgement: Judgement, open_eyes: float) -> Judgement:
        """Judge the eyes, too, where they can be seen; `open_eyes`: how open they usually are in this visit."""
        if judgement.quality.turn > EYES_DEGREES:
            return judgement
        eyes = self._eyes.read(image, detection)
        quality = replace(judgement.quality.with_eyes(eyes.opening, open_eyes), gaze=eyes.gaze)
        return replace(self._judge(quality, detection), landmarks=judgement.landmarks)

    def is_large_enough(self, detection: Detection) -> bool:
        """Whether a face is one that is wanted at all."""
        return detection.box.height >= self._min_face_px

    def poor_reason(self, quality: Quality) -> str | None:
        """Why a shot of this quality is poor; None for a good one."""
        return self._thresholds.poor_reason(quality)

    def _judge(self, quality: Quality, detection: Detection) -> Judgement:
        if not self.is_large_enough(detection):
            return Judgement(quality, SMALL)
        reason = self._thresholds.poor_reason(quality)
        if reason is None and quality.score < GOOD_QUALITY:
            reason = quality.worst_factor
        return Judgement(quality, reason)


def is_face(landmarks: FaceLandmarks | None, track: Track) -> bool:
    """Whether a track is a face beyond doubt."""
    if track.sure_hits >= MIN_SURE_HITS and track.best_score >= SURE_SCORE:
        return True
    return (
        landmarks is not None
        and landmarks.presence >= MIN_PRESENCE
        and landmarks.misfit <= MAX_MISFIT
        and abs(landmarks.yaw) <= MAX_SURE_YAW
    )
