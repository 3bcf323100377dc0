"""Who is the same visitor as before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from camera.pipeline.tracking.appearance import appearance_of
from camera.pipeline.tracking.detector import Detection
from camera.pipeline.tracking.track import Track, iou
from camera.pipeline.tracking.tracker import Tracker
from camera.sources.frame import Image
from common.contract.capture import Box

BEGAN_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SIZE = (1280, 720)


def face(x: float, y: float = 300, side: int = 100, score: float = 0.9) -> Detection:
    return Detection(Box(round(x), round(y), side, side), score)


def follow(tracker: Tracker, frames: dict[float, list[Detection]]) -> tuple[list[list[str]], list[Track]]:
    """Which tracks were seen at each time, and those that ended."""
    seen, ended = [], []
    for seconds, faces in frames.items():
        tracked, over = tracker.update(faces, seconds, BEGAN_AT + timedelta(seconds=seconds), SIZE)
        seen.append([face.track.id for face in tracked])
        ended += over
    return seen, ended


def tracks(frames: dict[float, list[Detection]]) -> int:
    seen, _ = follow(Tracker(0.7), frames)
    return len({track for names in seen for track in names})


def test_a_face_that_walks_across_is_one_visit() -> None:
    assert tracks({step / 10: [face(100 + 60 * step)] for step in range(15)}) == 1


def test_a_face_that_runs_across_is_one_visit() -> None:
    assert tracks({step / 10: [face(100 + 110 * step)] for step in range(9)}) == 1


def test_two_faces_that_pass_each_other_stay_two() -> None:
    seen, _ = follow(
        Tracker(0.7), {step / 10: [face(100 + 40 * step, 200), face(900 - 40 * step, 320)] for step in range(20)}
    )

    first, second = seen[0]
    left = {names[0] for names in seen if len(names) == 2}
    assert left <= {first, second}
    assert len({track for names in seen for track in names}) == 2


def test_who_passes_in_front_of_somebody_who_has_settled_does_not_take_the_track() -> None:
    """One sits there and is seen five times a second, then hidden; the other comes out a face's size away."""
    before = {step / 5: [face(500)] for step in range(61)}

    seen, _ = follow(Tracker(0.7), before | {12.2: [], 12.3: [face(595.5)]})

    assert seen[-1] != seen[0]


@pytest.mark.parametrize(("missed", "apart"), [(1, 0.95), (1, 1.15), (2, 1.18)])
def test_who_passes_in_front_of_somebody_does_not_take_the_track(missed: int, apart: float) -> None:
    """One stands still and is hidden for a moment; the other comes out a face's size away."""
    frames = {step / 10: [face(500)] for step in range(8)}
    hidden: dict[float, list[Detection]] = {(8 + step) / 10: [] for step in range(missed)}
    out = {(8 + missed + step) / 10: [face(500 + 100 * apart + 30 * step, 310)] for step in range(3)}
    both = {(11 + missed + step) / 10: [face(500), face(700 + 30 * step, 310)] for step in range(4)}

    seen, _ = follow(Tracker(0.7), frames | hidden | out | both)

    assert set(seen[0]) & set(seen[-1])
    assert len(set(seen[-1])) == 2
    assert not set(seen[8 + missed]) & set(seen[0])


