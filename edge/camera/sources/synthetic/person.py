"""People drawn with OpenCV, real enough for a face detector."""

from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike

Colour = tuple[int, int, int]  # blue, green, red

WIDTH, HEIGHT = 360, 480  # of a drawn person, in pixels
FACE_HEIGHT = 200  # of it, from forehead to chin
CENTRE, FACE_Y = WIDTH // 2, 190

SKINS: tuple[Colour, ...] = ((180, 205, 238), (150, 185, 228), (120, 160, 210), (90, 130, 190), (70, 100, 160))
HAIRS: tuple[Colour, ...] = ((25, 25, 30), (30, 45, 70), (45, 80, 120), (90, 150, 190), (130, 130, 135))
EYES: tuple[Colour, ...] = ((90, 60, 30), (40, 60, 90), (60, 90, 60), (30, 40, 60))
LIPS: tuple[Colour, ...] = ((95, 90, 170), (80, 75, 150), (100, 100, 190))
CLOTHES: tuple[Colour, ...] = ((120, 60, 40), (50, 110, 50), (60, 60, 150), (130, 130, 60), (70, 70, 70))


@dataclass(frozen=True, slots=True)
class Person:
    """How a person looks."""

    skin: Colour
    hair: Colour
    eyes: Colour
    lips: Colour
    clothes: Colour
    face_width: int  # of the head's half, in pixels of the drawing
    eye_distance: int  # of one eye from the middle
    long_hair: bool


def random_person(random: np.random.Generator) -> Person:
    """A person drawn at random."""

    def one(colours: tuple[Colour, ...]) -> Colour:
        return colours[int(random.integers(len(colours)))]

    return Person(
        skin=one(SKINS),
        hair=one(HAIRS),
        eyes=one(EYES),
        lips=one(LIPS),
        clothes=one(CLOTHES),
        face_width=int(random.integers(70, 82)),
        eye_distance=int(random.integers(30, 36)),
        long_hair=bool(random.integers(2)),
    )


def render(person: Person) -> tuple[MatLike, MatLike]:
    """Draw a person: the image, (480, 360, 3) BGR, and where it is opaque, (480, 360, 1) 0 to 1."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for layer, silhouette in ((image, False), (mask, True)):
        _draw_body(layer, person, silhouette=silhouette)
    _draw_shadows(image, person)
    for side in (-1, 1):
        _draw_eye(image, person, side)
    _draw_nose(image, person)
    _draw_mouth(image, person)
    _draw_fringe(image, person)
    opaque = cv2.GaussianBlur(mask[:, :, :1].astype(np.float32) / 255, (5, 5), 0)[:, :, np.newaxis]
    return cv2.GaussianBlur(image, (5, 5), 1.2), opaque


def shade(colour: Colour, factor: float) -> Colour:
    """A darker (below 1) or lighter colour."""
    blue, green, red = (int(min(255, part * factor)) for part in colour)
    return blue, green, red


def _ellipse(image: MatLike, centre: tuple[int, int], axes: tuple[int, int], colour: Colour) -> None:
    cv2.ellipse(image, centre, axes, 0, 0, 360, colour, cv2.FILLED, cv2.LINE_AA)


def _arc(image: MatLike, at: tuple[int, int, int, int], span: tuple[int, int], colour: Colour, thick: int) -> None:
    cv2.ellipse(image, at[:2], at[2:], 0, span[0], span[1], colour, thick, cv2.LINE_AA)


def _draw_body(image: MatLike, person: Person, *, silhouette: bool) -> None:
    def paint(colour: Colour) -> Colour:
        return (255, 255, 255) if silhouette else colour

    hair_length = 60 if person.long_hair else 0
    wide = person.face_width
    _ellipse(image, (CENTRE, FACE_Y - 22 + hair_length // 2), (wide + 14, 112 + hair_length), paint(person.hair))
    _ellipse(image, (CENTRE, HEIGHT + 20), (165, 165), paint(person.clothes))
    _ellipse(image, (CENTRE, FACE_Y + 110), (36, 70), paint(shade(person.skin, 0.82)))
    for side in (-1, 1):
        _ellipse(image, (CENTRE + side * (wide + 2), FACE_Y + 8), (12, 24), paint(shade(person.skin, 0.9)))
    _ellipse(image, (CENTRE, FACE_Y), (wide, 100), paint(person.skin))


def _draw_shadows(image: MatLike, person: Person) -> None:
    soft = image.copy()
    for side in (-1, 1):
        _ellipse(soft, (CENTRE + side * (person.face_width - 12), FACE_Y + 30), (14, 52), shade(person.skin, 0.85))
        _ellipse(soft, (CENTRE + side * person.eye_distance, FACE_Y - 14), (24, 17), shade(person.skin, 0.84))
        _ellipse(soft, (CENTRE + side * 42, FACE_Y + 32), (18, 14), shade(person.skin, 1.05))
    _ellipse(soft, (CENTRE, FACE_Y + 84), (26, 10), shade(person.skin, 0.93))
    soft = cv2.GaussianBlur(soft, (31, 31), 9)
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(inside, (CENTRE, FACE_Y), (person.face_width - 2, 98), 0, 0, 360, 255, cv2.FILLED)
    image[inside > 0] = soft[inside > 0]


def _draw_eye(image: MatLike, person: Person, side: int) -> None:
    x, y = CENTRE + side * person.eye_distance, FACE_Y - 12
    _ellipse(image, (x, y), (16, 8), (235, 238, 240))
    _ellipse(image, (x, y), (8, 8), person.eyes)
    _ellipse(image, (x, y), (4, 4), (10, 10, 10))
    _ellipse(image, (x - 3, y - 3), (2, 2), (255, 255, 255))
    _arc(image, (x, y + 1, 17, 10), (190, 350), (30, 30, 40), 3)
    _arc(image, (x, y - 1, 16, 10), (20, 160), shade(person.skin, 0.7), 1)
    _arc(image, (x, y - 14, 22, 11), (200, 340), shade(person.hair, 0.8), 5)


def _draw_nose(image: MatLike, person: Person) -> None:
    dark, darker = shade(person.skin, 0.78), shade(person.skin, 0.5)
    cv2.line(image, (CENTRE - 9, FACE_Y - 6), (CENTRE - 12, FACE_Y + 28), shade(person.skin, 0.9), 3, cv2.LINE_AA)
    cv2.line(image, (CENTRE + 1, FACE_Y - 8), (CENTRE + 2, FACE_Y + 26), shade(person.skin, 1.08), 4, cv2.LINE_AA)
    _arc(image, (CENTRE, FACE_Y + 30, 15, 10), (10, 170), dark, 3)
    for side in (-1, 1):
        _ellipse(image, (CENTRE + side * 7, FACE_Y + 35), (4, 2), darker)


def _draw_mouth(image: MatLike, person: Person) -> None:
    _ellipse(image, (CENTRE, FACE_Y + 58), (25, 6), shade(person.lips, 0.9))
    _ellipse(image, (CENTRE, FACE_Y + 64), (22, 7), person.lips)
    _arc(image, (CENTRE, FACE_Y + 56, 26, 5), (10, 170), shade(person.lips, 0.45), 2)
    _arc(image, (CENTRE, FACE_Y + 70, 16, 6), (30, 150), shade(person.skin, 0.75), 2)


def _draw_fringe(image: MatLike, person: Person) -> None:
    _arc(image, (CENTRE, FACE_Y - 24, person.face_width - 2, 76), (195, 345), person.hair, 22)
