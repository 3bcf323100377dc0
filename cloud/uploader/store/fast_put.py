"""A PUT to S3 by obstore, at a tenth of boto3's cost (docs/explanation/performance.md); boto3 decides.

Only one outcome counts here: written. Whatever else happens, boto3 repeats the request and reports what is wrong.
The condition `If-None-Match: *` makes a second attempt harmless. So nothing but speed depends on this module.
obstore follows redirects: an answer without a store's entity tag may be the login page of a proxy, and does not count.
"""

import logging
import os
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import obstore
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from storage.client import open_session
from storage.settings import StorageSettings
from storage.star import tags_of_new

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from obstore.store import ClientConfig

BACK_OFF_SECONDS = 30.0  # after a failure boto3 does everything for this long
# obstore refreshes 5 minutes before the end, so every minute; boto3 renews what expires within 10.
CREDENTIALS_TTL = timedelta(minutes=6)
CLIENT_OPTIONS: "ClientConfig" = {
    "allow_http": True,
    "connect_timeout": timedelta(seconds=3),
    "timeout": timedelta(seconds=15),
    "pool_idle_timeout": timedelta(seconds=5),  # servers close idle connections
}
REFUSED = re.compile(r"status code: (400|501)\b")  # an answer, and not about the credentials
# As stores write it, and proxies that compress weaken it; web servers write theirs otherwise.
ENTITY_TAG = re.compile(r'(?:W/)?"?[0-9a-fA-F]{32}(-\d+)?"?')
LOG = logging.getLogger(__name__)


def is_entity_tag(tag: str | None) -> bool:
    """Whether this is how a store confirms that it has an object."""
    return tag is not None and ENTITY_TAG.fullmatch(tag) is not None


class FastPut:
    """Shared by all threads."""

    def __init__(self, stores: Iterable[S3Store], storage_class: str, tags: Mapping[str, str] | None = None) -> None:
        """Use the first of the stores, and the next one after a refusal."""
        self.tags = dict(tags or {})
        self._next_stores = iter(stores)
        self._store = next(self._next_stores)
        self._attributes = {} if storage_class == "STANDARD" else {"Storage-Class": storage_class}
        self._is_working = True
        self._back_off_until = 0.0

    @classmethod
    def create(cls, client: "S3Client", settings: StorageSettings) -> Self | None:
        """Take endpoint and credentials from boto3; None where only boto3 supports what is configured."""
        session = open_session(settings)
        if session.get_credentials() is None:
            return None
        sample = client.generate_presigned_url("put_object", Params={"Bucket": settings.s3_bucket, "Key": "k"})
        if get_environ_proxies(sample) or _uses_custom_ca(sample):
            return None
        # The signature covers the bytes; a checksum besides is more than some stores take.
        checksums = ({"checksum_algorithm": "SHA256"},) if settings.request_checksums == "when_supported" else ()
        stores = (
            S3Store(
                settings.s3_bucket,
                credential_provider=Boto3CredentialProvider(session, ttl=CREDENTIALS_TTL),
                client_options=CLIENT_OPTIONS,
                retry_config={"max_retries": 0},
                region=client.meta.region_name,
                **checksum,
                **_endpoint(sample, settings.s3_bucket),
                **_encryption(settings),
            )
            for checksum in (*checksums, {})
        )
        return cls(stores, settings.s3_storage_class, tags_of_new(settings))

    def put(self, key: str, body: bytes, content_type: str, metadata: Mapping[str, str]) -> S3Store | None:
        """Write an object unless the key exists, and say through what; None means only that boto3 should be asked."""
        if monotonic() < self._back_off_until:
            return None
        attributes = {"Content-Type": content_type, **self._attributes, **metadata}
        store = self._store
        try:
            result = obstore.put(
                store, key, body, attributes=attributes, tags=self.tags or None, mode="create", use_multipart=False
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

    def _back_off(self, error: Exception) -> None:
        if REFUSED.search(str(error)):
            self._store = next(self._next_stores, self._store)
        self._back_off_until = monotonic() + BACK_OFF_SECONDS
        if self._is_working:
            LOG.info("Using boto3 for a while, because the fast PUT failed: %s", _brief(error))
        self._is_working = False


def _endpoint(sample: str, bucket: str) -> dict[str, Any]:
    """Tell obstore where the bucket is: in the path, or in the host name."""
    url = urlsplit(sample)
    base = f"{url.scheme}://{url.netloc}{url.path.removesuffix('/k')}"
    in_path = base.endswith(f"/{bucket}")
    endpoint = base.removesuffix(f"/{bucket}") if in_path else base
    return {"aws_endpoint_url_s3": endpoint, "virtual_hosted_style_request": not in_path}


def _encryption(settings: StorageSettings) -> dict[str, Any]:
    options = {"server_side_encryption": settings.s3_sse, "sse_kms_key_id": settings.s3_kms_key_id}
    return {name: value for name, value in options.items() if value}


def _uses_custom_ca(url: str) -> bool:
    """Tell whether boto3 trusts only a custom CA; obstore would trust the system's as well."""
    return url.startswith("https:") and any(map(os.environ.get, ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")))


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
