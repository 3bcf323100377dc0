"""Which moment of a visit is its best: sharp and looking here, compared with the other moments of the same visit.

A look aside and a hand before the mouth are compared likewise: people differ in both.

Sharpness differs more between frames than pose does, so that an absolute blend of both chooses sharp, turned shots:
with ranks both are near the top.
"""

import math
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

from camera.pipeline.face.mouth import Mouth, likeness, usual
from camera.pipeline.face.quality import Quality

SHARP_WEIGHT = 1.4
FREE_DEGREES = 4.0
USUAL_OPENING = 0.26  # of narrow eyes (measured); what is usual in a visit is known only after some moments
ASIDE, FAR_ASIDE = 0.04, 0.1  # off the usual gaze, in widths of an eye
USUAL_GAZES = 3  # looks straight ahead that are taken for granted
LIKE, UNLIKE = 0.7, 0.4  # of an open mouth and of a hand to the usual mouth (measured)
MIN_MOUTHS, MAX_MOUTHS, MOUTHS_RENEWED = 5, 60, 5
MOST_ASIDE, MOST_COVERED = 0.4, 0.25  # not less: what is usual in a visit may be what is wrong
MAX_REMEMBERED = 600  # a minute at the default rate; of more, every other one is forgotten


@dataclass(slots=True)
class VisitMoments:
    """What the frames of one visit were like so far."""

    _sharpness: list[float] = field(default_factory=list)  # sorted
    _facing: list[float] = field(default_factory=list)  # sorted; of those that were looked at with landmarks
    _openings: list[float] = field(default_factory=list)  # sorted; of their eyes
    _gazes: list[float] = field(default_factory=lambda: [0.0] * USUAL_GAZES)  # sorted
    _mouths: list[Mouth] = field(default_factory=list)
    _mouth: Mouth | None = None  # the usual one
    _mouths_seen: int = 0
    _mouth_every: int = 1  # so many are remembered evenly over the visit

    def add(self, quality: Quality) -> None:
        """Remember a frame."""
        _remember(self._sharpness, quality.sharpness)
        if quality.mouth is not None:
            self._add_mouth(quality.mouth)

    def add_look(self, quality: Quality) -> None:
        """Remember where a face looks and, if that was asked, how open its eyes are."""
        _remember(self._facing, _facing(quality))
        if quality.eye_opening:
            _remember(self._openings, quality.eye_opening)
        if quality.gaze is not None:
            _remember(self._gazes, quality.gaze)

    def _add_mouth(self, mouth: Mouth) -> None:
        self._mouths_seen += 1
        if self._mouths_seen % self._mouth_every:
            return
        self._mouths.append(mouth)
        if len(self._mouths) > MAX_MOUTHS:
            del self._mouths[::2]
            self._mouth_every *= 2
        if len(self._mouths) >= MIN_MOUTHS and len(self._mouths) % MOUTHS_RENEWED == 0:
            self._mouth = usual(self._mouths)

    @property
    def open_eyes(self) -> float:
        """How wide open this face's eyes are, usually."""
        return max(USUAL_OPENING, self._openings[len(self._openings) * 3 // 4]) if self._openings else USUAL_OPENING

    def merit(self, quality: Quality) -> float:
        """How a moment compares with the others of this visit, 0 to 1."""
        facing = _rank(self._facing, _facing(quality))
        return self.possible_merit(quality) * facing * quality.eyes * self._ahead(quality)

    def possible_merit(self, quality: Quality) -> float:
        """What it may be, before it is known where the face looks."""
        sharp = math.pow(_rank(self._sharpness, quality.sharpness), SHARP_WEIGHT)
        return sharp * _rest(quality) * self._uncovered(quality)

    def _ahead(self, quality: Quality) -> float:
        """1 for eyes that look where they usually do, less for a look aside."""
        if quality.gaze is None:
            return 1.0
        off = abs(quality.gaze - self._gazes[len(self._gazes) // 2])
        return _between(MOST_ASIDE, (FAR_ASIDE - off) / (FAR_ASIDE - ASIDE))

    def _uncovered(self, quality: Quality) -> float:
        """1 for a mouth as it usually is, less for a hand before it."""
        if quality.mouth is None or self._mouth is None:
            return 1.0
        return _between(MOST_COVERED, (likeness(quality.mouth, self._mouth) - UNLIKE) / (LIKE - UNLIKE))


def _rest(quality: Quality) -> float:
    return quality.completeness * quality.exposure * math.sqrt(quality.size)


def _between(least: float, value: float) -> float:
    return min(1.0, max(least, value))


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
