"""What is known about a picture beside its key: the metadata that the uploader wrote."""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header

from botocore.exceptions import BotoCoreError, ClientError

from gallery.catalog.entry import Picture
from storage.reader import Bucket

KEPT = 5000
TOGETHER = 8  # requests at once

Metadata = dict[str, str]


class Facts:
    """Asks for each picture once. Safe to use from several threads."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: OrderedDict[str, Metadata] = OrderedDict()
        self._guard = threading.Lock()
        self._pool = ThreadPoolExecutor(TOGETHER, thread_name_prefix="facts")

    def of(self, key: str) -> Metadata:
        """What the uploader wrote, decoded. Raises what boto3 raises."""
        with self._guard:
            if key in self._known:
                return self._known[key]
        found = {name: _decoded(value) for name, value in self._bucket.metadata(key).items()}
        with self._guard:
            self._known[key] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found

    def of_each(self, pictures: Sequence[Picture]) -> list[Metadata]:
        """Of several, side by side; nothing is known of one that was deleted meanwhile, say."""
        return list(self._pool.map(self._of_another, pictures))

    def completed(self, pictures: Sequence[Picture]) -> list[Picture]:
        """The same pictures, with what their keys do not tell."""
        silent = [picture for picture in pictures if not picture.told]
        found = dict(zip((picture.key for picture in silent), self.of_each(silent), strict=True))
        return [_complete(picture, found[picture.key]) if picture.key in found else picture for picture in pictures]

    def forget(self, keys: Iterable[str]) -> None:
        """They are gone."""
        with self._guard:
            for key in keys:
                self._known.pop(key, None)

    def _of_another(self, picture: Picture) -> Metadata:
        try:
            return self.of(picture.key)
        except (BotoCoreError, ClientError):
            return {}


def _complete(picture: Picture, said: Metadata) -> Picture:
    try:
        at = picture.at if picture.dated else datetime.fromisoformat(said["captured_at"])
    except (KeyError, ValueError):
        at = picture.at
    at = at if at.tzinfo else picture.at
    edge, camera = picture.edge or said.get("edge"), picture.camera or said.get("camera")
    return dataclasses.replace(picture, at=at, edge=edge, camera=camera)


def _decoded(value: str) -> str:
    """S3 gives what is not ASCII as RFC 2047 has it."""
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value
