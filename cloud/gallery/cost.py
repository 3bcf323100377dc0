"""What this month's captures cost so far, by edge."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gallery.catalog.catalog import Album
from gallery.catalog.entry import Picture
from storage.errors import S3_ERRORS

LOG = logging.getLogger(__name__)
PAUSE_SECONDS = 3600.0
RETRY_SECONDS = 60.0
MOST_PICTURES = 2_000_000  # then it says "at least": two thousand lists
BYTES_PER_GB = 1e9


@dataclass(frozen=True, slots=True)
class Prices:
    """Of the store, in whatever currency."""

    per_1000_puts: float
    per_gb_month: float


@dataclass(slots=True)
class Count:
    """What was counted of one month."""

    month: datetime  # its beginning, in UTC
    at: datetime  # when, aware
    puts: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    complete: bool = True

    def add(self, pictures: Iterable[Picture]) -> None:
        for picture in pictures:
            edge = picture.edge or ""
            self.puts[edge] += 1
            self.bytes[edge] += picture.size


class Cost:
    """Counts in the background, at most once an hour, and adds what receipts tell. Safe to use from several threads."""

    def __init__(self, album: Album, prices: Prices, *, by_day: bool) -> None:
        """Without folders by day it would take a list of the whole bucket, and nothing is counted."""
        self._album, self._prices, self._by_day = album, prices, by_day
        self._count: Count | None = None
        self._stored: Counter[str] = Counter()  # since it was counted
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._counted_at = float("-inf")

    def stored(self, edge: str) -> None:
        """One more was stored."""
        with self._guard:
            self._stored[edge] += 1

    def now(self) -> dict[str, object]:
        """What is known; begins to count when that is old."""
        self._refresh()
        with self._guard:
            count, stored = self._count, Counter(self._stored)
        answer: dict[str, object] = {"counted": count is not None, "possible": self._by_day}
        if count is None:
            return answer
        edges = [self._edge(edge, count, stored) for edge in sorted({*count.puts, *stored})]
        return answer | {
            "month": f"{count.month:%Y-%m}",
            "at": count.at.isoformat(timespec="seconds"),
            "complete": count.complete,
            "prices": {"per_1000_puts": self._prices.per_1000_puts, "per_gb_month": self._prices.per_gb_month},
            "edges": edges,
        }

    def _edge(self, edge: str, count: Count, stored: Counter[str]) -> dict[str, object]:
        mean = count.bytes[edge] / count.puts[edge] if count.puts[edge] else 0
        puts = count.puts[edge] + stored[edge]
        size = round(count.bytes[edge] + mean * stored[edge])
        price = puts / 1000 * self._prices.per_1000_puts + size / BYTES_PER_GB * self._prices.per_gb_month
        return {"edge": edge, "puts": puts, "bytes": size, "price": round(price, 4)}

    def _refresh(self) -> None:
        with self._guard:
            fresh = time.monotonic() - self._counted_at < PAUSE_SECONDS
            running = self._thread is not None and self._thread.is_alive()
            if not self._by_day or fresh or running:
                return
            self._thread = threading.Thread(target=self._work, name="cost", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        with self._guard:
            before = Counter(self._stored)
        try:
            count = self._counted()
        except S3_ERRORS as error:
            LOG.warning("This month's cost could not be counted: %s", error)
            with self._guard:
                self._counted_at = time.monotonic() - PAUSE_SECONDS + RETRY_SECONDS
            return
        with self._guard:
            self._count, self._counted_at = count, time.monotonic()
            self._stored -= before

    def _counted(self) -> Count:
        now = datetime.now(UTC)
        count = Count(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0), now)
        for pictures in self._album.since(count.month):
            count.add(pictures)
            if count.puts.total() > MOST_PICTURES:
                count.complete = False
                break
        return count
