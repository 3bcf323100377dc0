"""Which moment of a visit is its best: sharp and looking here, compared with the other moments of the same visit.

Sharpness differs more between frames than pose does, so that an absolute blend of both chooses sharp, turned shots:
with ranks both are near the top.
"""

import math
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

from camera.pipeline.face.quality import Quality

SHARP_WEIGHT = 1.4
FREE_DEGREES = 4.0
USUAL_OPENING = 0.26  # of narrow eyes (measured); what is usual in a visit is known only after some moments
MAX_REMEMBERED = 600  # a minute at the default rate; of more, every other one is forgotten


@dataclass(slots=True)
class VisitMoments:
    """What the frames of one visit were like so far."""

    _sharpness: list[float] = field(default_factory=list)  # sorted
    _facing: list[float] = field(default_factory=list)  # sorted; of those that were looked at with landmarks
    _openings: list[float] = field(default_factory=list)  # sorted; of their eyes

    def add(self, quality: Quality) -> None:
        """Remember a frame."""
        _remember(self._sharpness, quality.sharpness)

    def add_look(self, quality: Quality) -> None:
        """Remember where a face looks and, if that was asked, how open its eyes are."""
        _remember(self._facing, _facing(quality))
        if quality.eye_opening:
            _remember(self._openings, quality.eye_opening)

    @property
    def open_eyes(self) -> float:
        """How wide open this face's eyes are, usually."""
        return max(USUAL_OPENING, self._openings[len(self._openings) * 3 // 4]) if self._openings else USUAL_OPENING

    def merit(self, quality: Quality) -> float:
        """How a moment compares with the others of this visit, 0 to 1."""
        return self.possible_merit(quality) * _rank(self._facing, _facing(quality)) * quality.eyes

    def possible_merit(self, quality: Quality) -> float:
        """What it may be, before it is known where the face looks."""
        return math.pow(_rank(self._sharpness, quality.sharpness), SHARP_WEIGHT) * _rest(quality)


def _rest(quality: Quality) -> float:
    return quality.completeness * quality.exposure * math.sqrt(quality.size)


def _facing(quality: Quality) -> float:
    """Greater for who looks here; nobody sees a few degrees."""
    return -max(FREE_DEGREES, quality.turn)


def _remember(values: list[float], value: float) -> None:
    insort(values, value)
    if len(values) > MAX_REMEMBERED:
        del values[::2]


def _rank(values: list[float], value: float) -> float:
    """The share of values below this one, equal ones counted half."""
    return (bisect_left(values, value) + bisect_right(values, value)) / (2 * len(values)) if values else 1.0
