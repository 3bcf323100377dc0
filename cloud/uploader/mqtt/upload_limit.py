"""How many uploads run at once: as many as help. A store nearby needs few, one that takes its time needs many.

More than help cost: threads of one interpreter get in each other's way. So a number is tried while images wait, and
kept if the rate says so: a larger one if it stores more, a smaller one if it stores no less. It is changed by a
quarter, and doubled while twice as many store nearly twice as much.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

START_UPLOADS, MIN_UPLOADS = 8, 4
TRIAL_SECONDS = 0.25  # and so many uploads for each that runs at once:
TRIAL_ROUNDS = 4
TRIALS_OF_PEACE = 20  # between one failed trial and the next, which goes the other way
GAIN = 1.05  # what a larger number has to bring
LOSS = 0.97  # what a smaller one may cost
STEEP = 0.6  # of what as many more would bring if nothing bounded them: then twice as many are tried next


@dataclass(frozen=True, slots=True)
class _Known:
    """What the last number brought that was kept."""

    limit: int
    rate: float


class UploadLimit:
    """Not safe for threads by itself."""

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._min, self._max = min(most, MIN_UPLOADS), most
        self._clock = clock
        self._current = min(most, START_UPLOADS)
        self._step = 1  # up, or -1
        self._is_steep = True  # the last larger number brought nearly as much more
        self._known: _Known | None = None  # before the trial under way
        self._peace = 0
        self._began_at: float | None = None
        self._done = 0

    @property
    def current(self) -> int:
        return self._current

    def count(self, *, is_saturated: bool) -> None:
        """Note the end of an upload; `is_saturated`: another one was waiting for it."""
        now = self._clock()
        if self._began_at is None or not is_saturated:
            self._began_at, self._done = now, 0
            return
        self._done += 1
        seconds = now - self._began_at
        if seconds >= TRIAL_SECONDS and self._done >= TRIAL_ROUNDS * self._current:
            self._began_at, self._done, rate = now, 0, self._done / seconds
            self._judge(rate)

    def _judge(self, rate: float) -> None:
        known, self._known = self._known, None
        if known is None:
            if self._peace:
                self._peace -= 1
            else:
                self._try_another(rate)
        elif rate > known.rate * (GAIN if self._step > 0 else LOSS):
            more, brought = self._current / known.limit - 1, rate / known.rate - 1
            self._is_steep = self._step > 0 and brought >= STEEP * more
            self._try_another(max(rate, known.rate))
        else:
            self._current = known.limit
            self._turn()

    def _try_another(self, rate: float) -> None:
        part = 1 if self._is_steep else 4
        change = max(1, self._current // part) * self._step
        other = min(self._max, max(self._min, self._current + change))
        if other == self._current:
            self._turn()
            return
        self._known = _Known(self._current, rate)
        self._current = other

    def _turn(self) -> None:
        self._step, self._peace, self._is_steep = -self._step, TRIALS_OF_PEACE, False
