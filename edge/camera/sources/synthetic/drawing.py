"""How a person is painted: hair, body, head and what is in the face, with light from the upper left."""

import cv2
import numpy as np
from cv2.typing import MatLike

from camera.sources.synthetic.canvas import Canvas, Colour, Mask, Point
from camera.sources.synthetic.person import CENTRE, FACE_Y, HEIGHT, WIDTH, Person

HEAD = (CENTRE - 125, FACE_Y - 142, CENTRE + 125, FACE_Y + 180)  # the window that holds head and hair
FACE = (CENTRE - 100, FACE_Y - 105, CENTRE + 100, FACE_Y + 105)
NEARLY_BLACK, NEARLY_WHITE = (10, 10, 10), (250, 250, 250)


def render(person: Person) -> tuple[MatLike, MatLike]:
    """Draw a person: the image, (480, 360, 3) BGR, and where it is opaque, (480, 360, 1) 0 to 1."""
    portrait = _Portrait(person)
    portrait.paint()
    return portrait.canvas.finish()


def shade(colour: Colour, factor: float) -> Colour:
    """A darker (below 1) or lighter colour."""
    blue, green, red = (int(min(255, part * factor)) for part in colour)
    return blue, green, red


def _curve(start: float, end: float, steps: int) -> list[float]:
    return [float(value) for value in np.linspace(start, end, steps)]