def person(coat: tuple[int, int, int], light: float = 1.0, seed: int = 0) -> Image:
    """A frame of 200 pixels with a face of 100 in its middle, and the coat below."""
    frame = np.full((200, 200, 3), (150, 160, 200), np.float64)
    frame[120:] = coat
    noisy = frame * light + np.random.default_rng(seed).normal(0, 4, frame.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


RED, GREEN = (40, 40, 180), (60, 150, 60)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("light", [1.0, 0.5])
def test_who_is_who_after_both_were_hidden_follows_from_their_looks(light: float, *, swapped: bool) -> None:
    """They come out where geometry cannot tell: about as near to the one place as to the other."""

    def seen(x: float, coat: tuple[int, int, int], light: float = 1.0) -> Detection:
        look = appearance_of(person(coat, light, seed=int(x)), Box(50, 50, 100, 100))
        return replace(face(x), appearance=look)

    tracker = Tracker(0.7)
    begun, _ = follow(tracker, {step / 10: [seen(500, RED), seen(600, GREEN)] for step in range(8)})
    left, right = (GREEN, RED) if swapped else (RED, GREEN)
    out = [seen(540, left, light), seen(560, right, light)]

    found, _ = tracker.update(out, 1.1, BEGAN_AT + timedelta(seconds=1.1), SIZE)

    who = {each.detection.box.x: each.track.id for each in found}
    red, green = begun[0]
    assert who == ({540: green, 560: red} if swapped else {540: red, 560: green})


def test_a_head_that_turns_away_for_two_seconds_is_the_same_visit() -> None:
    assert tracks({0.0: [face(500)], 0.1: [face(505)], 0.2: [], 2.2: [face(540)], 2.3: [face(540)]}) == 1


def test_where_frames_are_rare_a_face_is_somebody_by_its_second_frame() -> None:
    seen, ended = follow(Tracker(0.7), {0.0: [face(500)], 4.0: [face(505)], 8.0: [], 12.0: []})

    assert seen[0] == seen[1]
    assert [track.confirmed for track in ended] == [True]


def test_what_is_a_face_for_two_frames_of_a_fast_camera_is_nobody() -> None:
    _, ended = follow(Tracker(0.7), {0.0: [face(500)], 0.033: [face(505)], 0.066: [], 0.6: []})

    assert [(track.hits, track.confirmed) for track in ended] == [(2, False)]


def test_who_is_there_when_a_camera_is_back_after_a_while_is_somebody_else() -> None:
    assert tracks({0.0: [face(500)], 0.1: [face(505)], 11.0: [face(505)]}) == 2


def test_who_comes_four_seconds_later_is_somebody_else() -> None:
    assert tracks({0.0: [face(500)], 0.1: [face(505)], 0.2: [], 4.2: [face(505)]}) == 2


def test_who_comes_in_where_somebody_went_out_is_somebody_else() -> None:
    leaving = {step / 10: [face(1100 + 20 * step)] for step in range(9)}

    assert tracks(leaving | {1.0: [], 1.9: [face(1150)]}) == 2


def test_a_visit_of_somebody_who_went_out_ends_sooner() -> None:
    leaving = {step / 10: [face(1100 + 20 * step)] for step in range(9)}

    _, soon = follow(Tracker(0.7), leaving | {1.0: [], 1.5: []})
    _, later = follow(Tracker(0.7), leaving | {1.0: [], 1.7: []})

    assert (len(soon), len(later)) == (0, 1)


def test_an_unsure_face_keeps_a_visit_alive_but_begins_none() -> None:
    unsure = face(500, score=0.63)

    assert tracks({0.0: [unsure], 0.1: [unsure]}) == 0
    assert tracks({0.0: [face(500)], 0.1: [unsure], 2.5: [unsure], 5.0: [face(505)]}) == 1


def test_a_visit_ends_when_nobody_was_seen_for_a_while_and_is_told_once() -> None:
    tracker = Tracker(0.7)

    _, ended = follow(tracker, {0.0: [face(500)], 0.1: [face(500)], 2.0: [], 3.2: [], 4.0: []})

    assert len(ended) == 1
    assert ended[0].seen_at == BEGAN_AT + timedelta(seconds=0.1)
    assert not tracker.has_active_tracks


def test_faces_of_one_frame_have_different_tracks() -> None:
    seen, _ = follow(Tracker(0.7), {0.0: [face(100), face(500), face(900)]})

    assert len(set(seen[0])) == 3


def test_a_near_face_is_not_the_far_one_behind_it() -> None:
    assert tracks({0.0: [face(500, side=200)], 0.1: [face(550, 350, side=80)]}) == 2


def test_faces_are_expected_where_they_go_unless_one_was_missed() -> None:
    tracker = Tracker(0.7)
    follow(tracker, {step / 10: [face(100 + 20 * step), face(900)] for step in range(8)})

    first, second = tracker.expected_boxes(0.8)

    assert first.x == pytest.approx(260, abs=5)
    assert second == Box(900, 300, 100, 100)
    follow(tracker, {0.8: [face(260)]})
    assert tracker.expected_boxes(0.9) == []
    follow(tracker, {0.9: [face(280), face(900)]})
    assert len(tracker.expected_boxes(1.0)) == 2


def test_iou_is_the_shared_part_of_both() -> None:
    assert iou(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == 1
    assert iou(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == 50 / 150
    assert iou(Box(0, 0, 10, 10), Box(10, 0, 10, 10)) == 0


def sits(seconds: float, x: float = 500, step: float = 0.0) -> dict[float, list[Detection]]:
    """A face that moves to and fro by `step` pixels a frame."""
    places = (x + step * abs(number % 20 - 10) for number in range(round(seconds * 10) + 1))
    return {number / 10: [face(place)] for number, place in enumerate(places)}


@pytest.mark.parametrize(
    ("frames", "settled"),
    [
        ({}, False),
        (sits(9.9), False),
        (sits(10.0), True),
        (sits(12.0, step=5), True),
        (sits(12.0, step=20), False),  # two of its heights a second
        (sits(12.0, x=0), False),  # on the way out
        (sits(12.0) | {12.1: []}, False),
        (sits(12.0) | {12.1: [face(500), face(900)]}, False),
        (sits(12.0) | {12.1: [], 12.2: [face(500)]}, True),
    ],
)
def test_settled_is_who_has_been_there_for_a_while_and_hardly_moves(
    frames: dict[float, list[Detection]], *, settled: bool
) -> None:
    tracker = Tracker(0.7)

    follow(tracker, frames)

    assert tracker.is_settled is settled
