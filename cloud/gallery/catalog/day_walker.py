"""The way through the bucket from the newest day to the oldest; no prefix is listed before it is needed."""

import heapq
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from gallery.catalog.date_index import CENTURY, DatePrefixIndex
from gallery.catalog.entry import MAX_AHEAD
from storage.keys.folders import holds_no_captures
from storage.keys.parser import KeyParser
from storage.keys.segments import DatePrefix, FieldSegment, LiteralSegment, Segment, TimeSegment
from storage.reader import ObjectReader

MAX_WORKERS = 8  # requests at once
MAX_OLDEST = 50  # cameras whose oldest day is looked for
MAX_BRANCHES = 500  # edges times cameras that are read side by side

TimePath = tuple[str, ...]  # the names of the time folders on the way, from coarse to fine


class TooManyBranchesError(Exception):
    """There are more edges or cameras than can be read side by side; the message says so."""


@dataclass(frozen=True, slots=True)
class CaptureQuery:
    """Which captures are asked for; None is all."""

    edge: str | None = None
    camera: str | None = None
    since: datetime | None = None  # aware, included
    until: datetime | None = None  # aware, not included
    in_order: bool = True  # False: in any order, and then of any number of edges


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """A prefix with the captures of one camera and day, or part of them."""

    time_path: TimePath
    prefix: str


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """From one time to another, as folders name them; None is open."""

    first: TimePath | None
    last: TimePath | None

    def overlaps(self, time_path: TimePath) -> bool:
        """Whether something below these folders may be in the window."""
        depth = len(time_path)
        after = self.first is None or time_path >= self.first[:depth]
        return after and (self.last is None or time_path <= self.last[:depth])

    def only_name(self, time_path: TimePath) -> str | None:
        """The one folder below these that can be in the window; None if there may be several."""
        depth = len(time_path) + 1
        if self.first is None or self.last is None or self.first[:depth] != self.last[:depth]:
            return None
        return self.last[depth - 1]


class DayWalker:
    """Follows the segments of the key template."""

    def __init__(self, reader: ObjectReader, key_parser: KeyParser) -> None:
        """Only for a template whose prefixes lead to a day (`by_day`)."""
        self._reader, self._segments = reader, key_parser.segments
        last = self._segments[-1] if self._segments else None
        self._date_index = DatePrefixIndex(reader, key_parser, last.format) if isinstance(last, DatePrefix) else None

    def newest_first(self, query: CaptureQuery, start: TimePath | None = None) -> Iterator[Day]:
        """All days that may hold something, not newer than `start` or tomorrow; raises TooManyBranchesError."""
        latest = datetime.now(UTC) + MAX_AHEAD
        last = self._time_path(min(query.until - timedelta(microseconds=1), latest) if query.until else latest)
        since = self._time_path(query.since) if query.since else None
        window = TimeWindow(since, last if start is None else min(start, last))
        return self._walk("", (), query, window)

    def oldest_day(self, query: CaptureQuery) -> date | None:
        """By the first folders of each camera; None of more cameras than can be asked in a short time."""
        paths = list(itertools.islice(self._oldest_paths("", (), query), MAX_OLDEST))
        found = [day for path in paths if (day := self._day_of(path)) is not None]
        return None if len(paths) == MAX_OLDEST else min(found, default=None)

    def _oldest_paths(
        self, prefix: str, time_path: TimePath, query: CaptureQuery, depth: int = 0
    ) -> Iterator[TimePath]:
        if depth == len(self._segments):
            yield time_path
            return
        segment = self._segments[depth]
        if isinstance(segment, DatePrefix):
            yield from [_date_path(self._date_index.oldest_day(prefix))] if self._date_index else []
        elif isinstance(segment, TimeSegment):
            names = [name for name in sorted(self._reader.list_prefixes(prefix)) if time_path or name > CENTURY]
            for name in names[:1]:
                yield from self._oldest_paths(f"{prefix}{name}/", (*time_path, name), query, depth + 1)
        else:
            for name in self._names(prefix, segment, query):
                yield from self._oldest_paths(f"{prefix}{name}/", time_path, query, depth + 1)

    def _day_of(self, time_path: TimePath) -> date | None:
        """The day that folders name; None for folders of somebody else."""
        times = [segment.format for segment in self._segments if isinstance(segment, TimeSegment)]
        try:
            form = "%Y/%m/%d" if self._date_index else "/".join(times)
            return datetime.strptime("/".join(time_path), form).replace(tzinfo=UTC).date()
        except ValueError:
            return None

    def _walk(
        self, prefix: str, time_path: TimePath, query: CaptureQuery, window: TimeWindow, depth: int = 0
    ) -> Iterator[Day]:
        if depth == len(self._segments):
            yield Day(time_path, prefix)
            return
        segment = self._segments[depth]
        if isinstance(segment, DatePrefix):
            yield from self._days(prefix, segment, window)
        elif isinstance(segment, TimeSegment):
            for name in self._time_names(prefix, time_path, window):
                yield from self._walk(f"{prefix}{name}/", (*time_path, name), query, window, depth + 1)
        else:
            names = self._names(prefix, segment, query)
            branches = [self._walk(f"{prefix}{name}/", time_path, query, window, depth + 1) for name in names]
            yield from _merge(branches, segment, in_order=query.in_order)

    def _days(self, prefix: str, segment: DatePrefix, window: TimeWindow) -> Iterator[Day]:
        if self._date_index is None:
            return
        first, last = (_date(end) if end else None for end in (window.first, window.last))
        for day in self._date_index.newest_first(prefix, first, last):
            yield Day(_date_path(day), prefix + day.strftime(segment.format))

    def _time_names(self, prefix: str, time_path: TimePath, window: TimeWindow) -> Iterator[str]:
        only = window.only_name(time_path)
        names = [only] if only else sorted(self._reader.list_prefixes(prefix), reverse=True)
        return (name for name in names if window.overlaps((*time_path, name)))

    def _names(self, prefix: str, segment: Segment, query: CaptureQuery) -> list[str]:
        if isinstance(segment, LiteralSegment):
            return [segment.text]
        field = segment.field if isinstance(segment, FieldSegment) else ""
        only = {"edge": query.edge, "camera": query.camera}.get(field)
        return [only] if only else _folders_of_captures(self._reader, prefix)

    def _time_path(self, time: datetime) -> TimePath:
        time = time.astimezone(UTC)
        if self._date_index:
            return _date_path(time)
        return tuple(time.strftime(segment.format) for segment in self._segments if isinstance(segment, TimeSegment))


