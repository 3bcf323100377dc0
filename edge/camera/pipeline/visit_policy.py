"""Which shots of a visit are kept: a first good one at once, a better one, the best one at the end.

Waiting for the end would be late, and keeping every frame would flood the bucket.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from camera.pipeline.encoder import ShotCandidate
from camera.pipeline.tracker import Track
from common.contract.capture import Visit

GOOD_QUALITY = 0.5
FIRST_SECONDS = 0.6  # the best shot of this time is the first one, if it is good
MAX_WAIT_SECONDS = 2.0  # then it need not be good
CLEARLY_BETTER, BETTER_AT_THE_END = 1.25, 1.005  # times the best quality that was kept
BETTER_SECONDS = 1.5  # at least this long after the last shot
MAX_SHOTS = 3  # of a visit; the third is held back for its end
DWELL_SHOT_SECONDS = 60.0  # one more for a visitor who stays
MIN_QUALITY = 0.08  # below this nobody would recognise a face


class ShotKind(StrEnum):
    """Why a shot is kept."""

    FIRST = "first"
    BETTER = "better"
    DWELL = "dwell"  # the visitor stays
    LAST = "last"
    MORE = "more"  # by a policy that does not look for the best shot


@dataclass(frozen=True, slots=True)
class KeptShot:
    """A shot that became a capture."""

    capture_id: str
    quality: float


@dataclass(slots=True)
class VisitState:
    """One visit and the shots of it that were kept. Times are seconds of the source."""

    track: Track
    candidate: ShotCandidate | None = None  # the best since the last shot that was kept
    kept: list[KeptShot] = field(default_factory=list)
    kept_at: float = float("-inf")
    refused: set[str] = field(default_factory=set)  # ids of captures that will never be sent

    @property
    def best_quality(self) -> float:
        """The best quality that was kept."""
        return max((shot.quality for shot in self.kept), default=0.0)

    def improves(self, quality: float) -> bool:
        """Whether a shot of this quality is the best since the last one that was kept."""
        return self.candidate is None or quality > self.candidate.quality

    def next_shot(self, now: float) -> ShotKind | None:
        """Which kind of shot the candidate should be kept as now, if any."""
        candidate = self.candidate
        if candidate is None or not self.track.confirmed:
            return None
        if not self.kept:
            waited = now - self.track.first_seen
            wait_seconds = FIRST_SECONDS if candidate.quality >= GOOD_QUALITY else MAX_WAIT_SECONDS
            return ShotKind.FIRST if waited >= wait_seconds and candidate.quality >= MIN_QUALITY else None
        since = now - self.kept_at
        if since >= DWELL_SHOT_SECONDS:
            return ShotKind.DWELL
        clearly_better = candidate.quality >= self.best_quality * CLEARLY_BETTER
        may_improve = since >= BETTER_SECONDS and len(self.kept) < MAX_SHOTS - 1
        return ShotKind.BETTER if clearly_better and may_improve else None

    def last_shot(self) -> ShotKind | None:
        """Which kind of shot the candidate should be kept as when the visit is over, if any."""
        candidate = self.candidate
        if candidate is None or not self.track.confirmed or candidate.quality < MIN_QUALITY:
            return None
        better = candidate.quality >= self.best_quality * BETTER_AT_THE_END
        return ShotKind.LAST if better or not self.kept else None

    def record_shot(self, capture_id: str, now: float) -> None:
        """Note that the candidate became a capture; from now on a better one is wanted."""
        if self.candidate is not None:
            self.kept.append(KeptShot(capture_id, self.candidate.quality))
        self.candidate, self.kept_at = None, now

    def refuse(self, capture_ids: Collection[str]) -> None:
        """Note that these captures will never be sent: their shots set the pace of the visit, but are not listed."""
        self.refused |= {shot.capture_id for shot in self.kept}.intersection(capture_ids)

    def summary(self, camera: str) -> Visit:
        """Say what the visit was, and which of its captures were sent."""
        sent = [shot for shot in self.kept if shot.capture_id not in self.refused]
        best = max(sent, key=lambda shot: shot.quality, default=KeptShot("", 0.0))
        ids = tuple(shot.capture_id for shot in sent)
        return Visit(self.track.id, camera, self.track.began_at, self.track.seen_at, ids, best.capture_id)
