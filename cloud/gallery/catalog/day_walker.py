"""The way through the bucket from the newest day to the oldest, asking for no folder before it is needed."""

import heapq
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from gallery.catalog.date_index import Dates
from storage.key_parser import Layout
from storage.reader import Bucket

OUR_OWN = ("rejected", ".usbcam-check")  # folders that hold no captures
TOGETHER = 8  # requests at once
MOST_BRANCHES = 500  # edges times cameras that are looked through side by side

Times = tuple[str, ...]  # the folders by time on the way, the coarse first


class TooManyError(Exception):
    """More edges and cameras than can be looked through together, as a sentence."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be seen; None is everything."""

    edge: str | None = None
    camera: str | None = None
    since: datetime | None = None  # aware, included
    until: datetime | None = None  # aware, not included
    in_order: bool = True  # False: in any, and then of any number of edges


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """A folder with the captures of one camera and day, or less of it."""

    times: Times
    prefix: str


@dataclass(frozen=True, slots=True)
class Span:
    """From one time to another, as folders have them; None is open."""

    first: Times | None
    last: Times | None

    def covers(self, times: Times) -> bool:
        """Whether something below these folders may lie in it."""
        depth = len(times)
        after = self.first is None or times >= self.first[:depth]
        return after and (self.last is None or times <= self.last[:depth])

    def only(self, times: Times) -> list[str]:
        """The one folder below these that can lie in it; empty if there may be several."""
        depth = len(times) + 1
        if self.first is None or self.last is None or self.first[:depth] != self.last[:depth]:
            return []
        return [self.last[depth - 1]]


class Days:
    """Walks along the levels of the layout."""

    def __init__(self, bucket: Bucket, layout: Layout) -> None:
        """Only for a layout that is `by_day`."""
        self._bucket, self._levels = bucket, layout.levels
        by_name = bool(self._levels) and self._levels[-1].kind == "date"
        self._dates = Dates(bucket, layout) if by_name else None

    def newest_first(self, wanted: Wanted, upto: Times | None = None) -> Iterator[Day]:
        """All that may hold something, not newer than `upto`; raises TooManyError."""
        last = self._times_of(wanted.until - timedelta(microseconds=1)) if wanted.until else None
        ends = [times for times in (upto, last) if times is not None]
        span = Span(self._times_of(wanted.since) if wanted.since else None, min(ends) if ends else None)
        return self._walk("", 0, (), wanted, span)

    def _walk(self, prefix: str, depth: int, times: Times, wanted: Wanted, span: Span) -> Iterator[Day]:
        if depth == len(self._levels):
            yield Day(times, prefix)
            return
        if self._levels[depth].kind == "date" and self._dates:
            first, last = (_date(end) if end else None for end in (span.first, span.last))
            for day in self._dates.newest_first(prefix, first, last):
                yield Day(_times(day), prefix + day.strftime(self._levels[depth].text))
            return
        if self._levels[depth].kind == "time":
            names = span.only(times) or sorted(self._bucket.folders(prefix), reverse=True)
            for name in (name for name in names if span.covers((*times, name))):
                yield from self._walk(f"{prefix}{name}/", depth + 1, (*times, name), wanted, span)
            return
        names = self._names(prefix, depth, wanted)
        branches = (self._walk(f"{prefix}{name}/", depth + 1, times, wanted, span) for name in names)
        if not wanted.in_order:
            yield from itertools.chain.from_iterable(branches)
            return
        if len(names) > MOST_BRANCHES:
            raise TooManyError(f"There are {len(names):,} {self._levels[depth].kind}s: choose one.")
        yield from heapq.merge(*_started(list(branches)), reverse=True)

    def _names(self, prefix: str, depth: int, wanted: Wanted) -> list[str]:
        level = self._levels[depth]
        if level.kind == "other":
            return [level.text]
        only = wanted.edge if level.kind == "edge" else wanted.camera
        return [only] if only else [name for name in self._bucket.folders(prefix) if name not in OUR_OWN]

    def _times_of(self, moment: datetime) -> Times:
        moment = moment.astimezone(UTC)
        if self._dates:
            return _times(moment)
        return tuple(moment.strftime(level.text) for level in self._levels if level.kind == "time")


def _times(day: date) -> Times:
    return f"{day:%Y}", f"{day:%m}", f"{day:%d}"


def _date(times: Times) -> date:
    """Raises ValueError."""
    try:
        return datetime.strptime("/".join(times), "%Y/%m/%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise ValueError("no cursor of ours") from error


def _started(branches: list[Iterator[Day]]) -> list[Iterator[Day]]:
    """The same, with the first day of each asked for side by side."""
    if len(branches) == 1:
        return branches
    with ThreadPoolExecutor(TOGETHER, thread_name_prefix="days") as pool:
        firsts = list(pool.map(lambda branch: next(branch, None), branches))
    known = zip(firsts, branches, strict=True)
    return [itertools.chain([first], branch) for first, branch in known if first is not None]


def places(bucket: Bucket, layout: Layout) -> dict[str, list[str]]:
    """The cameras of each edge, as far as the first folders tell them."""
    kinds = [level.kind for level in layout.levels]
    prefix = "".join(f"{level.text}/" for level in layout.levels[: kinds.index("edge")]) if "edge" in kinds else ""
    before = set(kinds[: kinds.index("edge")]) if "edge" in kinds else {"time"}
    if before - {"other"}:
        return {}
    edges = bucket.folders(prefix)
    follows = kinds[kinds.index("edge") + 1 :][:1] == ["camera"]
    near = edges if follows and len(edges) <= MOST_BRANCHES else []
    known = {edge: sorted(bucket.folders(f"{prefix}{edge}/")) for edge in near}
    return {edge: known.get(edge, []) for edge in sorted(edges) if edge not in OUR_OWN}
