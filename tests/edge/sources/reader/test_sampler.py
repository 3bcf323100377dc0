"""At most so many frames a second, evenly."""

from camera.sources.reader.sampler import FrameSampler


def test_a_sampler_picks_evenly_and_at_most_at_its_rate() -> None:
    sampler = FrameSampler(10)

    due = [n for n in range(30) if sampler.accept(n / 30)]

    assert due == list(range(0, 30, 3))


def test_a_sampler_takes_every_frame_of_a_source_at_its_rate() -> None:
    sampler = FrameSampler(30)

    assert all(sampler.accept(round(n / 30 + (0.002 if n % 2 else 0), 3)) for n in range(600))


def test_a_sampler_takes_another_rate_at_the_next_frame() -> None:
    sampler, due = FrameSampler(5), []
    for number in range(12):
        sampler.rate = 5 if number < 7 else 10
        if sampler.accept(number / 10):
            due.append(number)

    assert due == [0, 2, 4, 6, 7, 8, 9, 10, 11]


def test_a_sampler_does_not_catch_up_after_a_pause() -> None:
    sampler = FrameSampler(1)

    assert [sampler.accept(seconds) for seconds in (0.0, 0.5, 10.0, 10.1, 11.0)] == [True, False, True, False, True]
