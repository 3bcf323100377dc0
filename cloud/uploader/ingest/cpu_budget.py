"""How much CPU the images of one edge may take: beyond that they are not decoded."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic, thread_time

from uploader.ingest.parser import InvalidMessageError
from uploader.ingest.samples import Samples

SECONDS_PER_SECOND = 0.5  # of CPU, over time, of all uploaders; a hundred honest images take about a quarter of it
BURST_SECONDS = 4.0  # two cores have done that before an honest image has waited for long
LONG_SECONDS = 0.25  # an image that may take so long has a core to itself; of one edge one at a time
MAX_EDGES = 1000  # that are remembered; who has used nothing lately is forgotten


class CpuLimiter:
    """A budget of CPU seconds for each edge, which refills. Reserving first bounds what many threads spend at once."""

    def __init__(self, uploaders: int, clock: Callable[[], float]) -> None:
        self._rate, self._burst = SECONDS_PER_SECOND / uploaders, BURST_SECONDS / uploaders
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}  # by edge: seconds left, and when
        self._long: set[str] = set()  # edges of which a long one is under way

    def reserve(self, edge: str, seconds: float) -> bool:
        """Take so much from the edge's budget; whoever has not used it may take anything once."""
        with self._lock:
            left = self._refilled(edge)
            if left < min(seconds, self._burst):
                return False
            self._left[edge] = left - seconds, self._clock()
            return True

    def reserve_alone(self, edge: str, seconds: float) -> bool:
        """Take so much, unless the edge has another long one under way."""
        if seconds <= LONG_SECONDS:
            return self.reserve(edge, seconds)
        with self._lock:
            if edge in self._long:
                return False
            self._long.add(edge)
        if self.reserve(edge, seconds):
            return True
        self._long.discard(edge)
        return False

    def end_long(self, edge: str) -> None:
        """Let the edge have another long one."""
        self._long.discard(edge)

    def spend(self, edge: str, seconds: float) -> None:
        """Take so much, whether it is there or not."""
        with self._lock:
            self._left[edge] = self._refilled(edge) - seconds, self._clock()
            if len(self._left) > MAX_EDGES:
                self._left = {name: left for name, left in self._left.items() if self._refilled(name) < self._burst}

    def _refilled(self, edge: str) -> float:
        left, since = self._left.get(edge, (self._burst, self._clock()))
        return min(self._burst, left + (self._clock() - since) * self._rate)


@dataclass(slots=True)
class CpuMeter:
    """Measures what one image takes on this thread."""

    edge: str
    limiter: CpuLimiter
    samples: Samples
    started_at: float = field(default_factory=thread_time)
    reserved: float = 0.0
    is_long: bool = False
    was_refused: bool = False

    def reserve(self, seconds: float) -> bool:
        """Set so much aside, if the edge has it left; return whether."""
        if self.limiter.reserve_alone(self.edge, seconds):
            self.reserved += seconds
            self.is_long |= seconds > LONG_SECONDS
            return True
        self.was_refused = True
        return False

    def take_sample(self) -> bool:
        """Count an image whose ID proves it; return whether it is decoded all the same."""
        return self.samples.take(self.edge)

    @property
    def unreserved(self) -> float:
        """CPU seconds that the image took beyond those set aside; negative if it took less."""
        return thread_time() - self.started_at - self.reserved


class CpuBudgets:
    """What each edge may take, and the meters that charge it."""

    def __init__(self, uploaders: int = 1, clock: Callable[[], float] = monotonic) -> None:
        """`uploaders` share the budget: they may have the same cores, and one edge reaches all of them."""
        self._limiter, self._samples = CpuLimiter(uploaders, clock), Samples()

    @contextmanager
    def meter(self, edge: str) -> Iterator[CpuMeter]:
        """Charge the edge for what happens during the `with`."""
        meter = CpuMeter(edge, self._limiter, self._samples)
        try:
            yield meter
        except InvalidMessageError:
            self._samples.begin_again(edge)
            raise
        finally:
            self._limiter.spend(edge, meter.unreserved)
            if meter.is_long:
                self._limiter.end_long(edge)

    def reserve(self, edge: str, seconds: float) -> bool:
        """Take so much from the edge's budget without a meter."""
        return self._limiter.reserve(edge, seconds)
