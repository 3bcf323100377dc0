"""What is wrong with the messages of each edge, said with its name: the first at once, then one line a minute."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from time import monotonic

SPAN_SECONDS = 60.0
MAX_EDGES = 1000  # that are told apart; the topic is only as trustworthy as the broker
OTHERS = "other edges"
log = logging.getLogger(__name__)


class Offence(Enum):
    """What was done with a message that was not simply stored."""

    REJECTED = "rejected"
    UNDECODED = "stored undecoded"
    DROPPED = "dropped"
    LEFT = "left at the broker for later"


@dataclass(slots=True)
class _Span:
    began_at: float
    known: set[Offence] = field(default_factory=set)  # said before, so that only its count is news
    counts: Counter[Offence] = field(default_factory=Counter)
    last: str = ""


class Offences:
    """Counts them for each edge."""

    def __init__(
        self, clock: Callable[[], float] = monotonic, on_count: Callable[[str, Offence], object] = lambda *_: None
    ) -> None:
        """`on_count` hears of each, for the metrics."""
        self._clock = clock
        self._on_count = on_count
        self._lock = threading.Lock()
        self._spans: dict[str, _Span] = {}

    def count(self, edge: str, offence: Offence, sentence: str) -> None:
        """Count one; the sentence is logged unless one like it was lately."""
        self._on_count(edge, offence)
        with self._lock:
            name = edge if edge in self._spans or len(self._spans) < MAX_EDGES else OTHERS
            span = self._spans.setdefault(name, _Span(self._clock()))
            if offence in span.known:
                span.counts[offence] += 1
                span.last = sentence
                return
            span.known.add(offence)
        log.warning("%s", sentence)

    def report(self, *, final: bool = False) -> None:
        """Log one line for each edge whose minute is over; call it often."""
        now = self._clock()
        with self._lock:
            over = {edge: span for edge, span in self._spans.items() if final or now - span.began_at >= SPAN_SECONDS}
            for edge, span in over.items():
                del self._spans[edge]
                if span.counts:
                    self._spans[edge] = _Span(now, span.known)
        for edge, span in over.items():
            if span.counts:
                counts = ", ".join(f"{count} {offence.value}" for offence, count in span.counts.items())
                seconds = now - span.began_at
                log.warning("%s: within %.0f s %s more; the last: %s", edge, seconds, counts, span.last)
