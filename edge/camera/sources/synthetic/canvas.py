"""A canvas for drawn people: soft shapes with light."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np
import numpy.typing as npt
from cv2.typing import MatLike

SUBPIXEL_BITS = 4
MIN_OPACITY = 0.05

Colour = tuple[int, int, int]  # blue, green, red
Point = tuple[float, float]
Mask = npt.NDArray[np.float32]  # how much each pixel of the window is covered, 0 to 1


class Canvas:
    """Shapes are painted from back to front. A window limits the work to a part of the canvas."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._colours: npt.NDArray[np.float32] = np.zeros((height, width, 3), np.float32)
        self._opaque: Mask = np.zeros((height, width), np.float32)
        self._part = np.s_[0:height, 0:width]
        self._grid()

    @contextmanager
    def window(self, left: float, top: float, right: float, bottom: float) -> Iterator[None]:
        """Paint inside these edges alone."""
        before = self._part
        width, height = self._size
        across, down = np.clip([left, right], 0, width), np.clip([top, bottom], 0, height)
        self._part = np.s_[int(down[0]) : int(down[1]), int(across[0]) : int(across[1])]
        self._grid()
        yield
        self._part = before
        self._grid()

    def finish(self) -> tuple[MatLike, MatLike]:
        """The image, BGR, and where it is opaque, 0 to 1."""
        # Edges were painted on black: what is half covered is half as bright, which the opacity does as well.
        opaque = self._opaque[:, :, np.newaxis]
        image = np.clip(self._colours / np.maximum(opaque, MIN_OPACITY), 0, 255).astype(np.uint8)
        return image, opaque

    def fill(self, mask: Mask, colour: Sequence[float], strength: float = 1.0) -> None:
        """Cover what the mask covers."""
        share = (mask * np.float32(strength))[:, :, np.newaxis]
        part = self._colours[self._part]
        part += (np.asarray(colour, np.float32) - part) * share

    def build(self, mask: Mask, colour: Sequence[float], light: npt.NDArray[np.floating] | None = None) -> None:
        """Cover it, lit, and make it part of the silhouette."""
        share = mask[:, :, np.newaxis]
        lit = np.asarray(colour, np.float32) * (1 if light is None else light[:, :, np.newaxis])
        part = self._colours[self._part]
        part += (lit - part) * share
        np.maximum(self._opaque[self._part], mask, out=self._opaque[self._part])

    def line(self, points: npt.NDArray[np.float64], colour: Colour) -> None:
        """A thin hard line, as a hair is."""
        self._polyline(self._colours, self._corners(points, 0, 0), colour, 1)

    def ellipse(self, centre: Point, axes: Point, soft: float = 0.7) -> Mask:
        """1 inside, 0 outside, with an edge `soft` pixels wide."""
        away = np.sqrt(self._away(centre, axes))
        inside: Mask = np.clip((1 - away) * np.float32(min(axes) / soft) + np.float32(0.5), 0, 1)
        return inside

    def blob(self, centre: Point, axes: Point) -> Mask:
        """1 in the middle, fading to nothing."""
        faded: Mask = np.exp(-self._away(centre, axes))
        return faded

    def polygon(self, points: Sequence[Point], soft: float = 0.6) -> Mask:
        mask = np.zeros(self.x.shape, np.uint8)
        cv2.fillPoly(mask, [self._corners(points, *self._origin())], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        return self._softened(mask, soft)

    def stroke(self, points: Sequence[Point], width: float, soft: float = 0.4) -> Mask:
        mask = np.zeros(self.x.shape, np.uint8)
        self._polyline(mask, self._corners(points, *self._origin()), (255,), max(1, round(width)))
        return self._softened(mask, soft)

    @staticmethod
    def _polyline(image: MatLike, corners: npt.NDArray[np.int32], colour: Sequence[int], thick: int) -> None:
        cv2.polylines(
            image, [corners], isClosed=False, color=colour, thickness=thick, lineType=cv2.LINE_AA, shift=SUBPIXEL_BITS
        )

    def _away(self, centre: Point, axes: Point) -> Mask:
        """The squared distance from the middle; 1 at the edge."""
        across = (self.x - np.float32(centre[0])) / np.float32(axes[0])
        down = (self.y - np.float32(centre[1])) / np.float32(axes[1])
        away: Mask = across * across + down * down
        return away

    def _grid(self) -> None:
        rows, columns = self._part
        self.x: Mask = (np.arange(columns.start, columns.stop, dtype=np.float32))[np.newaxis, :]
        self.y: Mask = (np.arange(rows.start, rows.stop, dtype=np.float32))[:, np.newaxis]
        self.x, self.y = np.broadcast_arrays(self.x, self.y)

    def _origin(self) -> tuple[int, int]:
        rows, columns = self._part
        return columns.start, rows.start

    @staticmethod
    def _corners(points: Sequence[Point] | npt.NDArray[np.float64], left: int, top: int) -> npt.NDArray[np.int32]:
        moved = np.array(points) - (left, top)
        return np.round(moved * (1 << SUBPIXEL_BITS)).astype(np.int32)

    @staticmethod
    def _softened(mask: MatLike, soft: float) -> Mask:
        blurred: Mask = cv2.GaussianBlur(mask, (0, 0), soft).astype(np.float32) / np.float32(255)
        return blurred