class _Portrait:
    def __init__(self, person: Person) -> None:
        self._who = person
        self._wide = person.face_width
        self._random = np.random.default_rng(sum(person.skin) * 1000 + sum(person.hair) + person.face_width)
        self.canvas = Canvas(WIDTH, HEIGHT)

    def paint(self) -> None:
        """From back to front."""
        with self.canvas.window(*HEAD):
            self._paint_hair_behind()
        self._paint_body()
        with self.canvas.window(*FACE):
            self._paint_head()
        for side in (-1, 1):
            self._paint_eye(side)
        self._paint_nose()
        self._paint_mouth()
        with self.canvas.window(*HEAD):
            self._paint_hair_in_front()

    def _paint_hair_behind(self) -> None:
        canvas, wide, hair = self.canvas, self._wide, self._who.hair
        if not self._who.long_hair:
            canvas.build(canvas.ellipse((CENTRE, FACE_Y - 34), (wide + 14, 100)), shade(hair, 0.8))
            return
        canvas.build(canvas.ellipse((CENTRE, FACE_Y - 20), (wide + 15, 114)), shade(hair, 0.8))
        right: list[Point] = [(30, 168), (wide + 16, 150), (wide + 22, 60), (wide + 14, -30)]
        sides = [(CENTRE - x, FACE_Y + y) for x, y in reversed(right)] + [(CENTRE + x, FACE_Y + y) for x, y in right]
        canvas.build(canvas.polygon(sides, 2), shade(hair, 0.7))
        for side in (-1, 1):
            roots: list[Point] = [(CENTRE + side * (wide + out), FACE_Y - 20) for out in (-14, 14)]
            tips: list[Point] = [(CENTRE + side * (wide + out), FACE_Y + 155) for out in (-26, 16)]
            self._paint_strands(roots, tips, bend=8, count=90)

    def _paint_body(self) -> None:
        canvas, clothes = self.canvas, self._who.clothes
        left: list[Point] = [(180, 0), (170, 72), (142, 106), (84, 128), (46, 146), (30, 128)]
        shoulders = [
            *((CENTRE - x, HEIGHT - y) for x, y in left),
            (CENTRE, HEIGHT - 108),
            *((CENTRE + x, HEIGHT - y) for x, y in reversed(left)),
        ]
        collar: list[Point] = [
            (CENTRE + x, HEIGHT - y) for x, y in ((-48, 144), (-30, 126), (0, 105), (30, 126), (48, 144))
        ]
        with canvas.window(CENTRE - 60, FACE_Y + 40, CENTRE + 60, HEIGHT):
            neck = [(CENTRE + x, FACE_Y + y) for x, y in ((-33, 60), (33, 60), (44, 200), (-44, 200))]
            light = 0.86 - 0.18 * canvas.blob((CENTRE, FACE_Y + 98), (60, 22)) - np.abs(canvas.x - CENTRE) / 400
            canvas.build(canvas.polygon(neck, 1), self._who.skin, light)
        with canvas.window(0, HEIGHT - 160, WIDTH, HEIGHT):
            light = 1.05 - ((canvas.x - CENTRE + 30) / WIDTH) ** 2 - 0.2 * (canvas.y - (HEIGHT - 140)) / 140
            light = light + 0.02 * np.sin(canvas.x / 11 + canvas.y / 31)
            canvas.build(canvas.polygon(shoulders, 1), clothes, light)
            canvas.fill(canvas.stroke(collar, 5), shade(clothes, 0.7), 0.9)

    def _paint_head(self) -> None:
        canvas, wide, skin = self.canvas, self._wide, self._who.skin
        for side in (-1, 1):
            canvas.build(canvas.ellipse((CENTRE + side * (wide + 1), FACE_Y + 6), (10, 23), 1), shade(skin, 0.84))
            canvas.fill(canvas.blob((CENTRE + side * (wide + 3), FACE_Y + 6), (4, 12)), shade(skin, 0.62), 0.6)
        face = canvas.polygon(self._outline(), 0.8)
        canvas.build(face, skin, self._light())
        cheek = (skin[0] * 0.74, skin[1] * 0.74, skin[2] * 0.98)
        for side in (-1, 1):
            eye = CENTRE + side * self._who.eye_distance
            canvas.fill(canvas.blob((CENTRE + side * 42, FACE_Y + 32), (20, 15)) * face, cheek, 0.35)
            canvas.fill(canvas.blob((eye, FACE_Y - 15), (24, 13)) * face, shade(skin, 0.62), 0.5)
            canvas.fill(canvas.blob((eye, FACE_Y + 4), (17, 6)) * face, shade(skin, 0.7), 0.3)
        canvas.fill(canvas.blob((CENTRE, FACE_Y - 58), (40, 20)) * face, shade(skin, 1.1), 0.3)
        canvas.fill(canvas.blob((CENTRE, FACE_Y + 76), (17, 4)) * face, shade(skin, 0.62), 0.4)

    def _outline(self) -> list[Point]:
        """The outline of the face: round above, narrower towards the chin."""
        points = []
        for angle in _curve(0, 2 * np.pi, 120):
            down = np.sin(angle)
            narrow = 1 - 0.17 * max(0.0, down) ** 1.6
            points.append((CENTRE + self._wide * narrow * np.cos(angle), FACE_Y + 100 * down))
        return points

    def _light(self) -> Mask:
        """How bright each place of something round is, with skin's fine unevenness."""
        canvas = self.canvas
        across, down = (canvas.x - CENTRE) / (self._wide + 14), (canvas.y - FACE_Y) / 118
        front = np.sqrt(np.clip(1 - across**2 - down**2, 0.02, 1))
        light = 0.55 + 0.53 * np.clip(front * 0.86 - across * 0.3 - down * 0.3, 0, 1.2)
        uneven = cv2.GaussianBlur(self._random.standard_normal(light.shape, np.float32), (0, 0), 1.2)
        lit: Mask = (light + 0.013 * uneven).astype(np.float32)
        return lit

    def _paint_eye(self, side: int) -> None:
        canvas, who = self.canvas, self._who
        x, y = CENTRE + side * who.eye_distance, FACE_Y - 12
        top: list[Point] = [(x + 17 * np.cos(a), y + 1 - 9.5 * np.sin(a)) for a in _curve(np.pi, 0, 20)]
        bottom: list[Point] = [(x + 17 * np.cos(a), y + 1 + 6.5 * np.sin(a)) for a in _curve(0, np.pi, 20)]
        with canvas.window(x - 34, y - 40, x + 34, y + 18):
            eye = canvas.polygon([*top, *bottom], 0.4)
            canvas.fill(eye, (222, 226, 230))
            canvas.fill(eye * canvas.blob((x, y - 8), (20, 5)), (140, 145, 155), 0.7)
            canvas.fill(eye * canvas.ellipse((x, y), (8.3, 8.3), 1), shade(who.eyes, 0.6))
            canvas.fill(eye * canvas.ellipse((x, y), (6.8, 6.8), 2), shade(who.eyes, 1.25))
            canvas.fill(eye * canvas.ellipse((x, y), (3.6, 3.6), 1), NEARLY_BLACK)
            canvas.fill(canvas.ellipse((x - 3, y - 3), (1.7, 1.7), 1), NEARLY_WHITE)
            canvas.fill(canvas.blob((x - side * 16, y + 2), (2, 2)), shade(who.lips, 1.1), 0.6)
            canvas.fill(canvas.stroke(top, 2.6), (28, 28, 36), 0.95)
            canvas.fill(canvas.stroke(bottom, 1), shade(who.skin, 0.5), 0.7)
            canvas.fill(canvas.stroke([(px, py - 5) for px, py in top[2:-2]], 1.4, 0.8), shade(who.skin, 0.5), 0.6)
            self._paint_brow(x, y - 23, side)

    def _paint_brow(self, x: float, y: float, side: int) -> None:
        canvas, hair = self.canvas, shade(self._who.hair, 0.75)
        bow: list[Point] = [
            (x + side * t, y + 6 - 8 * np.sin((t + 22) / 44 * np.pi * 0.8)) for t in _curve(-21, 23, 16)
        ]
        canvas.fill(canvas.stroke(bow, 4.5, 1.0), hair, 0.75)
        for px, py in bow:
            tip = (px + side * self._random.uniform(1, 5), py + self._random.uniform(-4, 0))
            canvas.fill(canvas.stroke([(px, py + 2), tip], 0.8, 0.3), hair, 0.6)

    def _paint_nose(self) -> None:
        canvas, skin = self.canvas, self._who.skin
        with canvas.window(CENTRE - 40, FACE_Y - 30, CENTRE + 40, FACE_Y + 66):
            canvas.fill(canvas.blob((CENTRE + 10, FACE_Y + 14), (6, 24)), shade(skin, 0.66), 0.42)
            canvas.fill(canvas.blob((CENTRE - 10, FACE_Y - 4), (5, 14)), shade(skin, 0.72), 0.3)
            canvas.fill(canvas.blob((CENTRE - 1, FACE_Y + 8), (3.5, 22)), shade(skin, 1.12), 0.5)
            canvas.fill(canvas.blob((CENTRE - 2, FACE_Y + 26), (6, 5)), shade(skin, 1.14), 0.6)
            canvas.fill(canvas.blob((CENTRE, FACE_Y + 41), (18, 5)), shade(skin, 0.55), 0.5)
            for side in (-1, 1):
                wing: list[Point] = [
                    (CENTRE + side * (12 + 3.5 * np.sin(t)), FACE_Y + 30 + 7 * np.cos(t)) for t in _curve(0.2, 2.6, 10)
                ]
                fold: list[Point] = [(CENTRE + side * (20 + 9 * t), FACE_Y + 34 + 26 * t) for t in _curve(0, 1, 8)]
                nostril = canvas.ellipse((CENTRE + side * 6.5, FACE_Y + 36), (4, 2), 1.5)
                canvas.fill(canvas.stroke(wing, 1.8, 0.9), shade(skin, 0.5), 0.65)
                canvas.fill(nostril, shade(skin, 0.3), 0.85)
                canvas.fill(canvas.stroke(fold, 2, 2), shade(skin, 0.6), 0.3)

    def _paint_mouth(self) -> None:
        canvas, skin, lips = self.canvas, self._who.skin, self._who.lips
        y, steps = FACE_Y + 60, _curve(-25, 25, 30)
        middle: list[Point] = [(CENTRE + t, y + 1.6 * np.cos(t / 25 * np.pi) - 1.2 * (t / 25) ** 2) for t in steps]
        arch = [6.5 * np.cos(t / 50 * np.pi) for t in steps]
        upper: list[Point] = [
            (CENTRE + t, y - a + 2.2 * np.exp(-((t / 5) ** 2))) for t, a in zip(steps, arch, strict=True)
        ]
        lower: list[Point] = [(CENTRE + t, y + 1.7 * a) for t, a in zip(steps, arch, strict=True)]
        with canvas.window(CENTRE - 40, y - 16, CENTRE + 40, y + 26):
            canvas.fill(canvas.polygon([*upper, *reversed(middle)], 0.6), shade(lips, 0.88), 0.92)
            canvas.fill(canvas.polygon([*middle, *reversed(lower)], 0.6), shade(lips, 1.05), 0.92)
            canvas.fill(canvas.blob((CENTRE - 3, y + 5.5), (11, 2)), shade(lips, 1.45), 0.45)
            canvas.fill(canvas.stroke(middle, 1.9, 0.5), shade(lips, 0.35), 0.9)
            for side in (-1, 1):
                canvas.fill(canvas.blob((CENTRE + side * 26, y), (4, 4)), shade(skin, 0.5), 0.5)
            canvas.fill(canvas.blob((CENTRE, y + 15), (17, 3.5)), shade(skin, 0.55), 0.45)

    def _paint_hair_in_front(self) -> None:
        canvas, wide, hair = self.canvas, self._wide, self._who.hair
        y, angles = FACE_Y - 22, _curve(np.pi, 0, 40)
        outer: list[Point] = [(CENTRE + (wide + 14) * np.cos(a), y - 112 * np.sin(a)) for a in angles]
        inner: list[Point] = [
            (CENTRE + (wide - 4) * np.cos(a), y - (50 + 14 * np.sin(3 * a + 0.7)) * max(0.0, np.sin(a)) ** 0.6)
            for a in angles
        ]
        parting: list[Point] = [(CENTRE + 24 + 10 * np.cos(a), y - 104 - 3 * np.sin(a)) for a in angles]
        canvas.fill(canvas.polygon([*outer, *reversed(inner)], 1.2), shade(hair, 0.9))
        self._paint_strands(parting, inner, bend=10, count=260)
        self._paint_strands(parting, outer, bend=14, count=160)
        gleam = canvas.blob((CENTRE - 24, FACE_Y - 98), (34, 13))
        canvas.fill(gleam * canvas.ellipse((CENTRE, FACE_Y - 20), (wide + 15, 114)), shade(hair, 1.7), 0.28)

    def _paint_strands(self, roots: list[Point], tips: list[Point], bend: float, count: int) -> None:
        """Hair in single lines from one curve to another, each a little lighter or darker."""
        places, t = np.linspace(0, 1, len(roots)), np.linspace(0, 1, 9)
        chosen = self._random.uniform(0, 1, count)
        begins, ends = (
            np.stack([np.interp(chosen, places, axis) for axis in np.array(curve).T], axis=1) for curve in (roots, tips)
        )
        for (x0, y0), end in zip(begins, ends, strict=True):
            x1, y1 = end + self._random.normal(0, 3, 2)
            out = bend if x1 >= CENTRE else -bend
            strand = np.stack([x0 + (x1 - x0) * t + out * np.sin(np.pi * t), y0 + (y1 - y0) * t], axis=1)
            self.canvas.line(strand, shade(self._who.hair, float(self._random.uniform(0.75, 1.45))))
