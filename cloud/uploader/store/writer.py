"""What goes into the bucket, and under which name."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from storage.bucket_info import Answer
from storage.capture import Capture, Rejected
from storage.errors import NO_CREDENTIALS
from storage.keys import names_the_capture, object_key, other_keys
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

    from uploader.store.fast_put import Shortcut


def open_session(settings: Settings) -> boto3.Session:
    """Find the credentials and the region."""
    for name in [name for name, value in os.environ.items() if name.startswith("AWS_") and not value]:
        del os.environ[name]  # botocore takes AWS_PROFILE= for a profile without a name
    secret, token = settings.aws_secret_access_key, settings.aws_session_token
    return boto3.Session(
        aws_access_key_id=settings.aws_access_key_id,  # None = the usual chain
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        aws_session_token=token.get_secret_value() if token else None,
        profile_name=settings.aws_profile,
        region_name=settings.aws_region or ("us-east-1" if settings.s3_endpoint_url else None),
    )


def connect(settings: Settings) -> "S3Client":
    """Make the one client that all threads share."""
    return open_session(settings).client("s3", endpoint_url=settings.s3_endpoint_url, config=client_config(settings))


def client_config(settings: Settings) -> Config:
    return Config(
        # The SDK's attempts only hide a connection that the server had closed; patience is ours.
        retries={"mode": "standard", "total_max_attempts": 2},
        connect_timeout=3,
        read_timeout=15,
        max_pool_connections=settings.upload_threads + 2,
        # Stores other than AWS seldom have a host name for each bucket.
        s3={"addressing_style": "path" if settings.s3_endpoint_url else "auto"},
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a capture is."""

    key: str
    new: bool  # False: it was there already


def ask(client: "S3Client", bucket: str) -> Answer:
    """Ask whether the bucket is there and the credentials are good for it."""
    try:
        return Answer.read(client.head_bucket(Bucket=bucket))
    except ClientError as error:
        if not _is_mute(error):
            raise
        return Answer.read(client.list_objects_v2(Bucket=bucket, MaxKeys=1))


def head(client: "S3Client", bucket: str, key: str) -> "HeadObjectOutputTypeDef":
    """What is known about an object; raises what boto3 raises, with the reason."""
    try:
        return client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if _is_mute(error):
            client.list_objects_v2(Bucket=bucket, MaxKeys=1)
        raise


def _is_mute(error: ClientError) -> bool:
    """Whether it may mean several things: an answer to HEAD has no body, and another request's says what is wrong."""
    return status(error) in {301, 400, 403}


class Storage:
    """The bucket. Every method raises what boto3 raises, and may be called again."""

    def __init__(
        self,
        connect: Callable[[], "S3Client"],
        settings: Settings,
        shorten: "Callable[[S3Client], Shortcut | None]" = lambda _: None,
    ) -> None:
        self._connect = connect
        self._shorten = shorten
        self._bucket = settings.s3_bucket
        self._template = settings.s3_key_template
        self._options = put_options(settings)
        self._open()

    def _open(self) -> None:
        self._client = self._connect()
        self._shortcut = self._shorten(self._client)

    def check(self) -> Answer:
        """Ask whether the bucket is there and the credentials are good for it."""
        try:
            return ask(self._client, self._bucket)
        except (ClientError, *NO_CREDENTIALS):
            # A client keeps the credentials it was made with; perhaps there are better ones now.
            self._open()
            return ask(self._client, self._bucket)

    def complaint(self, answer: Answer) -> str | None:
        """Say what works now and will not for long."""
        return answer.region_problem(self._bucket, self._client.meta.region_name) or answer.clock_problem()

    def store(self, capture: Capture) -> Place:
        """Put a capture in its place, once; tell where that is."""
        key = object_key(self._template, capture)
        if self._put_capture(key, capture):
            return Place(key, new=True)
        if names_the_capture(self._template) or self._id_at(key) == capture.id:
            return Place(key, new=False)
        for other in other_keys(key, capture):
            if self._put_capture(other, capture):
                return Place(other, new=True)
            if self._id_at(other) == capture.id:
                return Place(other, new=False)
        raise ClientError({"Error": {"Code": "OperationAborted"}}, "PutObject")

    def reject(self, rejected: Rejected) -> str:
        """Keep what is no picture where it does no harm."""
        reason = rejected.reason.encode("ascii", "replace").decode()[:500]
        metadata = {"reason": "".join(sign if sign.isprintable() else "?" for sign in reason).strip()}
        self._put_new(rejected.key, rejected.payload, "application/octet-stream", metadata)
        return rejected.key

    def keys_in(self, folder: str, limit: int) -> list[tuple[str, int]]:
        """List name and size of what a folder holds."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket,
            Prefix=f"{folder}/" if folder else "",
            PaginationConfig={"MaxItems": limit},
        )
        return [(item["Key"], item["Size"]) for page in pages for item in page.get("Contents", [])]

    def _put_capture(self, key: str, capture: Capture) -> bool:
        return self._put_new(key, capture.image, capture.content_type, capture.metadata)

    def _put_new(self, key: str, body: bytes, content_type: str, metadata: dict[str, str]) -> bool:
        """Write an object unless its name is taken; tell whether it was written now."""
        if self._shortcut and self._shortcut.put(key, body, content_type, metadata):
            return True
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                Metadata=metadata,
                IfNoneMatch="*",
                **self._options,
            )
        except ClientError as error:
            if status(error) == 412:  # noqa: PLR2004 (HTTP's own number)
                return False
            raise
        return True

    def _id_at(self, key: str) -> str | None:
        return self._client.head_object(Bucket=self._bucket, Key=key)["Metadata"].get("id")


def put_options(settings: Settings) -> dict[str, Any]:
    options = {
        "StorageClass": settings.s3_storage_class if settings.s3_storage_class != "STANDARD" else None,
        "ServerSideEncryption": settings.s3_sse,
        "SSEKMSKeyId": settings.s3_kms_key_id,
    }
    return {name: value for name, value in options.items() if value}


def status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
