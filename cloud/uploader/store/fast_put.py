"""A PUT to S3 by obstore, at a tenth of boto3's cost (docs/performance.md); boto3 remains the authority.

Only one outcome counts here: written. Whatever else happens, boto3 repeats the request and reports what is wrong.
The condition `If-None-Match: *` makes a second attempt harmless. So nothing but speed depends on this module.
"""

import logging
import os
from collections.abc import Mapping
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
LOG = logging.getLogger(__name__)


class FastPut:
    """Shared by all threads."""

    def __init__(self, store: S3Store, storage_class: str) -> None:
        self._store = store
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
        store = S3Store(
            settings.s3_bucket,
            credential_provider=Boto3CredentialProvider(session, ttl=CREDENTIALS_TTL),
            client_options=CLIENT_OPTIONS,
            retry_config={"max_retries": 0},
            region=client.meta.region_name,
            checksum_algorithm="SHA256",
            **_endpoint(sample, settings.s3_bucket),
            **_encryption(settings),
        )
        return cls(store, settings.s3_storage_class)

    def put(self, key: str, body: bytes, content_type: str, metadata: Mapping[str, str]) -> bool:
        """Write an object unless the key exists; False means only that boto3 should be asked."""
        if monotonic() < self._back_off_until:
            return False
        attributes = {"Content-Type": content_type, **self._attributes, **metadata}
        try:
            obstore.put(self._store, key, body, attributes=attributes, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False  # perhaps: obstore raises it too when S3 asks to try again (409)
        except (BaseError, BotoCoreError, OSError, ValueError) as error:
            self._back_off(error)
            return False
        self._is_working = True
        return True

    def _back_off(self, error: Exception) -> None:
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
