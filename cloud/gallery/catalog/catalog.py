"""Captures in the order in which they were made, the newest first, page by page."""

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from gallery.catalog.cursor import Cursor
from gallery.catalog.day_walker import OUR_OWN, Day, Days, Times, Wanted
from gallery.catalog.entry import Picture
from gallery.catalog.listing_cache import MOST_IN_FOLDER, Folder, Folders, Gone
from gallery.catalog.metadata import Facts
from storage.key_parser import Layout
from storage.reader import Bucket, Stored

PAGE = 60
ASKED = 60  # pictures whose metadata is asked for before it is decided whether to go on
MOST_UNORDERED = 200_000  # objects of a bucket without folders by date
TOGETHER = 8  # requests at once
MOST_AHEAD = 16  # days that are read before it is known whether they are needed


@dataclass(frozen=True, slots=True)
class Page:
    """Some pictures, and where to go on; None at the end."""

    pictures: tuple[Picture, ...]
    cursor: str | None
    note: str = ""


class Album:
    """Reads the bucket in order. Safe to use from several threads; raises what boto3 raises."""

    def __init__(self, bucket: Bucket, layout: Layout, facts: Facts, gone: Gone = lambda _: None) -> None:
        """`facts` are asked for what keys do not tell, and `gone` is told of pictures that are there no more."""
        self._layout, self._facts = layout, facts
        self._days = Days(bucket, layout)
        self._gone = gone
        self._folders = Folders(bucket, self.picture, self._forget_gone)
        self._pool = ThreadPoolExecutor(TOGETHER, thread_name_prefix="album")

    def page(self, wanted: Wanted, cursor: str | None = None, most: int = PAGE) -> Page:
        """Return the next pictures; raises ValueError for a cursor that is none, TooManyError."""
        after = Cursor.read(cursor) if cursor else None
        if not self._layout.by_day:
            return self._unordered(wanted, after, most)
        found: list[Picture] = []
        times: Times = ()
        cut = False
        for together in self._read_ahead(self._days.newest_first(wanted, after.times if after else None)):
            times = together[0].times
            folders = [self._folder(day) for day in together]
            cut |= any(folder.cut for folder in folders)
            pictures = [picture for folder in folders for picture in folder.pictures]
            found += self._chosen(_in_order(pictures, wanted, after), wanted, most + 1 - len(found))
            if len(found) > most:
                return Page(self._completed(found[:most]), Cursor(times, found[most - 1].order).text(), _note(cut=cut))
        return Page(self._completed(found), None, _note(cut=cut))

    def near(self, picture: Picture, reach: timedelta) -> list[Picture]:
        """What may be of the same camera and that near in time, as far as keys tell, in no order."""
        wanted = Wanted(picture.edge, picture.camera, picture.at - reach, picture.at + reach)
        if self._layout.by_day:
            folders = [self._folder(day) for day in self._days.newest_first(wanted)]
        else:
            folder, slash, _ = picture.key.rpartition("/")
            folders = [self._folders.folder(folder + slash)]
        pictures = (other for folder in folders for other in folder.pictures if _may_be_of(other, wanted))
        return [other for other in pictures if not other.dated or abs(other.at - picture.at) <= reach]

    def since(self, first: datetime) -> Iterator[tuple[Picture, ...]]:
        """Folder by folder in no order, all pictures from a time on."""
        for day in self._days.newest_first(Wanted(since=first, in_order=False)):
            yield tuple(picture for picture in self._folder(day).pictures if picture.at >= first)

    def picture(self, stored: Stored) -> Picture | None:
        """What a stored object is; None for what no capture made."""
        name = self._layout.read(stored.key)
        if name is None or stored.key.partition("/")[0] in OUR_OWN:
            return None
        at = name.captured_at
        return Picture(stored.key, stored.size, at or stored.at, name.edge, name.camera, dated=at is not None)

    def forget(self, key: str) -> None:
        """Read a folder again, since something in it has changed."""
        self._folders.forget(key)

    def missed(self, key: str) -> None:
        """A picture that was thought to be there is not."""
        self._folders.forget(key)
        self._forget_gone([key])

    def _forget_gone(self, keys: Iterable[str]) -> None:
        self._facts.forget(keys)
        self._gone(keys)

    def _read_ahead(self, days: Iterator[Day]) -> Iterator[list[Day]]:
        """Days of the same time together; the more were passed in vain, the more of the next are read side by side."""
        groups, count = _by_times(days), 1
        while ahead := list(itertools.islice(groups, count)):
            list(self._pool.map(self._folder, itertools.chain.from_iterable(ahead)))
            yield from ahead
            count = min(2 * count, MOST_AHEAD)

    def _folder(self, day: Day) -> Folder:
        return self._folders.folder(day.prefix)

    def _unordered(self, wanted: Wanted, after: Cursor | None, most: int) -> Page:
        """A bucket whose names do not lead to a day: what one look can hold, by the time of storing."""
        folder = self._folders.folder("", MOST_UNORDERED)
        fitting = _in_order(folder.pictures, wanted, after)
        rest = self._chosen(fitting, wanted, most + 1)
        note = "S3_KEY_TEMPLATE has no folders by date: the order may be that of storing."
        if folder.cut:
            note += f" Only the first {MOST_UNORDERED:,} names of the bucket are looked at."
        cursor = Cursor((), rest[most - 1].order).text() if len(rest) > most else None
        return Page(self._completed(rest[:most]), cursor, note)

    def _chosen(self, pictures: list[Picture], wanted: Wanted, most: int) -> list[Picture]:
        """The first ones of the wanted edge and camera, asking of those whose keys do not tell."""
        if (wanted.edge, wanted.camera) == (None, None):
            return pictures
        pictures = [picture for picture in pictures if _may_be_of(picture, wanted)]
        chosen: list[Picture] = []
        for first in range(0, len(pictures), ASKED):
            some = pictures[first : first + ASKED]
            known = zip(some, self._facts.completed(some), strict=True)
            chosen += [picture for picture, complete in known if _is_of(complete, wanted)]
            if len(chosen) >= most:
                break
        return chosen

    def _completed(self, pictures: list[Picture]) -> tuple[Picture, ...]:
        return tuple(self._facts.completed(pictures))


def _note(*, cut: bool) -> str:
    """What the page must say of folders that hold more than is read."""
    return f"Only the first {MOST_IN_FOLDER:,} names of a folder are looked at; one here holds more." if cut else ""


def _in_order(pictures: Iterable[Picture], wanted: Wanted, after: Cursor | None) -> list[Picture]:
    """Those of the wanted time that are older than where the last page ended, the newest first."""
    fitting = [
        picture
        for picture in pictures
        if (wanted.since is None or picture.at >= wanted.since)
        and (wanted.until is None or picture.at < wanted.until)
        and (after is None or picture.order < after.order)
    ]
    return sorted(fitting, key=lambda picture: picture.order, reverse=True)


def _may_be_of(picture: Picture, wanted: Wanted) -> bool:
    """As far as its key tells."""
    right_edge = wanted.edge is None or picture.edge in {None, wanted.edge}
    return right_edge and (wanted.camera is None or picture.camera in {None, wanted.camera})


def _is_of(picture: Picture, wanted: Wanted) -> bool:
    return wanted.edge in {None, picture.edge} and wanted.camera in {None, picture.camera}


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
