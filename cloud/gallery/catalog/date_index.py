"""The days of a bucket whose names begin with the day, in whatever order of day, month and year."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from time import monotonic

from storage.key_parser import Layout
from storage.reader import Bucket, Stored

FEW = 1000  # objects: one list shows them all
FEW_DAYS = 62  # are asked for one by one, whether or not they hold something
OLDEST_SECONDS = 3600.0  # how long the oldest day is believed: only retention changes it
TOGETHER = 8  # requests at once
CENTURY = "20"  # clocks that were never set tell of 1970; nobody wants to go back there day by day
ONE_DAY = timedelta(days=1)
LEAP_YEAR = [date(2024, 1, 1) + number * ONE_DAY for number in range(366)]


class Dates:
    """Tells which days to look at below a prefix. Safe to use from several threads."""

    def __init__(self, bucket: Bucket, layout: Layout) -> None:
        """Only for a layout whose last level is a date."""
        self._bucket, self._layout, self._form = bucket, layout, layout.levels[-1].text
        self._oldest: dict[str, tuple[float, date]] = {}
        self._pool = ThreadPoolExecutor(TOGETHER, thread_name_prefix="dates")

    def newest_first(self, prefix: str, first: date | None, last: date | None) -> Iterator[date]:
        """All that may hold something, from the last to the first."""
        tomorrow = datetime.now(UTC).date() + ONE_DAY  # a camera's clock may be ahead
        newest = min(last, tomorrow) if last else tomorrow
        if first is None or newest - first > FEW_DAYS * ONE_DAY:
            few = self._few(prefix)
            if few is not None:
                yield from (day for day in few if (first or day) <= day <= (last or day))
                return
            first = max(first or date.min, self._oldest_day(prefix))
        for back in range((newest - first).days + 1):
            yield newest - back * ONE_DAY

    def _few(self, prefix: str) -> list[date] | None:
        """The days, the newest first, where one list shows them all."""
        if self._known_oldest(prefix):
            return None
        listed = self._bucket.objects(prefix, FEW)
        return sorted(self._days(listed), reverse=True) if len(listed) < FEW else None

    def _oldest_day(self, prefix: str) -> date:
        """From the first name below each start that names can have before the year."""
        known = self._known_oldest(prefix)
        if known:
            return known
        before_year = self._form.partition("%Y")[0]
        starts = sorted({day.strftime(before_year) for day in LEAP_YEAR})
        listed = self._pool.map(lambda start: self._bucket.objects(f"{prefix}{start}{CENTURY}", 1), starts)
        oldest = min((day for some in listed for day in self._days(some)), default=datetime.now(UTC).date())
        self._oldest[prefix] = (monotonic(), oldest)
        return oldest

    def _known_oldest(self, prefix: str) -> date | None:
        at, day = self._oldest.get(prefix, (0.0, None))
        return day if day and monotonic() - at < OLDEST_SECONDS else None

    def _days(self, listed: list[Stored]) -> set[date]:
        names = (self._layout.read(stored.key) for stored in listed)
        return {name.day for name in names if name is not None and name.day is not None}
