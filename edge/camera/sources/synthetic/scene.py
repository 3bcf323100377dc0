"""A synthetic scene: drawn people walk through, and how many came is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from camera.sources.frame import Image
from camera.sources.synthetic import person
from camera.sources.synthetic.canvas import Mask
from camera.sources.synthetic.drawing import render

Noise = npt.NDArray[np.int8]  # (height, width, 1) grey levels, added to all three channels
Box = tuple[slice, slice]  # rows, columns

NOISE = 3.0  # standard deviation of the sensor's noise, in grey levels
NOISE_FRAMES = 8
WALL = np.array([172.0, 182.0, 186.0])  # blue, green, red
MIN_FACE, MAX_FACE = 0.17, 0.34  # face height as a share of the frame's height
MIN_VISIT_SECONDS, MAX_VISIT_SECONDS = 3.0, 6.0
MIN_GAP_SECONDS, MAX_GAP_SECONDS = 1.0, 3.0


@dataclass(frozen=True, slots=True)
class ScriptedVisit:
    """A visitor walks in at one side, lingers in the middle and leaves at the other."""

    number: int  # from 1
    begins: float  # seconds of the scene
    ends: float
    who: person.Person
    face_height: float  # pixels
    from_left: bool


class Scene:
    """Draws the scene at any time; the same seed gives the same visits."""

    def __init__(self, width: int, height: int, seed: int, visits: int) -> None:
        """Sizes in pixels; `visits` 0 means without end."""
        self._width, self._height, self._max_visits = width, height, visits
        self._random = np.random.default_rng(seed)
        self._visits: list[ScriptedVisit] = []
        self._plan = self._planned()
        self._background = _background(width, height)
        self._noise = self._random.normal(0, NOISE, (NOISE_FRAMES, height, width, 1)).astype(np.int8)
        self._empty = [_add(self._background, noise) for noise in self._noise]

    def visits_begun(self, seconds: float) -> int:
        """How many visits have begun until then."""
        self._plan_until(seconds)
        return sum(1 for visit in self._visits if visit.begins <= seconds)

    def ended(self, seconds: float) -> bool:
        """Whether the last visit is over (never, without a number of visits)."""
        self._plan_until(seconds)
        if not self._max_visits or len(self._visits) < self._max_visits:
            return False
        return self._visits[-1].ends + MIN_GAP_SECONDS < seconds

    def draw(self, seconds: float) -> Image:
        """One frame, (height, width, 3) BGR."""
        self._plan_until(seconds)
        noise = int(seconds * 1000) % NOISE_FRAMES
        frame = self._empty[noise].copy()
        for visit in self._visits[-2:]:
            if visit.begins <= seconds < visit.ends:  # never two at once
                self._draw_visitor(frame, visit, seconds, self._noise[noise])
        return frame

    def _plan_until(self, seconds: float) -> None:
        while not self._visits or self._visits[-1].begins <= seconds:
            visit = next(self._plan, None)
            if visit is None:
                return
            self._visits.append(visit)

    def _planned(self) -> Iterator[ScriptedVisit]:
        begins = MIN_GAP_SECONDS
        number = 0
        while not self._max_visits or number < self._max_visits:
            number += 1
            ends = begins + self._random.uniform(MIN_VISIT_SECONDS, MAX_VISIT_SECONDS)
            face_height = self._random.uniform(MIN_FACE, MAX_FACE) * self._height
            from_left = bool(self._random.integers(2))
            yield ScriptedVisit(number, begins, ends, person.random_person(self._random), face_height, from_left)
            begins = ends + self._random.uniform(MIN_GAP_SECONDS, MAX_GAP_SECONDS)

    def _draw_visitor(self, frame: Image, visit: ScriptedVisit, seconds: float, noise: Noise) -> None:
        image, opaque = _sprite(visit.who, round(visit.face_height * person.HEIGHT / person.FACE_HEIGHT))
        height, width = image.shape[:2]
        left = self._position(visit, seconds, width)
        top = self._height - height + round(height * 0.02 * (1 + np.sin(seconds * 6)))
        at, part = _overlap(frame, image, left, max(top, -height // 8))
        if frame[at].size:
            frame[at] = _add(_blend(self._background[at], image[part], opaque[part]), noise[at])

    def _position(self, visit: ScriptedVisit, seconds: float, width: int) -> int:
        """The left edge: fast in, slow past the middle, fast out."""
        progress = (seconds - visit.begins) / (visit.ends - visit.begins) * 2 - 1  # -1 to 1
        across = (progress**3 + 0.25 * progress) / 1.25
        middle = (self._width - width) / 2
        return round(middle + (across if visit.from_left else -across) * (self._width + width) / 2)


@lru_cache(maxsize=4)
def _sprite(who: person.Person, height: int) -> tuple[Image, Mask]:
    image, opaque = render(who)
    size = (round(height * person.WIDTH / person.HEIGHT), height)
    smaller = height < person.HEIGHT
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    scaled = cv2.resize(image, size, interpolation=method)
    mask: Mask = cv2.resize(opaque, size, interpolation=method)  # type: ignore[assignment]
    return scaled, mask


def _overlap(frame: Image, image: Image, left: int, top: int) -> tuple[Box, Box]:
    """Where an image with this corner lies in the frame, and which part of it that is."""
    height, width = image.shape[:2]
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = max(x0, min(frame.shape[1], left + width)), max(y0, min(frame.shape[0], top + height))
    return np.s_[y0:y1, x0:x1], np.s_[y0 - top : y1 - top, x0 - left : x1 - left]


def _blend(under: Image, image: Image, opaque: Mask) -> Image:
    """The image over what is under it."""
    blended: Image = cv2.blendLinear(image, under, opaque, 1 - opaque)
    return blended


def _add(image: Image, noise: Noise) -> Image:
    """The image with a sensor's noise."""
    noisy: Image = cv2.add(image, cv2.merge([noise] * 3), dtype=cv2.CV_8U)
    return noisy


