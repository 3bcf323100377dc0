"""Objects as the uploader writes them: unless the key is taken, and read back after each change of the way of writing.

Some stores keep what travels with the bytes in the object, or overwrite in spite of `If-None-Match`, and say 200.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from storage.answers.answer import UnsuitableStoreError, error_code, http_status
from storage.answers.refusals import is_unsupported, refusal
from storage.capture import contract_names
from storage.client import is_entity_tag
from storage.errors import S3ErrorKind, classify
from storage.keys.template import is_unique_per_capture
from storage.settings import StorageSettings
from storage.star import NOT_TAGGED, tagging, tags_of_new
from uploader.store.fast_put import FastPut

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TAKEN = {304, 412}  # how If-None-Match is answered
CONFLICT = 409
NOT_FOUND = 404
NO_CONDITION = "it does not support If-None-Match, without which nothing can be stored exactly once; use another store"
OVERWRITES = "the store overwrites an existing object in spite of If-None-Match"
COLLIDING = f"{OVERWRITES}, so captures would overwrite each other; put {{id}} in S3_KEY_TEMPLATE"
HARMLESS = f"{OVERWRITES}; a duplicate writes the same image again, so keep {{id}} in S3_KEY_TEMPLATE"
DAMAGED = (
    "what is read back differs from what was written, so nothing is reported as stored. Set "
    "AWS_REQUEST_CHECKSUM_CALCULATION=when_required, see whether a proxy changes uploads, or use another store"
)
log = logging.getLogger(__name__)


class Condition(Enum):
    """What the store makes of `If-None-Match`."""

    UNKNOWN = auto()  # it was not asked yet to write under a taken key
    HONOURED = auto()
    IGNORED = auto()


@dataclass(frozen=True, slots=True)
class Upload:
    """One object to be written."""

    key: str
    body: bytes = field(repr=False)
    content_type: str
    metadata: Mapping[str, str]


class BucketObjects:
    """Writes with one client, fast where that works; every method raises S3_ERRORS and may be called again."""

    def __init__(self, client: "S3Client", settings: StorageSettings, fast_put: FastPut | None) -> None:
        self._client = client
        self._bucket = settings.s3_bucket
        self._fast_put = fast_put
        self._options = put_options(settings)
        self._tags = tags_of_new(settings)
        self._keys_collide = not is_unique_per_capture(settings.s3_key_template)
        self._condition = Condition.UNKNOWN
        self._first_put = threading.Lock()  # one at a time, while the condition is unknown and keys may collide
        self._verifying = threading.Lock()
        self._verified_writer: object = None  # what wrote the last object that was read back
        self._damaged: set[str] = set()  # keys

    def put_new(self, upload: Upload) -> bool:
        """Write an object unless the key exists; return whether it was written now."""
        if self._condition is Condition.UNKNOWN and self._keys_collide:
            with self._first_put:
                return not self._exists(upload.key) and self._put_new(upload)
        return self._put_new(upload)

    def ensure_stored(self, upload: Upload, capture_id: str | None = None) -> bool:
        """Make the object at a taken key whole, if it is this one; False if not. Without an ID, its key says enough."""
        head = self._client.head_object(Bucket=self._bucket, Key=upload.key)
        if capture_id is not None and contract_names(head["Metadata"]).get("id") != capture_id:
            return False
        is_unverified = self._verified_writer is None or upload.key in self._damaged
        if is_unverified or head.get("ContentLength") != len(upload.body):
            self._make_whole(upload)
        self._ensure_condition(upload)
        return True

    def _put_new(self, upload: Upload) -> bool:
        writer = self._write_new(upload)
        if writer is None:
            self._condition = Condition.HONOURED
            return False
        if writer is not self._verified_writer or self._condition is Condition.UNKNOWN:
            self._verify(writer, upload)
        return True

    def _verify(self, writer: object, upload: Upload) -> None:
        """Read back what was written, once for each writer; other threads wait for the result."""
        with self._verifying:
            if writer is not self._verified_writer:
                self._read_back(upload)
                self._verified_writer = writer
            self._ensure_condition(upload)

    def _exists(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if http_status(error) == NOT_FOUND:
                return False
            raise
        return True

    def _write_new(self, upload: Upload) -> object:
        """Return what wrote it, or None if the key is taken."""
        fast_put = self._fast_put
        writer = fast_put.put(upload.key, upload.body, upload.content_type, upload.metadata) if fast_put else None
        if writer is not None:
            return writer
        return self._client if self._put(upload, IfNoneMatch="*") else None

    def _put(self, upload: Upload, **condition: Any) -> bool:
        try:
            response = self._put_tagged(upload, condition)
        except ClientError as error:
            if says_taken(error):
                return False
            if condition and not self._options and is_unsupported(error) and refusal(error):
                raise UnsuitableStoreError(NO_CONDITION) from error  # nothing else sets it apart from a plain PUT
            raise
        if not is_entity_tag(response.get("ETag")):
            self._read_back(upload)  # a proxy may have answered in the store's place
        return True

    def _put_tagged(self, upload: Upload, condition: dict[str, Any]) -> Any:
        """With the tag that retention asks for; without it, where only that is refused."""
        tags = self._tags
        try:
            return self._put_object(upload, condition | ({"Tagging": tagging(tags)} if tags else {}))
        except ClientError as error:
            if not tags or not _may_be_the_tag(error, self._bucket):
                raise
        response = self._put_object(upload, condition)
        log.warning("%s", NOT_TAGGED)
        self._tags = {}
        if self._fast_put:
            self._fast_put.stop_tagging()
        return response

    def _put_object(self, upload: Upload, more: dict[str, Any]) -> Any:
        return self._client.put_object(
            Bucket=self._bucket,
            Key=upload.key,
            Body=upload.body,
            ContentType=upload.content_type,
            Metadata=dict(upload.metadata),
            **more,
            **self._options,
        )

    def _ensure_condition(self, upload: Upload) -> None:
        """Write the same bytes again: a store that takes them would overwrite others as well."""
        if self._condition is not Condition.UNKNOWN:
            return
        is_honoured = not self._put(upload, IfNoneMatch="*")
        if not is_honoured and self._keys_collide:
            raise UnsuitableStoreError(COLLIDING)
        if not is_honoured:
            log.warning("%s", HARMLESS)
        self._condition = Condition.HONOURED if is_honoured else Condition.IGNORED

    def _make_whole(self, upload: Upload) -> None:
        """Write an object again that an earlier attempt damaged; its key says what it has to be."""
        if self._read(upload.key) == upload.body:
            return
        log.warning("Writing %s again, because the bucket holds something else there", upload.key)
        self._put(upload)
        self._read_back(upload)

    def _read_back(self, upload: Upload) -> None:
        if self._read(upload.key) != upload.body:
            self._damaged.add(upload.key)
            raise UnsuitableStoreError(DAMAGED)
        self._damaged.discard(upload.key)

    def _read(self, key: str) -> bytes:
        response = self._client.get_object(Bucket=self._bucket, Key=key)
        with response["Body"] as body:
            return body.read()


def put_options(settings: StorageSettings) -> dict[str, Any]:
    """Storage class and encryption as put_object takes them."""
    options = {
        "StorageClass": settings.s3_storage_class if settings.s3_storage_class != "STANDARD" else None,
        "ServerSideEncryption": settings.s3_sse,
        "SSEKMSKeyId": settings.s3_kms_key_id,
    }
    return {name: value for name, value in options.items() if value}


def _may_be_the_tag(error: ClientError, bucket: str) -> bool:
    """Whether an upload may have been refused for its tag: by a right that is missing, or by a store without tags."""
    if says_taken(error):
        return False
    return is_unsupported(error) or classify(error, bucket).kind in {S3ErrorKind.DENIED, S3ErrorKind.UNSUITABLE}


def says_taken(error: ClientError) -> bool:
    """Whether there is an object at the key already; who wrote it is asked next."""
    status, code = http_status(error), error_code(error)
    return status in TAKEN or (status == CONFLICT and code.endswith("AlreadyExists"))
