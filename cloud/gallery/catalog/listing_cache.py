"""What the folders of the bucket hold, as far as they were read."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic

from gallery.catalog.entry import Picture
from storage.reader import Bucket, Stored

MOST_KEPT = 200_000  # pictures of folders that were read
MOST_IN_FOLDER = 50_000  # objects of one folder that are put in order
FRESH_SECONDS = 5.0  # how long a folder is believed
OVER_SECONDS = 300.0  # the same of a day that is over: retention and stragglers change it now and then
OVER = timedelta(days=2)  # after its end a day's stragglers have come, mostly
STALE = float("-inf")

Gone = Callable[[Iterable[str]], None]  # told the keys of pictures that are there no more


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder held when it was read."""

    pictures: tuple[Picture, ...]
    good_until: float  # monotonic
    cut: bool  # whether it holds more


class Folders:
    """Reads each when it is needed, and keeps it for a while. Safe to use from several threads."""

    def __init__(self, bucket: Bucket, read: Callable[[Stored], Picture | None], gone: Gone) -> None:
        """`read` tells what a stored object is; a folder here is all that begins with a prefix."""
        self._bucket, self._read, self._gone = bucket, read, gone
        self._known: OrderedDict[str, Folder] = OrderedDict()
        self._kept = 0
        self._guard = threading.Lock()

    def folder(self, prefix: str, most: int = MOST_IN_FOLDER) -> Folder:
        """As it is, or was a moment ago."""
        with self._guard:
            known = self._known.get(prefix)
            if known is not None and monotonic() < known.good_until:
                self._known.move_to_end(prefix)
                return known
        began = monotonic()
        listed = self._bucket.objects(prefix, most)
        pictures = tuple(picture for stored in listed if (picture := self._read(stored)) is not None)
        folder = Folder(pictures, monotonic() + _good_seconds(pictures, monotonic() - began), len(listed) == most)
        self._keep(prefix, folder)
        if known is not None:
            self._tell_gone(known, folder)
        return folder

    def forget(self, key: str) -> None:
        """Read anew what may hold this, since something in it has changed."""
        with self._guard:
            for prefix in [prefix for prefix in self._known if key.startswith(prefix)]:
                self._known[prefix] = replace(self._known[prefix], good_until=STALE)

    def _tell_gone(self, before: Folder, now: Folder) -> None:
        gone = {picture.key for picture in before.pictures} - {picture.key for picture in now.pictures}
        if gone:
            self._gone(gone)

    def _keep(self, prefix: str, folder: Folder) -> None:
        with self._guard:
            self._drop(prefix)
            self._known[prefix] = folder
            self._kept += len(folder.pictures)
            while self._kept > MOST_KEPT:
                self._drop(next(iter(self._known)))

    def _drop(self, prefix: str) -> None:
        folder = self._known.pop(prefix, None)
        self._kept -= len(folder.pictures) if folder else 0


def _good_seconds(pictures: tuple[Picture, ...], took_seconds: float) -> float:
    """What took long to read is believed for longer, so that reading it again is no burden."""
    is_over = bool(pictures) and max(picture.at for picture in pictures) < datetime.now(UTC) - OVER
    return OVER_SECONDS if is_over else max(FRESH_SECONDS, 10 * took_seconds)
