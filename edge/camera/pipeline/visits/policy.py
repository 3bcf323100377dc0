"""Which shots of a visit are kept: a first good one at once, a better one, the best one at the end.

Waiting for the end would be late, and keeping every frame would flood the bucket.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from camera.pipeline.face.moments import VisitMoments
from camera.pipeline.face.quality import GOOD_QUALITY, Quality
from camera.pipeline.tracking.track import Track
from camera.pipeline.visits.encoder import ShotCandidate
from common.contract.capture import ShotKind
from common.contract.visit import MAX_CAPTURES, Visit

FIRST_SECONDS = 0.6  # the best shot of this time is the first one, if it is good and looks here
LOOK_HERE_SECONDS = 1.0  # if it is good but turned, somebody may just be turning in
MAX_WAIT_SECONDS = 2.0  # then it need not be good
FACING = 0.7  # of the pose: looks about here
POOR_SECONDS = 10.0  # a poor shot waits for a good one until the visit's end, but no longer than this
CLEARLY_BETTER, BETTER_AT_THE_END = 1.25, 1.02  # times the best that was kept: its quality, its merit
BETTER_SECONDS = 1.5  # at least this long after the last shot
MAX_SHOTS = 3  # of a visit; the third is held back for its end
DWELL_MINUTES = (1, 5, 15, 60)  # one more at these ages of a visit, then one an hour
MAX_LOOKS, LOOKS_PER_SECOND, YOUNG_SECONDS = 4.0, (4.0, 1.5), 5.0
MIN_QUALITY = 0.08  # below this nobody would recognise a face


@dataclass(frozen=True, slots=True)
class KeptShot:
    """A shot that became a capture."""

    capture_id: str
    quality: float
    poor: bool = False
    judged: Quality | None = None


@dataclass(slots=True)
class VisitState:
    """One visit and the shots of it that were kept. Times are seconds of the source."""

    track: Track
    candidate: ShotCandidate | None = None  # the best since the last shot that was kept
    kept: list[KeptShot] = field(default_factory=list)
    kept_at: float = float("-inf")
    refused: set[str] = field(default_factory=set)  # ids of captures that will never be sent
    keep_poor: bool = True  # one poor shot of a visit that has no good one
    is_face: bool = False  # beyond doubt; without that no shot leaves
    is_still: bool = False  # nothing moved since it began: a picture of a face, perhaps
    moments: VisitMoments = field(default_factory=VisitMoments)
    dwell_shots: int = 0
    unlisted: int = 0  # shots that were kept and sent, and are no longer among `kept`
    looks: float = 4.0  # with landmarks, that are left
    looked_at: float = float("-inf")

    @property
    def best_quality(self) -> float:
        """The best quality that was kept, poor shots apart."""
        return max((shot.quality for shot in self.kept if not shot.poor), default=0.0)

    def improves(self, merit: float, poor: str | None = None) -> bool:
        """Whether a shot is the best since the last one that was kept; any good one beats a poor one."""
        candidate = self.candidate
        return candidate is None or (poor is None, merit) > (candidate.poor is None, self._merit(candidate))

    def try_look(self, now: float) -> bool:
        """Take one of the looks with landmarks, of which a visit has a few a second, more while it is young."""
        per_second = LOOKS_PER_SECOND[now - self.track.first_seen > YOUNG_SECONDS]
        gained = min(MAX_LOOKS, (now - self.looked_at) * per_second)
        self.looks, self.looked_at = min(MAX_LOOKS, self.looks + gained), now
        if self.looks < 1:
            return False
        self.looks -= 1
        return True

    def next_shot(self, now: float) -> ShotKind | None:
        """Which kind of shot the candidate should be kept as now, if any."""
        candidate = self.candidate
        if candidate is None or not self.track.confirmed or (self.is_still and self.kept):
            return None
        age = now - self.track.first_seen
        if candidate.poor:
            return ShotKind.FIRST if age >= POOR_SECONDS and self._needs_poor_shot else None
        if not self.best_quality:
            kind = ShotKind.BETTER if self.kept else ShotKind.FIRST
            return kind if age >= _wait_seconds(candidate) and candidate.quality >= MIN_QUALITY else None
        if age >= _dwell_seconds(self.dwell_shots):
            return ShotKind.DWELL
        clearly_better = candidate.quality >= self.best_quality * CLEARLY_BETTER
        may_improve = now - self.kept_at >= BETTER_SECONDS and len(self.kept) < MAX_SHOTS - 1
        return ShotKind.BETTER if clearly_better and may_improve else None

    def last_shot(self) -> ShotKind | None:
        """Which kind of shot the candidate should be kept as when the visit is over, if any."""
        candidate = self.candidate
        if candidate is None or not self.track.confirmed or (self.is_still and self.kept):
            return None
        if candidate.poor:
            return ShotKind.LAST if self._needs_poor_shot else None
        best = max((self._merit(shot) for shot in self.kept if not shot.poor), default=0.0)
        better = candidate.quality >= MIN_QUALITY and self._merit(candidate) >= best * BETTER_AT_THE_END
        return ShotKind.LAST if better else None

    def _merit(self, shot: "ShotCandidate | KeptShot") -> float:
        """How a shot compares with the visit's other moments, as known now."""
        return self.moments.merit(shot.judged) if shot.judged else shot.quality

    @property
    def _needs_poor_shot(self) -> bool:
        return self.keep_poor and not self.kept

    def record_shot(self, capture_id: str, now: float) -> None:
        """Note that the candidate became a capture; from now on a better one is wanted."""
        if self.candidate is not None:
            self.kept.append(
                KeptShot(capture_id, self.candidate.quality, bool(self.candidate.poor), self.candidate.judged)
            )
        if len(self.kept) > MAX_CAPTURES:
            self._forget_oldest()
        while now - self.track.first_seen >= _dwell_seconds(self.dwell_shots) and now < float("inf"):
            self.dwell_shots += 1
        self.candidate, self.kept_at = None, now

    def _forget_oldest(self) -> None:
        """Make room in a visit that was captured again and again, but keep the best one that was sent."""
        best = self._best()
        refused = (shot for shot in self.kept if shot.capture_id in self.refused)
        oldest = next(refused, None) or next(shot for shot in self.kept if shot is not best)
        self.kept.remove(oldest)
        self.unlisted += oldest.capture_id not in self.refused
        self.refused.discard(oldest.capture_id)

    def _sent(self) -> list[KeptShot]:
        return [shot for shot in self.kept if shot.capture_id not in self.refused]

    def _best(self) -> KeptShot:
        return max(self._sent(), key=lambda shot: (not shot.poor, self._merit(shot)), default=KeptShot("", 0.0))

    def refuse(self, capture_ids: Collection[str]) -> None:
        """Note that these captures will never be sent: their shots set the pace of the visit, but are not listed."""
        self.refused |= {shot.capture_id for shot in self.kept}.intersection(capture_ids)

    def summary(self, camera: str) -> Visit:
        """Say what the visit was, and which of its captures were sent."""
        ids = tuple(shot.capture_id for shot in self._sent())
        track = self.track
        return Visit(track.id, camera, track.began_at, track.seen_at, ids, self._best().capture_id, self.unlisted)


def _wait_seconds(candidate: ShotCandidate) -> float:
    """How old a visit must be for its first shot."""
    if candidate.quality < GOOD_QUALITY:
        return MAX_WAIT_SECONDS
    return FIRST_SECONDS if candidate.facing >= FACING else LOOK_HERE_SECONDS


def _dwell_seconds(shots: int) -> float:
    """At which age of a visit its next dwell shot is due, after so many."""
    last = len(DWELL_MINUTES) - 1
    return 60.0 * (DWELL_MINUTES[shots] if shots <= last else DWELL_MINUTES[last] * (shots - last + 1))
