"""A PUT to S3 by obstore, at a tenth of boto3's cost (docs/explanation/performance.md); boto3 decides.

Only one outcome counts here: written. Whatever else happens, boto3 repeats the request and reports what is wrong.
The condition `If-None-Match: *` makes a second attempt harmless. So nothing but speed depends on this module.
obstore follows redirects: an answer without a store's entity tag may be the login page of a proxy, and does not count.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

import obstore
from botocore.exceptions import BotoCoreError
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from storage.client import fast_store_factory, is_entity_tag
from storage.settings import StorageSettings
from storage.star import tags_of_new

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BACK_OFF_SECONDS = 30.0  # after a failure boto3 does everything for this long
REFUSED = re.compile(r"status code: (400|501)\b")  # an answer, and not about the credentials
log = logging.getLogger(__name__)


class FastPut:
    """Shared by all threads."""

    def __init__(self, stores: Iterable[S3Store], storage_class: str, tags: Mapping[str, str] | None = None) -> None:
        """Use the first of the stores, and the next one after a refusal."""
        self._tags = dict(tags or {})
        self._next_stores = iter(stores)
        self._store = next(self._next_stores)
        self._attributes = {} if storage_class == "STANDARD" else {"Storage-Class": storage_class}
        self._is_working = True
        self._back_off_until = 0.0

    @classmethod
    def create(cls, client: "S3Client", settings: StorageSettings) -> Self | None:
        """Take endpoint and credentials from boto3; None where only boto3 supports what is configured."""
        fast_store = fast_store_factory(client, settings)
        if fast_store is None:
            return None
        # The signature covers the bytes; a checksum besides is more than some stores take.
        checksums = ({"checksum_algorithm": "SHA256"},) if settings.request_checksums == "when_supported" else ()
        stores = (fast_store(**checksum, **_encryption(settings)) for checksum in (*checksums, {}))
        return cls(stores, settings.s3_storage_class, tags_of_new(settings))

    def put(self, key: str, body: bytes, content_type: str, metadata: Mapping[str, str]) -> S3Store | None:
        """Write an object unless the key exists, and say through what; None means only that boto3 should be asked."""
        if monotonic() < self._back_off_until:
            return None
        attributes = {"Content-Type": content_type, **self._attributes, **metadata}
        store = self._store
        try:
            result = obstore.put(
                store, key, body, attributes=attributes, tags=self._tags or None, mode="create", use_multipart=False
            )
        except AlreadyExistsError:
            return None  # perhaps: obstore raises it too when S3 asks to try again (409)
        except (BaseError, BotoCoreError, OSError, ValueError) as error:
            self._back_off(error)
            return None
        if not is_entity_tag(result["e_tag"]):
            self._back_off(ValueError("what answered is not a store's confirmation"))
            return None
        self._is_working = True
        return store

    def stop_tagging(self) -> None:
        """Leave out the tag from now on: the store refuses it."""
        self._tags = {}

    def _back_off(self, error: Exception) -> None:
        if REFUSED.search(str(error)):
            self._store = next(self._next_stores, self._store)
        self._back_off_until = monotonic() + BACK_OFF_SECONDS
        if self._is_working:
            log.info("Using boto3 for a while, because the fast PUT failed: %s", _brief(error))
        self._is_working = False


def _encryption(settings: StorageSettings) -> dict[str, Any]:
    options = {"server_side_encryption": settings.s3_sse, "sse_kms_key_id": settings.s3_kms_key_id}
    return {name: value for name, value in options.items() if value}


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
