"""Writes captures and rejected messages to the bucket, each exactly once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from botocore.exceptions import ClientError

from storage.answers.bucket_info import BucketInfo
from storage.capture import Capture, RejectedMessage
from storage.client import head_bucket
from storage.errors import NO_CREDENTIALS
from storage.keys.template import alternative_keys, is_unique_per_capture, object_key
from storage.settings import StorageSettings
from uploader.store.bucket_objects import BucketObjects, Upload
from uploader.store.fast_put import FastPut

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

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
        if is_unique_per_capture(self._template):
            return self._store_as(key, capture, None) or _conflict()
        for candidate in (key, *alternative_keys(key, capture)):
            stored = self._store_as(candidate, capture, capture.id)
            if stored:
                return stored
        return _conflict()

    def reject(self, rejected: RejectedMessage) -> str:
        """Keep a message that holds no capture below rejected/; return its key."""
        reason = rejected.reason.encode("ascii", "replace").decode()[:MAX_REASON_LENGTH]
        metadata = {"reason": "".join(char if char.isprintable() else "?" for char in reason).strip()}
        upload = Upload(rejected.key, rejected.payload, "application/octet-stream", metadata)
        if not self._objects.put_new(upload):
            self._objects.ensure_stored(upload)
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
        fast_put = self._fast_put_factory(self._client, self._settings)
        self._objects = BucketObjects(self._client, self._settings, fast_put)

    def _store_as(self, key: str, capture: Capture, capture_id: str | None) -> StoredObject | None:
        """Store it under this key; None if another capture is there."""
        upload = Upload(key, capture.image, capture.content_type, capture.object_metadata)
        if self._objects.put_new(upload):
            return StoredObject(key, is_new=True)
        return StoredObject(key, is_new=False) if self._objects.ensure_stored(upload, capture_id) else None


def _conflict() -> NoReturn:
    raise ClientError({"Error": {"Code": "OperationAborted"}}, "PutObject")
