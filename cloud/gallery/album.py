"""Captures in the order in which they were made, the newest first, page by page."""

import base64
import binascii
import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gallery.bucket import Bucket, Stored
from gallery.days import OUR_OWN, Day, Days, Times, Wanted
from gallery.layout import Layout

PAGE = 60
MOST_KEPT = 200_000  # pictures of folders that were read
FRESH_SECONDS = 5.0  # how long a folder is believed; one of a day that is over, for ever
MOST_IN_FOLDER = 50_000  # objects of one folder that are put in order
MOST_UNORDERED = 20_000  # objects of a bucket without folders by date
OVER = timedelta(days=2)  # after its end a day's stragglers have come, mostly


@dataclass(frozen=True, slots=True)
class Picture:
    """One capture in the bucket."""

    key: str
    size: int
    at: datetime  # captured, or if the key does not tell, stored; aware
    edge: str | None
    camera: str | None

    @property
    def order(self) -> tuple[str, str]:
        """Later is greater."""
        return self.at.astimezone(UTC).isoformat(timespec="milliseconds"), self.key


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: what follows is older."""

    times: Times
    order: tuple[str, str]

    def text(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.times, self.order]).encode()).decode()

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Raises ValueError."""
        try:
            times, (at, key) = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(tuple(str(name) for name in times), (str(at), str(key)))
        except (binascii.Error, ValueError, TypeError) as error:
            raise ValueError("no cursor of ours") from error


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder held when it was read."""

    pictures: tuple[Picture, ...]
    good_until: float  # monotonic


@dataclass(frozen=True, slots=True)
class Page:
    """Some pictures, and where to go on; None at the end."""

    pictures: tuple[Picture, ...]
    cursor: str | None
    note: str = ""


class Album:
    """Reads the bucket in order. Safe to use from several threads; raises what boto3 raises."""

    def __init__(self, bucket: Bucket, layout: Layout) -> None:
        self._bucket, self._layout = bucket, layout
        self._days = Days(bucket, layout)
        self._folders: OrderedDict[str, Folder] = OrderedDict()
        self._kept = 0
        self._guard = threading.Lock()

    def page(self, wanted: Wanted, cursor: str | None = None, most: int = PAGE) -> Page:
        """Return the next pictures; raises ValueError for a cursor that is none, TooManyError."""
        after = Cursor.read(cursor) if cursor else None
        if not self._layout.by_day:
            return self._unordered(wanted, after, most)
        found: list[Picture] = []
        times: Times = ()
        for together in _by_times(self._days.newest_first(wanted, after.times if after else None)):
            times = together[0].times
            pictures = [picture for day in together for picture in self._folder(day)]
            found += _in_order(pictures, wanted, after)
            if len(found) > most:
                return Page(tuple(found[:most]), Cursor(times, found[most - 1].order).text())
        return Page(tuple(found), None)

    def folder_of(self, key: str) -> tuple[Picture, ...]:
        """All pictures in the folder of one, in no order."""
        return self._folder(Day((), key.rpartition("/")[0] + "/"))

    def since(self, first: datetime) -> Iterator[tuple[Picture, ...]]:
        """Folder by folder, all pictures from a time on."""
        for day in self._days.newest_first(Wanted(since=first)):
            yield tuple(picture for picture in self._folder(day) if picture.at >= first)

    def picture(self, stored: Stored) -> Picture | None:
        """What a stored object is; None for what no capture made."""
        name = self._layout.read(stored.key)
        if name is None or stored.key.partition("/")[0] in OUR_OWN:
            return None
        return Picture(stored.key, stored.size, name.captured_at or stored.at, name.edge, name.camera)

    def forget(self, key: str) -> None:
        """Read a folder again, since something in it has changed."""
        with self._guard:
            self._drop(key.rpartition("/")[0] + "/")

    def _folder(self, day: Day) -> tuple[Picture, ...]:
        with self._guard:
            known = self._folders.get(day.prefix)
            if known is not None and time.monotonic() < known.good_until:
                self._folders.move_to_end(day.prefix)
                return known.pictures
        listed = (self.picture(stored) for stored in self._bucket.objects(day.prefix, MOST_IN_FOLDER))
        pictures = tuple(picture for picture in listed if picture is not None)
        is_over = bool(pictures) and max(picture.at for picture in pictures) < datetime.now(UTC) - OVER
        self._keep(day.prefix, Folder(pictures, math.inf if is_over else time.monotonic() + FRESH_SECONDS))
        return pictures

    def _keep(self, prefix: str, folder: Folder) -> None:
        with self._guard:
            self._drop(prefix)
            self._folders[prefix] = folder
            self._kept += len(folder.pictures)
            while self._kept > MOST_KEPT:
                self._drop(next(iter(self._folders)))

    def _drop(self, prefix: str) -> None:
        folder = self._folders.pop(prefix, None)
        self._kept -= len(folder.pictures) if folder else 0

    def _unordered(self, wanted: Wanted, after: Cursor | None, most: int) -> Page:
        """A bucket whose names do not lead to a day: what one look can hold, by the time of storing."""
        listed = self._bucket.objects("", MOST_UNORDERED)
        rest = _in_order((picture for stored in listed if (picture := self.picture(stored))), wanted, after)
        note = "S3_KEY_TEMPLATE has no folders by date: the order may be that of storing."
        if len(listed) == MOST_UNORDERED:
            note += f" Only the first {MOST_UNORDERED:,} names of the bucket are looked at."
        cursor = Cursor((), rest[most - 1].order).text() if len(rest) > most else None
        return Page(tuple(rest[:most]), cursor, note)


def _in_order(pictures: Iterable[Picture], wanted: Wanted, after: Cursor | None) -> list[Picture]:
    """Those that are wanted and older than where the last page ended, the newest first."""
    fitting = [
        picture
        for picture in pictures
        if wanted.edge in {None, picture.edge}
        and wanted.camera in {None, picture.camera}
        and (wanted.since is None or picture.at >= wanted.since)
        and (wanted.until is None or picture.at < wanted.until)
        and (after is None or picture.order < after.order)
    ]
    return sorted(fitting, key=lambda picture: picture.order, reverse=True)


def _by_times(days: Iterator[Day]) -> Iterator[list[Day]]:
    """Days of the same time together: their pictures are put in order among each other."""
    together: list[Day] = []
    for day in days:
        if together and day.times != together[0].times:
            yield together
            together = []
        together.append(day)
    if together:
        yield together
