"""As many uploads at once as help, whatever the store and however the rate varies."""

import random

import pytest

from uploader.mqtt.upload_limit import MIN_UPLOADS, UploadLimit

MOST = 64


class Store:
    """So many uploads a second when so many run at once: latency bounds a few, and CPU bounds many."""

    def __init__(self, seconds: float, cpu_seconds: float, friction: float) -> None:
        self.now = 0.0
        self._seconds, self._cpu_seconds, self._friction = seconds, cpu_seconds, friction
        self._random = random.Random(1)

    def __call__(self) -> float:
        return self.now

    def rate(self, at_once: int) -> float:
        cpu = self._cpu_seconds * (1 + self._friction * at_once)
        return min(at_once / (self._seconds + cpu), 1 / cpu)

    def run(self, limit: UploadLimit, seconds: float) -> list[int]:
        """Upload for so long; return which numbers were used."""
        used = []
        while self.now < seconds:
            self.now += self._random.uniform(0.7, 1.3) / self.rate(limit.current)
            limit.count(is_saturated=True)
            used.append(limit.current)
        return used


@pytest.mark.parametrize(
    ("seconds", "cpu_seconds", "friction", "least", "most"),
    [
        (0.02, 0.0006, 0.0, 28, MOST),  # far: 34 are busy with the CPU
        (0.1, 0.0006, 0.0, 50, MOST),  # farther than all threads reach
        (0.001, 0.001, 0.05, MIN_UPLOADS, 8),  # near: more only get in each other's way
        (0.001, 0.001, 0.0, MIN_UPLOADS, 10),
    ],
)
def test_it_settles_where_more_do_not_help(
    seconds: float, cpu_seconds: float, friction: float, least: int, most: int
) -> None:
    store = Store(seconds, cpu_seconds, friction)
    limit = UploadLimit(MOST, store)

    store.run(limit, 20)
    used = store.run(limit, 40)

    assert least <= sum(used) / len(used) <= most


def test_a_distant_store_has_all_there_are_within_a_few_round_trips() -> None:
    store = Store(0.1, 0.0006, 0.0)
    limit = UploadLimit(MOST, store)

    store.run(limit, 2.5)

    assert limit.current == MOST
    assert min(store.run(limit, 60)) >= MOST * 3 // 4  # fewer are tried in small steps


def test_it_follows_a_store_that_moves_away_and_comes_back() -> None:
    limit = UploadLimit(MOST, near := Store(0.001, 0.001, 0.05))
    near.run(limit, 20)
    far = Store(0.02, 0.0006, 0.0)
    limit._clock, far.now = far, near.now  # noqa: SLF001 -- it is the same limit

    assert limit.current <= 10
    assert max(far.run(limit, 50)) >= 28
    near.now, limit._clock = far.now, near  # noqa: SLF001
    near.run(limit, 120)
    assert limit.current <= 12


def test_what_comes_too_slowly_to_tell_changes_nothing() -> None:
    store = Store(0.02, 0.0006, 0.0)
    limit = UploadLimit(MOST, store)

    for _ in range(1000):
        store.now += 0.1
        limit.count(is_saturated=False)

    assert limit.current == UploadLimit(MOST).current


@pytest.mark.parametrize("most", [1, 2, 4, 5])
def test_it_never_leaves_its_bounds(most: int) -> None:
    store = Store(0.02, 0.0006, 0.0)

    used = store.run(UploadLimit(most, store), 5)

    assert 1 <= min(used) <= max(used) <= most
