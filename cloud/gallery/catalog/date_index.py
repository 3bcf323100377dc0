"""The days of a bucket whose object names begin with the day, in any order of day, month and year."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

from cachetools import TTLCache

from storage.keys.parser import KeyParser
from storage.reader import ListedObject, ObjectReader

MAX_LISTED_AT_ONCE = 1000  # objects: fewer fit into one list, which then tells all days
MAX_DAYS_TO_TRY = 62  # are tried one by one, whether or not they hold anything
OLDEST_DAY_SECONDS = 3600.0  # how long the oldest day is cached: only retention changes it
MAX_OLDEST_DAYS = 5000
MAX_WORKERS = 8  # requests at once
CENTURY = "20"  # clocks that were never set report 1970; nobody wants to go back there day by day
ONE_DAY = timedelta(days=1)
LEAP_YEAR = [date(2024, 1, 1) + number * ONE_DAY for number in range(366)]


class DatePrefixIndex:
    """Tells which days to look at below a prefix. Safe to use from several threads."""

    def __init__(self, reader: ObjectReader, key_parser: KeyParser, date_format: str) -> None:
        """`date_format` is the strftime format with which object names begin."""
        self._reader, self._key_parser, self._date_format = reader, key_parser, date_format
        self._oldest_days: TTLCache[str, date] = TTLCache(MAX_OLDEST_DAYS, OLDEST_DAY_SECONDS)
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="date-index")

    def newest_first(self, prefix: str, first: date | None, last: date | None) -> Iterator[date]:
        """All days that may hold something, from the last to the first."""
        tomorrow = datetime.now(UTC).date() + ONE_DAY  # a camera's clock may be ahead
        newest = min(last, tomorrow) if last else tomorrow
        if first is None or newest - first > MAX_DAYS_TO_TRY * ONE_DAY:
            days = self._list_all_days(prefix)
            if days is not None:
                yield from (day for day in days if (first or day) <= day <= (last or day))
                return
            first = max(first or date.min, self.oldest_day(prefix))
        for back in range((newest - first).days + 1):
            yield newest - back * ONE_DAY

    def _list_all_days(self, prefix: str) -> list[date] | None:
        """The days, the newest first; None where one list cannot tell them all."""
        if self._cached_oldest_day(prefix):
            return None
        listed = self._reader.list_objects(prefix, MAX_LISTED_AT_ONCE)
        return sorted(self._days_of(listed), reverse=True) if len(listed) < MAX_LISTED_AT_ONCE else None

    def oldest_day(self, prefix: str) -> date:
        """By the first object below each text that names can have before the year."""
        cached = self._cached_oldest_day(prefix)
        if cached:
            return cached
        before_year = self._date_format.partition("%Y")[0]
        starts = sorted({day.strftime(before_year) for day in LEAP_YEAR})
        lists = self._pool.map(lambda start: self._reader.list_objects(f"{prefix}{start}{CENTURY}", 1), starts)
        oldest = min((day for listed in lists for day in self._days_of(listed)), default=datetime.now(UTC).date())
        with self._lock:
            self._oldest_days[prefix] = oldest
        return oldest

    def _cached_oldest_day(self, prefix: str) -> date | None:
        with self._lock:
            return self._oldest_days.get(prefix)

    def _days_of(self, listed: list[ListedObject]) -> set[date]:
        keys = (self._key_parser.parse(each.key) for each in listed)
        return {key.day for key in keys if key is not None and key.day is not None}
