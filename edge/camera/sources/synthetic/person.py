"""How people look who are drawn for the synthetic camera."""

from dataclasses import dataclass

import numpy as np

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
