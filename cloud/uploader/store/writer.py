"""Writes captures and rejected messages to the bucket, each exactly once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from storage.capture import Capture, RejectedMessage
from storage.client import BucketInfo, head_bucket
from storage.errors import NO_CREDENTIALS, http_status
from storage.keys import alternative_keys, is_unique_per_capture, object_key
from storage.settings import StorageSettings
from uploader.store.fast_put import FastPut

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PRECONDITION_FAILED = 412
MAX_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Where a capture is."""

    key: str
    is_new: bool  # False: the bucket had it already


class CaptureStore:
    """Every method raises what boto3 raises, and may be called again."""

    def __init__(
        self,
        client_factory: "Callable[[], S3Client]",
        settings: StorageSettings,
        fast_put_factory: "Callable[[S3Client, StorageSettings], FastPut | None]" = FastPut.create,
    ) -> None:
        self._client_factory = client_factory
        self._fast_put_factory = fast_put_factory
        self._settings = settings
        self._bucket = settings.s3_bucket
        self._template = settings.s3_key_template
        self._options = put_options(settings)
        self._open()

    def check(self) -> BucketInfo:
        """Check that the bucket exists and that the credentials may use it."""
        try:
            return head_bucket(self._client, self._bucket)
        except (ClientError, *NO_CREDENTIALS):
            # A client keeps the credentials it was made with; there may be better ones now.
            self._open()
            return head_bucket(self._client, self._bucket)

    def warning(self, info: BucketInfo) -> str | None:
        """Report what works now but may fail later."""
        return info.region_problem(self._bucket, self._client.meta.region_name) or info.clock_problem()

    def store(self, capture: Capture) -> StoredObject:
        """Store a capture once; return where it is."""
        key = object_key(self._template, capture)
        if self._put_capture(key, capture):
            return StoredObject(key, is_new=True)
        if is_unique_per_capture(self._template) or self._id_at(key) == capture.id:
            return StoredObject(key, is_new=False)
        for alternative in alternative_keys(key, capture):
            if self._put_capture(alternative, capture):
                return StoredObject(alternative, is_new=True)
            if self._id_at(alternative) == capture.id:
                return StoredObject(alternative, is_new=False)
        raise ClientError({"Error": {"Code": "OperationAborted"}}, "PutObject")

    def reject(self, rejected: RejectedMessage) -> str:
        """Keep a message that holds no capture below rejected/; return its key."""
        reason = rejected.reason.encode("ascii", "replace").decode()[:MAX_REASON_LENGTH]
        metadata = {"reason": "".join(char if char.isprintable() else "?" for char in reason).strip()}
        self._put_new(rejected.key, rejected.payload, "application/octet-stream", metadata)
        return rejected.key

    def list_keys(self, prefix: str, limit: int) -> list[tuple[str, int]]:
        """List key and size of the objects below a prefix."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket,
            Prefix=f"{prefix}/" if prefix else "",
            PaginationConfig={"MaxItems": limit},
        )
        return [(item["Key"], item["Size"]) for page in pages for item in page.get("Contents", [])]

    def _open(self) -> None:
        self._client = self._client_factory()
        self._fast_put = self._fast_put_factory(self._client, self._settings)

    def _put_capture(self, key: str, capture: Capture) -> bool:
        return self._put_new(key, capture.image, capture.content_type, capture.metadata)

    def _put_new(self, key: str, body: bytes, content_type: str, metadata: dict[str, str]) -> bool:
        """Write an object unless the key exists; return whether it was written now."""
        if self._fast_put and self._fast_put.put(key, body, content_type, metadata):
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
            if http_status(error) == PRECONDITION_FAILED:
                return False
            raise
        return True

    def _id_at(self, key: str) -> str | None:
        return self._client.head_object(Bucket=self._bucket, Key=key)["Metadata"].get("id")


def put_options(settings: StorageSettings) -> dict[str, Any]:
    """Storage class and encryption as put_object takes them."""
    options = {
        "StorageClass": settings.s3_storage_class if settings.s3_storage_class != "STANDARD" else None,
        "ServerSideEncryption": settings.s3_sse,
        "SSEKMSKeyId": settings.s3_kms_key_id,
    }
    return {name: value for name, value in options.items() if value}
