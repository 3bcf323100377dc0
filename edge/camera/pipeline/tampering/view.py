"""One frame as a small grey picture in cells, and how two of them compare."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.config.polygons import Polygon
from camera.sources.frame import Image

WIDTH, HEIGHT = 320, 180
COLUMNS, ROWS = 8, 5
CELLS = COLUMNS * ROWS
GREEN = 1
# Standard deviations of the blurs: noise is finer than the first, light and shadow are broader than the second.
FINE, COARSE = 1.0, 4.0
SHAPE_SIZE = 40, 24
MASK_MARGIN = 12  # pixels that the edge of a mask reaches by these blurs
MAX_MASKED = 0.5  # of a cell
MOSTLY_NOISE = 0.7
WHITE_NOISE = 3.3  # how much stronger the same noise is in what is finest than in the details

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Window:
    """Which pixels and cells count: those that no privacy mask covers."""

    pixels: Floats  # 1 or 0, a row for each cell
    shares: Floats  # by cell: how much of it counts
    cells: Flags

    @classmethod
    def of(cls, masks: Sequence[Polygon]) -> Self:
        covered = np.zeros((HEIGHT, WIDTH), np.uint8)
        for polygon in masks:
            corners = np.array([(round(x * WIDTH), round(y * HEIGHT)) for x, y in polygon], np.int32)
            cv2.fillPoly(covered, [corners], (1,))
        if masks:
            covered = cv2.dilate(covered, np.ones((2 * MASK_MARGIN + 1,) * 2, np.uint8)).astype(np.uint8)
        pixels = _in_cells(1 - covered.astype(np.float32))
        open_shares = pixels.mean(axis=1)
        return cls(pixels, np.maximum(open_shares, 0.01), np.asarray(open_shares > MAX_MASKED, np.bool_))

    def strength(self, details: Floats) -> Floats:
        """How strong details are, by cell."""
        return np.asarray(np.sqrt((details * details).mean(axis=1) / self.shares), np.float32)


@dataclass(frozen=True, slots=True)
class View:
    """A frame. Details are cells of zero mean, so that neither light nor contrast counts when they are compared."""

    picture: Image  # small, grey, as it came
    brightness: float  # 0 to 255
    details: Floats  # a row for each cell
    structure: Floats  # by cell: how strong the details are, in grey levels
    finest: Floats  # by cell: how strong that is which a defocused lens loses first
    shape: Floats  # light and shadow alone, which no defocus takes away

    @property
    def most_noise(self) -> float:
        """The sensor's noise is at most so much: what is fine in the quietest cells, in grey levels of the details."""
        return float(np.quantile(self.finest, 0.25)) / WHITE_NOISE

    @property
    def is_noise(self) -> bool:
        """Whether there is little but a sensor's noise: nothing else is as fine."""
        return float(np.median(self.finest / np.maximum(self.structure, 0.01))) > MOSTLY_NOISE * WHITE_NOISE

    @classmethod
    def of(cls, image: Image, window: Window) -> Self:
        """Reduce a frame to what is compared."""
        picture = cv2.resize(cv2.extractChannel(image, GREEN), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        grey = picture.astype(np.float32)
        fine = cv2.GaussianBlur(grey, (7, 7), FINE)
        half = cv2.resize(grey, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
        broad = cv2.GaussianBlur(half, (0, 0), COARSE / 2)
        coarse = cv2.resize(broad, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        details = _in_cells(np.asarray(fine - coarse, np.float32)) * window.pixels
        details -= details.mean(axis=1, keepdims=True)
        finest = _in_cells(np.asarray(grey - fine, np.float32)) * window.pixels
        lit = _in_cells(grey) * window.pixels
        return cls(
            picture=picture,
            brightness=float(lit.sum() / max(1.0, window.pixels.sum())),
            details=details,
            structure=window.strength(details),
            finest=window.strength(finest),
            shape=np.asarray(cv2.resize(broad, SHAPE_SIZE, interpolation=cv2.INTER_AREA), np.float32),
        )


def correlations(one: Floats, other: Floats) -> Floats:
    """Compare two frames' details cell by cell: 1 is the same, 0 unrelated, -1 the same in reversed light."""
    product = (one * other).sum(axis=1)
    strength = np.sqrt((one * one).sum(axis=1) * (other * other).sum(axis=1))
    return np.asarray(product / np.maximum(strength, 1e-3), np.float32)


def shape_correlation(one: Floats, other: Floats) -> float:
    """Compare light and shadow as a whole."""
    first, second = one - one.mean(), other - other.mean()
    return float((first * second).sum() / max(1e-3, float(np.sqrt((first**2).sum() * (second**2).sum()))))


def noise_between(one: View, other: View) -> float:
    """Estimate a sensor's noise, in grey levels of the details, from the cells in which least happened."""
    return float(np.quantile((one.details - other.details).std(axis=1), 0.25)) / 2**0.5


def _in_cells(picture: Floats) -> Floats:
    """Return the picture's pixels with a row for each cell."""
    rows = picture.reshape(ROWS, HEIGHT // ROWS, COLUMNS, WIDTH // COLUMNS)
    return rows.swapaxes(1, 2).reshape(CELLS, -1)
