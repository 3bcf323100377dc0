"""What this month's captures cost so far, by edge."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gallery.catalog.catalog import CaptureCatalog
from gallery.catalog.entry import CatalogEntry
from storage.errors import S3_ERRORS

log = logging.getLogger(__name__)
COUNT_SECONDS = 3600.0  # from one count to the next
RETRY_SECONDS = 60.0
MAX_CAPTURES = 2_000_000  # from there on it is "at least": two thousand list requests
BYTES_PER_GB = 1e9


@dataclass(frozen=True, slots=True)
class Prices:
    """What the store charges, in any currency."""

    per_1000_puts: float
    per_gb_month: float


@dataclass(slots=True)
class MonthUsage:
    """What was counted of one month."""

    month: datetime  # its beginning, in UTC
    at: datetime  # when it was counted, aware
    puts: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    complete: bool = True

    def add(self, entries: Iterable[CatalogEntry]) -> None:
        for entry in entries:
            edge = entry.edge or ""
            self.puts[edge] += 1
            self.bytes[edge] += entry.size


class CostEstimator:
    """Counts in the background, at most once an hour, and adds what receipts report. Safe for several threads."""

    def __init__(self, catalog: CaptureCatalog, prices: Prices, *, by_day: bool) -> None:
        """Without prefixes by day it would take a listing of the whole bucket, and nothing is counted."""
        self._catalog, self._prices, self._by_day = catalog, prices, by_day
        self._usage: MonthUsage | None = None
        self._stored: Counter[str] = Counter()  # since it was counted
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._counted_at = float("-inf")

    def record_stored(self, edge: str) -> None:
        """Add one capture that was stored just now."""
        with self._lock:
            self._stored[edge] += 1

    def refresh(self) -> None:
        """Start a new count in the background, if the last one is old."""
        with self._lock:
            fresh = time.monotonic() - self._counted_at < COUNT_SECONDS
            running = self._thread is not None and self._thread.is_alive()
            if not self._by_day or fresh or running:
                return
            self._thread = threading.Thread(target=self._run, name="cost", daemon=True)
            self._thread.start()

    def estimate(self) -> dict[str, object]:
        """What was counted so far, with what was stored since."""
        with self._lock:
            usage, stored = self._usage, Counter(self._stored)
        estimate: dict[str, object] = {"counted": usage is not None, "possible": self._by_day}
        if usage is None:
            return estimate
        edges = [self._edge(edge, usage, stored) for edge in sorted({*usage.puts, *stored})]
        return estimate | {
            "month": f"{usage.month:%Y-%m}",
            "at": usage.at.isoformat(timespec="seconds"),
            "complete": usage.complete,
            "prices": {"per_1000_puts": self._prices.per_1000_puts, "per_gb_month": self._prices.per_gb_month},
            "edges": edges,
        }

    def _edge(self, edge: str, usage: MonthUsage, stored: Counter[str]) -> dict[str, object]:
        mean = usage.bytes[edge] / usage.puts[edge] if usage.puts[edge] else 0
        puts = usage.puts[edge] + stored[edge]
        size = round(usage.bytes[edge] + mean * stored[edge])
        price = puts / 1000 * self._prices.per_1000_puts + size / BYTES_PER_GB * self._prices.per_gb_month
        return {"edge": edge, "puts": puts, "bytes": size, "price": round(price, 4)}

    def _run(self) -> None:
        with self._lock:
            before = Counter(self._stored)
        try:
            usage = self._count()
        except S3_ERRORS as error:
            log.warning("This month's cost could not be counted: %s", error)
            with self._lock:
                self._counted_at = time.monotonic() - COUNT_SECONDS + RETRY_SECONDS
            return
        except Exception:
            log.exception("This month's cost could not be counted because of a bug")
            with self._lock:
                self._counted_at = time.monotonic() - COUNT_SECONDS + RETRY_SECONDS
            return
        with self._lock:
            self._usage, self._counted_at = usage, time.monotonic()
            self._stored -= before

    def _count(self) -> MonthUsage:
        now = datetime.now(UTC)
        usage = MonthUsage(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0), now)
        for entries in self._catalog.iter_since(usage.month):
            usage.add(entries)
            if usage.puts.total() > MAX_CAPTURES:
                usage.complete = False
                break
        return usage
