"""Listings and metadata by obstore, at a seventh of boto3's CPU (docs/explanation/performance.md); boto3 decides.

Whatever is not plain success is asked of boto3, which reports what is wrong. So nothing but speed depends on this
module. A listing without anything is asked again, too: that is what obstore makes of some proxies' pages. Only stars,
of which there may well be none, are not, once it has listed something else.
"""

import logging
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Self

import obstore
from botocore.exceptions import BotoCoreError
from obstore.exceptions import BaseError, InvalidPathError
from obstore.store import S3Store

from storage.client import fast_store_factory, is_entity_tag
from storage.reader import MAX_KEYS_PER_LIST, UNKNOWN_TYPE, ListedObject
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BACK_OFF_SECONDS = 30.0  # after a failure boto3 does everything for this long
EMPTY = "status code: 416"  # an object without a first byte; a port may have these digits, too
log = logging.getLogger(__name__)


class FastReader:
    """Shared by all threads. None means only that boto3 should be asked."""

    def __init__(self, store: S3Store) -> None:
        """Ask this store."""
        self._store = store
        self._has_listed = False  # anything: then nothing is believed where there may be nothing
        self._back_off_until = 0.0

    @classmethod
    def create(cls, client: "S3Client", settings: StorageSettings) -> Self | None:
        """Take endpoint and credentials from boto3; None where only boto3 supports what is configured."""
        fast_store = fast_store_factory(client, settings)
        return cls(fast_store()) if fast_store else None

    def list_objects(
        self, prefix: str, limit: int, after: str = "", *, empty: bool = False
    ) -> list[ListedObject] | None:
        """At most `limit` objects of a folder, by key, after a key; `empty`: those without content, too."""
        if not _is_path(prefix) or monotonic() < self._back_off_until:
            return None
        found: list[ListedObject] = []
        try:
            for page in obstore.list(self._store, prefix, offset=after or None, chunk_size=MAX_KEYS_PER_LIST):
                found += [ListedObject(each["path"], each["size"], each["last_modified"]) for each in page]
                if len(found) >= limit:
                    break
        except InvalidPathError:  # a key such as a//b.png
            return None
        except (BaseError, BotoCoreError, OSError, ValueError) as error:
            self._back_off(error)
            return None
        if not all((each.size or empty) and each.key.startswith(prefix) for each in found):
            return None  # an empty object may be a folder's marker, whose last slash obstore leaves out
        self._has_listed |= bool(found)
        return found[:limit] or ([] if empty and self._has_listed else None)

    def metadata(self, key: str) -> tuple[Mapping[str, str], str] | None:
        """An object's metadata as stored, and its content type; by its first byte, since obstore's HEAD has none."""
        if monotonic() < self._back_off_until:
            return None
        try:
            result = obstore.get(self._store, key, options={"range": (0, 1)})
            result.bytes()  # so that the connection can be used again
        except (FileNotFoundError, InvalidPathError):
            return None
        except (BaseError, BotoCoreError, OSError, ValueError) as error:
            if EMPTY not in str(error):
                self._back_off(error)
            return None
        if not is_entity_tag(result.meta["e_tag"]):
            self._back_off(result.meta["e_tag"])
            return None
        # Headers come in small letters; obstore calls what is no metadata Content-Type and the like.
        metadata = {name: value for name, value in result.attributes.items() if name == name.lower()}
        return metadata, result.attributes.get("Content-Type", UNKNOWN_TYPE)

    def _back_off(self, answer: object) -> None:
        self._back_off_until = monotonic() + BACK_OFF_SECONDS
        log.info("Using boto3 for a while, because obstore cannot read there: %.200s", answer)


def _is_path(prefix: str) -> bool:
    """Whether obstore takes a prefix as it is: it knows folders alone, and puts their names in order."""
    return prefix.endswith("/") and not {"", ".", ".."} & set(prefix[:-1].split("/"))
