"""Whose images are decoded, and whose have cost too much."""

from dataclasses import replace
from time import thread_time

import pytest

from tests.support.images import pictures
from uploader.ingest.cpu_budget import BURST_SECONDS, LONG_SECONDS, MAX_EDGES, SECONDS_PER_SECOND, CpuBudgets
from uploader.ingest.image import NotAnImageError, validate_image
from uploader.ingest.parser import InvalidMessageError, parse_capture
from uploader.ingest.samples import INITIAL_SAMPLES, SAMPLE_INTERVAL

LIMIT = 1_000_000


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Never:
    def reserve(self, _seconds: float) -> bool:
        return False

    def take_sample(self) -> bool:
        return True


def test_an_edge_may_use_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    budgets = CpuBudgets(clock=clock)

    assert [budgets.reserve("flood", BURST_SECONDS / 2) for _ in range(3)] == [True, True, False]
    clock.now += 1
    assert budgets.reserve("flood", SECONDS_PER_SECOND)
    assert not budgets.reserve("flood", SECONDS_PER_SECOND)
    assert budgets.reserve("porch", SECONDS_PER_SECOND)


def test_several_uploaders_together_give_an_edge_no_more_than_one_would() -> None:
    clock = Clock()
    several = [CpuBudgets(uploaders=4, clock=clock) for _ in range(4)]

    assert [budgets.reserve("flood", BURST_SECONDS / 4) for budgets in several * 2] == [True] * 4 + [False] * 4
    clock.now += 1
    assert [budgets.reserve("flood", SECONDS_PER_SECOND / 4) for budgets in several * 2] == [True] * 4 + [False] * 4


def test_what_was_set_aside_and_not_used_is_given_back() -> None:
    budgets = CpuBudgets(clock=Clock())

    for _ in range(20):
        with budgets.meter("porch") as meter:
            assert meter.reserve(BURST_SECONDS / 2)


def test_of_one_edge_one_long_image_at_a_time_is_decoded() -> None:
    budgets = CpuBudgets(clock=Clock())

    for _ in range(2):
        with budgets.meter("flood") as first, budgets.meter("flood") as second, budgets.meter("porch") as other:
            assert first.reserve(2 * LONG_SECONDS)
            assert not second.reserve(2 * LONG_SECONDS)
            assert second.reserve(LONG_SECONDS / 2)
            assert other.reserve(2 * LONG_SECONDS)


def test_what_was_used_without_being_set_aside_is_charged() -> None:
    budgets = CpuBudgets(clock=Clock())

    with budgets.meter("flood"):
        began = thread_time()
        while thread_time() < began + 0.05:
            pass

    assert not budgets.reserve("flood", BURST_SECONDS - 0.04)
    assert budgets.reserve("flood", BURST_SECONDS - 0.5)


def test_one_image_that_needs_more_than_the_burst_is_decoded_once() -> None:
    budgets = CpuBudgets(clock=Clock())

    assert [budgets.reserve("porch", 2 * BURST_SECONDS) for _ in range(2)] == [True, False]


def test_of_images_that_their_id_proves_a_sample_is_decoded() -> None:
    budgets = CpuBudgets(clock=Clock())
    message = pictures.message(pictures.png_without_its_last_rows())

    def is_stored() -> bool:
        try:
            with budgets.meter("porch") as meter:
                parse_capture(message, LIMIT, meter)
        except InvalidMessageError:
            return False
        return True

    assert not any(is_stored() for _ in range(2 * INITIAL_SAMPLES))  # it never gets beyond its first ones
    with budgets.meter("porch") as meter:
        assert [meter.take_sample() for _ in range(INITIAL_SAMPLES)] == [True] * INITIAL_SAMPLES
    assert (
        sum(not is_stored() for _ in range(SAMPLE_INTERVAL)) > INITIAL_SAMPLES
    )  # one that is found is followed by more
    with pytest.raises(InvalidMessageError):  # without an ID nothing proves it
        parse_capture(replace(message, properties={}), LIMIT, meter)


def test_edges_that_have_used_nothing_lately_are_forgotten() -> None:
    clock = Clock()
    budgets = CpuBudgets(clock=clock)
    for number in range(MAX_EDGES + 1):
        clock.now += 1
        budgets.reserve(f"edge-{number}", 0.1)

    with budgets.meter("flood"):
        pass

    assert len(budgets._limiter._left) < 100  # noqa: SLF001 -- its memory is what the test is about


@pytest.mark.parametrize("picture", [pictures.png(1, "{}"), pictures.jpeg(1, "{}")], ids=["png", "jpeg"])
def test_an_image_that_may_not_be_decoded_is_taken_when_its_structure_is_sound(picture: bytes) -> None:
    assert validate_image(picture, LIMIT, Never()) == validate_image(picture, LIMIT)
    for broken in (picture[:-1], picture[: len(picture) // 2], picture[:60]):
        with pytest.raises(NotAnImageError):
            validate_image(broken, LIMIT, Never())


def test_a_png_without_data_is_refused_undecoded() -> None:
    empty = pictures.PNG_START + pictures.chunk(b"IHDR", bytes.fromhex("00000009000000090802000000"))

    with pytest.raises(NotAnImageError, match="rows"):
        validate_image(empty + pictures.chunk(b"IEND", b""), LIMIT, Never())
