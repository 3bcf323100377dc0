"""What the analysis of frames counts."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from camera.pipeline.face.thresholds import NO_FACE, POOR_REASONS, SMALL, STILL

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
