"""boto3 and obstore as the settings ask for them, and the two HEAD requests with the reasons that HEAD leaves out."""

import functools
import os
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import Loader, create_loader
from botocore.utils import get_environ_proxies
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.store import S3Store

from storage.answers.answer import REDIRECTS, http_status
from storage.answers.bucket_info import BucketInfo
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef
    from obstore.store import ClientConfig

POOL_SIZE = 18  # connections; enough for the uploader's 16 threads and for everything the gallery does at once
# obstore refreshes 5 minutes before the end, so every minute; boto3 renews what expires within 10.
CREDENTIALS_TTL = timedelta(minutes=6)
FAST_OPTIONS: "ClientConfig" = {
    "allow_http": True,
    "connect_timeout": timedelta(seconds=3),
    "timeout": timedelta(seconds=15),
    "pool_idle_timeout": timedelta(seconds=5),  # servers close idle connections
}
# As stores write it, and proxies that compress weaken it; web servers write theirs otherwise.
ENTITY_TAG = re.compile(r'(?:W/)?"?[0-9a-fA-F]{32}(-\d+)?"?')


def open_session(settings: StorageSettings) -> boto3.Session:
    """Find the credentials and the region."""
    for name in [name for name, value in os.environ.items() if name.startswith("AWS_") and not value]:
        del os.environ[name]  # botocore takes AWS_PROFILE= for a profile without a name
    secret, token = settings.aws_secret_access_key, settings.aws_session_token
    core = botocore.session.Session(profile=settings.aws_profile)
    core.register_component("data_loader", _sdk_data(core.get_config_variable("data_path")))
    return boto3.Session(
        botocore_session=core,
        aws_access_key_id=settings.aws_access_key_id,  # None = the default credential chain
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        aws_session_token=token.get_secret_value() if token else None,
        region_name=settings.aws_region or ("us-east-1" if settings.s3_endpoint_url else None),
    )


class _SdkData(Loader):
    """What the SDK knows of AWS, which takes longer to read than a request takes: read once for all sessions."""

    @property
    def search_paths(self) -> list[str]:
        """Return a copy: boto3 appends a folder for each session, of which nothing is needed."""
        return list(super().search_paths)


@functools.cache
def _sdk_data(folders: str | None) -> _SdkData:
    return _SdkData(extra_search_paths=list(create_loader(folders).search_paths))


def create_client(settings: StorageSettings, *, pool_size: int = POOL_SIZE) -> "S3Client":
    """Make the one client that all threads share."""
    config = client_config(settings, pool_size=pool_size)
    client = open_session(settings).client("s3", endpoint_url=settings.s3_endpoint_url, config=config)
    return without_endless_redirects(client)


def without_endless_redirects(client: "S3Client") -> "S3Client":
    """Keep botocore from asking a proxy that redirects everything for the bucket's region, which never ends."""
    client.meta.events.register_first("needs-retry.s3", _accept_redirect)
    return client


def _accept_redirect(request_dict: dict[str, Any], response: Any, **_: Any) -> None:
    """Take a redirect that names no region for the answer."""
    if response is None or getattr(response[0], "status_code", 0) not in REDIRECTS:
        return
    http, parsed = response
    if "x-amz-bucket-region" not in http.headers and "Region" not in parsed.get("Error", {}):
        request_dict["context"].setdefault("s3_redirect", {})["redirected"] = True


def client_config(settings: StorageSettings, *, pool_size: int = POOL_SIZE) -> Config:
    return Config(
        # The SDK's second attempt only hides a connection that the server had closed; long retries are ours.
        retries={"mode": "standard", "total_max_attempts": 2},
        connect_timeout=3,
        read_timeout=15,
        max_pool_connections=pool_size,
        # Stores other than AWS seldom have a host name for each bucket.
        s3={"addressing_style": "path" if settings.s3_endpoint_url else "auto"},
        request_checksum_calculation=settings.request_checksums,
        response_checksum_validation=settings.response_checksums,
    )


def fast_store_factory(client: "S3Client", settings: StorageSettings) -> Callable[..., S3Store] | None:
    """Make obstore's client for what boto3's is for, with its credentials; None where only boto3 supports that."""
    session = open_session(settings)
    if session.get_credentials() is None:
        return None
    sample = client.generate_presigned_url("put_object", Params={"Bucket": settings.s3_bucket, "Key": "k"})
    if get_environ_proxies(sample) or _uses_custom_ca(sample):
        return None
    return functools.partial(
        S3Store,
        settings.s3_bucket,
        credential_provider=Boto3CredentialProvider(session, ttl=CREDENTIALS_TTL),
        client_options=FAST_OPTIONS,
        retry_config={"max_retries": 0},
        region=client.meta.region_name,
        **_endpoint(sample, settings.s3_bucket),
    )


def _endpoint(sample: str, bucket: str) -> dict[str, Any]:
    """Tell obstore where the bucket is: in the path, or in the host name."""
    url = urlsplit(sample)
    base = f"{url.scheme}://{url.netloc}{url.path.removesuffix('/k')}"
    in_path = base.endswith(f"/{bucket}")
    endpoint = base.removesuffix(f"/{bucket}") if in_path else base
    return {"aws_endpoint_url_s3": endpoint, "virtual_hosted_style_request": not in_path}


def _uses_custom_ca(url: str) -> bool:
    """Tell whether boto3 trusts only a custom CA; obstore would trust the system's as well."""
    return url.startswith("https:") and any(map(os.environ.get, ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")))


def is_entity_tag(tag: str | None) -> bool:
    """Whether this is how a store confirms that it has an object."""
    return tag is not None and ENTITY_TAG.fullmatch(tag) is not None


def head_bucket(client: "S3Client", bucket: str) -> BucketInfo:
    """Check that the bucket exists and that the credentials may use it."""
    try:
        return BucketInfo.parse(client.head_bucket(Bucket=bucket))
    except ClientError as error:
        if not _needs_body(error):
            raise
        return BucketInfo.parse(client.list_objects_v2(Bucket=bucket, MaxKeys=1))


def head_object(client: "S3Client", bucket: str, key: str) -> "HeadObjectOutputTypeDef":
    """Read an object's headers and metadata; raises what boto3 raises, with the reason."""
    try:
        return client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if _needs_body(error):
            client.list_objects_v2(Bucket=bucket, MaxKeys=1)
        raise


def _needs_body(error: ClientError) -> bool:
    """Tell whether the status is ambiguous: a HEAD response has no body, and another request's names the reason."""
    return http_status(error) in {301, 400, 403}
