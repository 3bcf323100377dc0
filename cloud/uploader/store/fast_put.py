"""A PUT to S3 by obstore, at a tenth of boto3's cost (docs/explanation/performance.md); in doubt boto3 is asked.

Only one answer counts here: written. Whatever else happens, boto3 is asked to do the same again and says what is wrong;
the condition `If-None-Match: *` makes a second attempt harmless. So nothing depends on this module but speed.
"""

import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import obstore
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from uploader.settings import Settings
from uploader.store.writer import open_session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from obstore.store import ClientConfig

REST_SECONDS = 30.0  # after a failure everything is boto3's for so long
# obstore asks anew 5 minutes before the end, so each minute; boto3 renews what ends within 10.
CREDENTIALS_LAST = timedelta(minutes=6)
CONNECTION: "ClientConfig" = {
    "allow_http": True,
    "connect_timeout": timedelta(seconds=3),
    "timeout": timedelta(seconds=15),
    "pool_idle_timeout": timedelta(seconds=5),  # servers close a connection that nobody uses
}
LOG = logging.getLogger(__name__)


class Shortcut:
    """One for all threads."""

    def __init__(self, store: S3Store, storage_class: str) -> None:
        self._store = store
        self._attributes = {} if storage_class == "STANDARD" else {"Storage-Class": storage_class}
        self._works = True
        self._rests_until = 0.0

    def put(self, key: str, body: bytes, content_type: str, metadata: Mapping[str, str]) -> bool:
        """Write an object unless its name is taken; False says nothing but that boto3 should be asked."""
        if monotonic() < self._rests_until:
            return False
        attributes = {"Content-Type": content_type, **self._attributes, **metadata}
        try:
            obstore.put(self._store, key, body, attributes=attributes, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False  # perhaps: obstore says so too when S3 asks to try again (409)
        except (BaseError, BotoCoreError, OSError, ValueError) as error:
            self._rest(error)
            return False
        self._works = True
        return True

    def _rest(self, error: Exception) -> None:
        self._rests_until = monotonic() + REST_SECONDS
        if self._works:
            LOG.info("Putting by boto3 for a while, the quick way failed: %s", _brief(error))
        self._works = False


def find_shortcut(client: "S3Client", settings: Settings) -> Shortcut | None:
    """Ask boto3 for place and credentials; None where only boto3 has what it takes."""
    session = open_session(settings)
    if session.get_credentials() is None:
        return None
    sample = client.generate_presigned_url("put_object", Params={"Bucket": settings.s3_bucket, "Key": "k"})
    if get_environ_proxies(sample) or _has_own_authorities(sample):
        return None
    store = S3Store(
        settings.s3_bucket,
        credential_provider=Boto3CredentialProvider(session, ttl=CREDENTIALS_LAST),
        client_options=CONNECTION,
        retry_config={"max_retries": 0},
        region=client.meta.region_name,
        checksum_algorithm="SHA256",
        **_place(sample, settings.s3_bucket),
        **_encryption(settings),
    )
    return Shortcut(store, settings.s3_storage_class)


def _place(sample: str, bucket: str) -> dict[str, Any]:
    """Say where the bucket is: in the path, or in the host's name."""
    url = urlsplit(sample)
    base = f"{url.scheme}://{url.netloc}{url.path.removesuffix('/k')}"
    in_path = base.endswith(f"/{bucket}")
    endpoint = base.removesuffix(f"/{bucket}") if in_path else base
    return {"aws_endpoint_url_s3": endpoint, "virtual_hosted_style_request": not in_path}


def _encryption(settings: Settings) -> dict[str, Any]:
    chosen = {"server_side_encryption": settings.s3_sse, "sse_kms_key_id": settings.s3_kms_key_id}
    return {name: value for name, value in chosen.items() if value}


def _has_own_authorities(url: str) -> bool:
    """Tell whether boto3 trusts only these; obstore would trust the system's too."""
    return url.startswith("https:") and any(map(os.environ.get, ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")))


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