def _background(width: int, height: int) -> Image:
    """A room: a wall in the light of a window, a door, a picture and a floor."""
    across = np.linspace(0, 1, width)[np.newaxis, :, np.newaxis]
    down = np.linspace(0, 1, height)[:, np.newaxis, np.newaxis]
    light = 1.04 - 0.22 * down - 0.12 * across - 0.06 * np.sin(4 * across) * down
    room: Image = (light * WALL).astype(np.uint8)

    def box(left: float, top: float, right: float, bottom: float, colour: tuple[int, int, int], thick: int) -> None:
        corners = (round(width * left), round(height * top)), (round(width * right), round(height * bottom))
        cv2.rectangle(room, *corners, colour, thick, cv2.LINE_AA)

    box(0.69, 0.13, 0.89, 0.81, (98, 112, 124), cv2.FILLED)  # the door's frame
    box(0.705, 0.155, 0.875, 0.81, (84, 106, 128), cv2.FILLED)
    for top, bottom in ((0.2, 0.44), (0.5, 0.76)):
        box(0.725, top, 0.855, bottom, (72, 93, 114), 3)
        box(0.73, top + 0.01, 0.85, bottom - 0.01, (92, 115, 138), cv2.FILLED)
    box(0.712, 0.475, 0.728, 0.485, (150, 165, 175), cv2.FILLED)  # its handle
    box(0.12, 0.16, 0.32, 0.4, (60, 72, 84), cv2.FILLED)  # the picture
    box(0.13, 0.178, 0.31, 0.382, (205, 190, 170), cv2.FILLED)
    box(0.13, 0.3, 0.31, 0.382, (96, 132, 112), cv2.FILLED)
    box(0, 0.785, 1, 0.81, (150, 158, 164), cv2.FILLED)  # the skirting board
    box(0, 0.81, 1, 1, (82, 98, 116), cv2.FILLED)
    for board in (-0.6 + number * 0.15 for number in range(15)):
        start = round(width * (0.2 + board * 0.6)), round(height * 0.81)
        cv2.line(room, start, (round(width * board), height), (74, 88, 104), 1, cv2.LINE_AA)
    return cv2.GaussianBlur(room, (0, 0), height / 400)  # behind the people, so not quite in focus
