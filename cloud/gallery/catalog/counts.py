"""How many visits and captures there were in each span of time: as much as can be found out in a short time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from gallery.catalog.catalog import CaptureCatalog
from gallery.catalog.day_walker import CaptureQuery
from gallery.catalog.entry import CatalogEntry
from gallery.catalog.metadata import MetadataCache, ShotFacts

BUDGET_SECONDS = 1.0  # of one answer; what it found is cached, so that the next one gets further
BATCH = 120  # captures whose metadata is requested before it is decided whether to go on
MAX_NAMED = 50_000  # captures that are told apart by camera
MAX_DESCRIBED = 2000  # captures of one span; of more, no visits are counted


@dataclass(frozen=True, slots=True)
class SpanCount:
    """What one span of time holds."""

    captures: int
    visits: int | None  # None: not known, or not yet


@dataclass(frozen=True, slots=True)
class Counts:
    """By span, in the order in which they were asked for; None for one that was not reached."""

    spans: tuple[SpanCount | None, ...]
    complete: bool  # False: ask again to learn more


@dataclass(frozen=True, slots=True)
class CameraCount:
    """What one camera has in a span of time."""

    edge: str | None
    camera: str | None
    captures: int
    visits: int | None  # None: not known, or not yet


class VisitCounter:
    """Counts from the newest span to the oldest. Safe to use from several threads."""

    def __init__(self, catalog: CaptureCatalog, metadata: MetadataCache) -> None:
        self._catalog, self._metadata = catalog, metadata

    def count(self, bounds: Sequence[datetime], edge: str | None, camera: str | None) -> Counts:
        """One span lies between each two of the rising bounds; raises what boto3 raises and TooManyBranchesError."""
        deadline = monotonic() + BUDGET_SECONDS
        spans: list[SpanCount | None] = [None] * (len(bounds) - 1)
        later: set[str] = set()
        for place in reversed(range(len(spans))):
            entries = self._catalog.entries(CaptureQuery(edge, camera, bounds[place], bounds[place + 1]))
            visits = self._visits(entries, deadline)
            spans[place] = SpanCount(len(entries), None if visits is None else len(visits))
            _count_where_they_begin(spans, place + 1, later & (visits or set()))
            is_cut_short = visits is None and len(entries) <= MAX_DESCRIBED
            if is_cut_short or (place and monotonic() > deadline):
                return Counts(tuple(spans), complete=False)
            later = visits or set()
        return Counts(tuple(spans), complete=True)

    def by_camera(self, query: CaptureQuery) -> tuple[list[CameraCount], bool]:
        """Each camera's share of a span, and whether that is all; raises what boto3 raises and TooManyBranchesError."""
        deadline = monotonic() + BUDGET_SECONDS
        entries = self._metadata.with_metadata(self._catalog.entries(query)[:MAX_NAMED])
        groups: dict[tuple[str, str], list[CatalogEntry]] = {}
        for entry in entries:
            groups.setdefault((entry.edge or "", entry.camera or ""), []).append(entry)
        counts: list[CameraCount] = []
        for (edge, camera), found in sorted(groups.items()):
            visits = self._visits(found, deadline) if not counts or monotonic() < deadline else None
            counts.append(
                CameraCount(edge or None, camera or None, len(found), None if visits is None else len(visits))
            )
        unknown = any(count.visits is None and count.captures <= MAX_DESCRIBED for count in counts)
        return counts, not unknown

    def _visits(self, entries: Sequence[CatalogEntry], deadline: float) -> set[str] | None:
        """None of too many captures, and when time was up; at least one batch is described each time."""
        if len(entries) > MAX_DESCRIBED:
            return None
        visits: set[str] = set()
        for first in range(0, len(entries), BATCH):
            if first and monotonic() > deadline:
                return None
            batch = entries[first : first + BATCH]
            visits |= {visit_of(*each) for each in zip(batch, self._metadata.facts(batch, patient=True), strict=True)}
        return visits


def visit_of(entry: CatalogEntry, facts: ShotFacts) -> str:
    """What captures of the same visit have in common; a capture without a track is a visit of its own."""
    return f"{entry.edge}/{entry.camera}/{facts.track}" if facts.track else entry.key


def _count_where_they_begin(spans: list[SpanCount | None], place: int, visits: set[str]) -> None:
    """Take those out of a span that began in the one before."""
    span = spans[place] if visits else None
    if span is not None and span.visits is not None:
        spans[place] = SpanCount(span.captures, span.visits - len(visits))
