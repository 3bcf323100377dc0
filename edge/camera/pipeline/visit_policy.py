"""Which shots of a visit are kept: a first good one at once, a better one, the best one at the end.

To wait for the end would be late, and to keep every frame would flood the bucket.
"""

from dataclasses import dataclass, field

from camera.pipeline.encoder import ShotCandidate
from camera.pipeline.tracker import Track

GOOD_QUALITY = 0.5
FIRST_SECONDS = 0.6  # the best of these is the first shot, if it is good
LONGEST_WAIT_SECONDS = 2.0  # then it need not be good
CLEARLY_BETTER, BETTER_AT_THE_END = 1.25, 1.005  # times the best quality that was kept
BETTER_SECONDS = 1.5  # at least this long after the last shot
MOST_SHOTS = 3  # of a visit; the third is held back for its end
STAY_SECONDS = 60.0  # one more for somebody who stays
WORST_QUALITY = 0.08  # below this nobody would recognise a face

FIRST, BETTER, STAY, LAST = "first", "better", "stay", "last"


@dataclass(slots=True)
class VisitState:
    """One visit and what was kept of it. Times in seconds of the source."""

    track: Track
    candidate: ShotCandidate | None = None  # the best since the last one that was kept
    kept: list[tuple[str, float]] = field(default_factory=list)  # id and quality
    kept_at: float = float("-inf")

    @property
    def best(self) -> float:
        """The best quality that was kept."""
        return max((quality for _, quality in self.kept), default=0.0)

    @property
    def best_id(self) -> str:
        """Its id; empty without any."""
        return max(self.kept, key=lambda kept: kept[1], default=("", 0.0))[0]

    def improves(self, quality: float) -> bool:
        """Whether a shot of this quality is the best since the last one that was kept."""
        return self.candidate is None or quality > self.candidate.quality

    def due(self, seconds: float) -> str:
        """Which kind of shot the candidate should be kept as now; empty for none."""
        candidate = self.candidate
        if candidate is None or not self.track.confirmed:
            return ""
        if not self.kept:
            waited = seconds - self.track.first_seen
            patience = FIRST_SECONDS if candidate.quality >= GOOD_QUALITY else LONGEST_WAIT_SECONDS
            return FIRST if waited >= patience and candidate.quality >= WORST_QUALITY else ""
        since = seconds - self.kept_at
        if since >= STAY_SECONDS:
            return STAY
        clearly = candidate.quality >= self.best * CLEARLY_BETTER
        return BETTER if clearly and since >= BETTER_SECONDS and len(self.kept) < MOST_SHOTS - 1 else ""

    def due_at_end(self) -> str:
        """The same, when the visit is over."""
        candidate = self.candidate
        if candidate is None or not self.track.confirmed or candidate.quality < WORST_QUALITY:
            return ""
        better = candidate.quality >= self.best * BETTER_AT_THE_END
        return LAST if better or not self.kept else ""

    def keep(self, capture_id: str, seconds: float) -> None:
        """The candidate was kept; look for a better one."""
        if self.candidate is not None:
            self.kept.append((capture_id, self.candidate.quality))
        self.candidate, self.kept_at = None, seconds
