"""What a camera usually sees: learned within seconds, followed slowly, and how far a frame differs from it."""

from dataclasses import dataclass

import numpy as np

from camera.pipeline.tampering.view import WHITE_NOISE, Flags, Floats, View, Window, correlations, shape_correlation

AGREE = 0.35  # correlation of a cell; unrelated cells reach 0.15
RELIABLE = 0.5  # how well a cell has agreed with itself so far
RELIABLE_FOLLOWS = 0.15
MIN_STRUCTURE = 0.8  # grey levels; less is an even surface
NOISE_FACTOR = 4.0  # structure is so much stronger than the noise
MIN_CELLS = 5  # with fewer nothing can be said
LEARN_SECONDS, MIN_FOLLOW_SECONDS, MAX_FOLLOW_SECONDS = 3.0, 60.0, 300.0
SHARPEST = 0.75  # of the cells: an autofocus that found somebody near leaves some of them sharp
LOST_STRUCTURE = 0.4  # of a cell's structure is left, at most, where something lies before it


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a frame differs from what is usual, in shares of the cells that can be compared."""

    cells: int  # that can be compared; with few of them the shares mean little
    agree: float
    lost: float  # have no details any more
    sharpness: float  # of the cells that kept their place: 1 is as usual
    shape: float  # correlation of light and shadow


class Reference:
    """The running mean of the frames so far."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._details: Floats | None = None
        self._finest = np.zeros(0, np.float32)
        self._shape = np.zeros(0, np.float32)
        self._trust = np.zeros(0, np.float32)  # by cell: how well frames agree with it
        self._brightness = 0.0
        self._seconds = 0.0  # that were learned from

    @property
    def details(self) -> Floats | None:
        return self._details

    @property
    def brightness(self) -> float:
        return self._brightness

    @property
    def is_ready(self) -> bool:
        """Whether enough was seen to judge a frame by."""
        return self._seconds >= LEARN_SECONDS

    def learn(self, view: View, seconds: float, noise: float) -> None:
        """Learn from a frame, so many seconds after the last one; noise in grey levels."""
        if self._details is None:
            self._details, self._trust = view.details.copy(), np.full(len(view.details), RELIABLE, np.float32)
            self._finest, self._shape, self._brightness = view.finest.copy(), view.shape.copy(), view.brightness
            return
        structured = np.asarray(view.structure >= floor(noise), np.bool_)
        agreement = np.abs(correlations(self._details, view.details))
        self._trust[structured] += RELIABLE_FOLLOWS * (agreement[structured] - self._trust[structured])
        self._seconds += seconds
        follow = min(max(2 * self._seconds, MIN_FOLLOW_SECONDS), MAX_FOLLOW_SECONDS) if self.is_ready else self._seconds
        share = min(1.0, seconds / max(follow, seconds))
        if not self.reliable(noise).any():
            share = max(share, min(1.0, seconds / LEARN_SECONDS))  # it was dark so far: start over
        self._details += share * (view.details - self._details)
        self._finest += share * (view.finest - self._finest)
        self._shape += share * (view.shape - self._shape)
        self._brightness += share * (view.brightness - self._brightness)

    def reliable(self, noise: float, contrast: float = 1.0) -> Flags:
        """Tell which cells stand still, and would show their details in so much light."""
        if self._details is None:
            return np.zeros_like(self._window.cells)
        strong = self._window.strength(self._details) * contrast >= floor(noise)
        return np.asarray(strong & (self._trust >= RELIABLE) & self._window.cells, np.bool_)

    def compare(self, view: View, noise: float) -> Comparison:
        """Compare a frame with what is usual."""
        if self._details is None:
            return Comparison(0, 1.0, 0.0, 1.0, 1.0)
        contrast = min(1.0, (view.brightness + 1) / (self._brightness + 1))
        cells = self.reliable(noise, contrast)
        count = int(cells.sum())
        if count < MIN_CELLS:
            return Comparison(count, 1.0, 0.0, 1.0, 1.0)
        agree = np.abs(correlations(self._details[cells], view.details[cells])) >= AGREE
        usual = self._window.strength(self._details)[cells]
        lost = view.structure[cells] <= LOST_STRUCTURE * contrast * usual
        return Comparison(
            cells=count,
            agree=float((agree & ~lost).mean()),
            lost=float(lost.mean()),
            sharpness=self._sharpness(view, cells, usual, noise),
            shape=shape_correlation(self._shape, view.shape),
        )

    def _sharpness(self, view: View, cells: Flags, usual: Floats, noise: float) -> float:
        """Compare how fine the details are, whatever the light; noise counts as none."""
        floor_of_finest = (WHITE_NOISE * noise) ** 2

        def fine(finest: Floats, structure: Floats) -> Floats:
            signal = np.sqrt(np.maximum(finest**2 - floor_of_finest, 0))
            return np.asarray(signal / np.maximum(structure, 0.1), np.float32)

        before, now = fine(self._finest[cells], usual), fine(view.finest[cells], view.structure[cells])
        measurable = before * view.structure[cells] >= WHITE_NOISE * noise  # else the noise hides what is fine
        if int(measurable.sum()) < MIN_CELLS:
            return 1.0
        return float(np.quantile(now[measurable] / before[measurable], SHARPEST))


def floor(noise: float) -> float:
    """The least that counts as structure; both in grey levels."""
    return max(MIN_STRUCTURE, NOISE_FACTOR * noise)