def _date_path(day: date) -> TimePath:
    return f"{day:%Y}", f"{day:%m}", f"{day:%d}"


def _date(time_path: TimePath) -> date:
    """Raises ValueError."""
    try:
        return datetime.strptime("/".join(time_path), "%Y/%m/%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise ValueError("The cursor is not valid.") from error


def _merge(branches: list[Iterator[Day]], segment: Segment, *, in_order: bool) -> Iterator[Day]:
    """The days of all branches, the newest first if that matters."""
    if not in_order:
        return itertools.chain.from_iterable(branches)
    if len(branches) > MAX_BRANCHES:
        kind = segment.field if isinstance(segment, FieldSegment) else "folder"
        raise TooManyBranchesError(f"There are {len(branches):,} {kind}s: choose one.")
    return heapq.merge(*_started(branches), reverse=True)


def _started(branches: list[Iterator[Day]]) -> list[Iterator[Day]]:
    """The same branches, with the first day of each read side by side."""
    if len(branches) == 1:
        return branches
    with ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="day-walker") as pool:
        first_days = list(pool.map(lambda branch: next(branch, None), branches))
    started = zip(first_days, branches, strict=True)
    return [itertools.chain([first], branch) for first, branch in started if first is not None]


def _folders_of_captures(reader: ObjectReader, prefix: str) -> list[str]:
    return [name for name in reader.list_prefixes(prefix) if not holds_no_captures(f"{prefix}{name}/")]


def list_cameras(reader: ObjectReader, key_parser: KeyParser) -> dict[str, list[str]]:
    """The cameras of each edge, as far as the first folders tell them."""
    edge, camera = FieldSegment("edge"), FieldSegment("camera")
    segments = key_parser.segments
    before = list(itertools.takewhile(lambda segment: segment != edge, segments))
    folders = [segment.text for segment in before if isinstance(segment, LiteralSegment)]
    if len(before) == len(segments) or len(folders) < len(before):
        return {}
    prefix = "".join(f"{folder}/" for folder in folders)
    edges = sorted(_folders_of_captures(reader, prefix))
    if segments[len(before) + 1 : len(before) + 2] != [camera] or len(edges) > MAX_BRANCHES:
        return {name: [] for name in edges}
    return {name: sorted(reader.list_prefixes(f"{prefix}{name}/")) for name in edges}
