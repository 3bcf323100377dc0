"""The motion detector before the face detector: still scenes cost next to nothing, and nobody is missed behind it."""

import functools
import itertools

import cv2
import numpy as np
import pytest

from camera.pipeline.motion import (
    LATELY_SECONDS,
    MAX_RESCAN_SECONDS,
    PIXEL_THRESHOLD,
    RESCAN_SECONDS,
    MotionDetector,
)
from camera.sources.frame import Image
from camera.sources.synthetic.scene import Scene
from common.contract.capture import Box

FIELDS = 8


@functools.cache
def noise(shape: tuple[int, ...]) -> tuple[Image, ...]:
    """What a sensor adds, some pictures of it."""
    random = np.random.default_rng(1)
    return tuple(random.normal(0, 6, shape).astype(np.int16) for _ in range(FIELDS))


given = itertools.count()


def noisy(image: Image) -> Image:
    """The same picture as a sensor gives it again."""
    noisier = image + noise(image.shape)[next(given) % FIELDS]
    return np.asarray(np.clip(noisier, 0, 255, out=noisier).astype(np.uint8))


def searched(motion: MotionDetector, images: list[Image], *, tracking: bool = False, rate: float = 10) -> list[bool]:
    return [motion.update(image, number / rate, has_active_tracks=tracking) for number, image in enumerate(images)]


def test_a_still_scene_is_searched_only_now_and_then() -> None:
    empty = Scene(640, 480, seed=1, visits=1).draw(0.0)

    found = searched(MotionDetector(), [noisy(empty) for _ in range(300)])

    assert found[0]
    assert sum(found[1:150]) <= 15 / RESCAN_SECONDS
    assert sum(found[150:]) <= 1 + 15 / MAX_RESCAN_SECONDS


def test_who_is_too_dark_to_move_the_gate_is_searched_for_as_soon_as_the_background_shows_it() -> None:
    dark = np.full((480, 640, 3), 20, np.uint8)
    occupied = cv2.circle(dark.copy(), (320, 240), 40, (20 + PIXEL_THRESHOLD // 2,) * 3, cv2.FILLED)
    motion = MotionDetector()
    searched(motion, [noisy(dark) for _ in range(100)])

    found = [motion.update(noisy(occupied), 10 + number / 10, has_active_tracks=False) for number in range(100)]

    assert motion.is_still
    assert sum(found) >= 10 / RESCAN_SECONDS - 1


def test_after_somebody_was_there_all_is_searched_as_often_for_a_while() -> None:
    still = Scene(640, 480, seed=1, visits=1).draw(3.0)
    motion = MotionDetector()
    searched(motion, [still] * 20, tracking=True)

    found = [motion.update(still, 2 + number / 10, has_active_tracks=False) for number in range(200)]

    assert sum(found[:100]) >= LATELY_SECONDS / RESCAN_SECONDS - 1
    assert sum(found[100:]) <= 1 + 10 / MAX_RESCAN_SECONDS


def test_a_scene_in_which_nothing_changes_at_all_is_searched_again_nevertheless() -> None:
    still = Scene(640, 480, seed=1, visits=1).draw(3.0)

    found = searched(MotionDetector(), [still] * 200)

    assert [number for number, searched in enumerate(found) if searched] == [0, 20, 40, 60, 80, 160]


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_the_smallest_wanted_face_that_moves_is_seen(size: tuple[int, int]) -> None:
    background = np.full((size[1], size[0], 3), 150, np.uint8)
    motion = MotionDetector()
    searched(motion, [noisy(background) for _ in range(5)])

    moved = background.copy()
    cv2.ellipse(moved, (size[0] // 2, size[1] // 2), (22, 28), 0, 0, 360, (120, 160, 210), cv2.FILLED)

    assert motion.update(noisy(moved), 0.5, has_active_tracks=False)


def test_while_somebody_is_there_every_frame_is_searched() -> None:
    still = Scene(640, 480, seed=1, visits=1).draw(3.0)

    assert all(searched(MotionDetector(), [still] * 20, tracking=True))


def test_after_a_change_of_light_the_scene_is_still_again() -> None:
    empty = Scene(640, 480, seed=1, visits=1).draw(0.0)
    bright = cv2.convertScaleAbs(empty, alpha=1.3)
    motion = MotionDetector()
    searched(motion, [empty] * 5)

    found = searched(motion, [noisy(bright) for _ in range(60)], rate=1000)

    assert found[0]
    assert not any(found[40:])


FACE = Box(300, 100, 60, 80)  # of somebody in a frame of 640 by 480


@pytest.mark.parametrize(
    ("place", "apart"),
    [
        ((330, 140), False),
        ((330, 300), False),
        ((240, 460), False),
        ((240, 140), True),  # a head beside that one
        ((60, 140), True),
        ((600, 400), True),
    ],
)
def test_a_known_person_moves_with_the_body_and_a_newcomer_apart(place: tuple[int, int], *, apart: bool) -> None:
    room = np.full((480, 640, 3), 90, np.uint8)
    motion = MotionDetector()
    searched(motion, [room] * 5)
    motion.moves_apart([FACE], (640, 480))

    searched(motion, [cv2.circle(room.copy(), place, 20, (200, 200, 200), cv2.FILLED)])

    assert motion.moves_apart([FACE], (640, 480)) == apart
    assert not motion.moves_apart([FACE], (640, 480))  # what was asked about is over


def test_a_face_at_the_border_or_beyond_hides_no_newcomer() -> None:
    room = np.full((480, 640, 3), 90, np.uint8)
    boxes = [Box(-40, -60, 80, 100), Box(620, 440, 80, 100), Box(900, 100, 80, 100)]
    motion = MotionDetector()
    searched(motion, [room, cv2.circle(room.copy(), (330, 140), 30, (200, 200, 200), cv2.FILLED)])

    assert motion.moves_apart(boxes, (640, 480))
