"""What is known about a picture beside its key: the metadata that the uploader wrote, and its visit."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.errors import HeaderParseError
from email.header import decode_header, make_header

from gallery.album import Album, Picture
from gallery.bucket import Bucket

KEPT = 5000
NEAR = timedelta(minutes=30)  # a visit's shots lie so close together
MOST_NEIGHBOURS = 60
TOGETHER = 8  # requests at once

Metadata = dict[str, str]


class Details:
    """Asks for each picture once. Safe to use from several threads."""

    def __init__(self, bucket: Bucket, album: Album) -> None:
        self._bucket, self._album = bucket, album
        self._known: OrderedDict[str, Metadata] = OrderedDict()
        self._guard = threading.Lock()
        self._pool = ThreadPoolExecutor(TOGETHER, thread_name_prefix="details")

    def of(self, key: str) -> Metadata:
        """What the uploader wrote, decoded."""
        with self._guard:
            if key in self._known:
                return self._known[key]
        found = {name: _decoded(value) for name, value in self._bucket.metadata(key).items()}
        with self._guard:
            self._known[key] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found

    def visit(self, picture: Picture) -> list[tuple[Picture, Metadata]]:
        """All shots of the same visit, the first one first, with this one; alone where nothing ties them."""
        track = self.of(picture.key).get("track")
        if not track:
            return [(picture, self.of(picture.key))]
        near = self._neighbours(picture)
        known = zip(near, self._pool.map(self._of_another, near), strict=True)
        return sorted((shot for shot in known if shot[1].get("track") == track), key=lambda shot: shot[0].order)

    def forget(self, keys: Sequence[str]) -> None:
        """They are gone."""
        with self._guard:
            for key in keys:
                self._known.pop(key, None)

    def _neighbours(self, picture: Picture) -> list[Picture]:
        def distance(other: Picture) -> timedelta:
            return abs(other.at - picture.at)

        same = [other for other in self._album.folder_of(picture.key) if other.camera == picture.camera]
        near = {other.key: other for other in same if other.edge == picture.edge and distance(other) <= NEAR}
        return sorted(({picture.key: picture} | near).values(), key=distance)[:MOST_NEIGHBOURS]

    def _of_another(self, picture: Picture) -> Metadata:
        try:
            return self.of(picture.key)
        except Exception:  # noqa: BLE001 (it was deleted meanwhile, say: no reason to hide the rest)
            return {}


def _decoded(value: str) -> str:
    """S3 gives what is not ASCII as RFC 2047 has it."""
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value
