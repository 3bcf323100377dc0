"""Listing, reading, writing and deleting objects in the bucket. Every method raises what boto3 raises."""

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from cachetools import TTLCache

from storage.answers.answer import http_status
from storage.capture import contract_names, is_stored_capture
from storage.client import head_bucket, head_object
from storage.errors import NO_CREDENTIALS, S3ErrorKind, classify
from storage.keys import folders
from storage.star import EXPIRES, STARRED, Retention, marker, set_tag

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX_LIST_SECONDS = 20.0  # how long a list of prefixes is cached; a receipt for a new prefix ends that
MAX_PREFIX_LISTS = 5000
UNKNOWN_TYPE = "application/octet-stream"  # where a store tells none
MAX_KEYS_PER_DELETE = MAX_KEYS_PER_LIST = 1000  # S3's own limits for one request
AFTER_SLASH = chr(ord("/") + 1)
BAD_REQUEST = 400
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as ListObjectsV2 describes it."""

    key: str
    size: int
    at: datetime  # when it was stored, aware


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of an object, and what they are."""

    body: bytes
    content_type: str
    is_capture: bool  # that an uploader wrote, rather than another object of the bucket
    metadata: Mapping[str, str] = field(default_factory=dict)  # in the contract's words


class FastReads(Protocol):
    """What may be read at less cost; None wherever boto3 should be asked."""

    def list_objects(
        self, prefix: str, limit: int, after: str = "", *, empty: bool = False
    ) -> list[ListedObject] | None:
        """At most `limit` objects below a prefix, by key, after a key; `empty`: those without content, too."""

    def metadata(self, key: str) -> tuple[Mapping[str, str], str] | None:
        """What was stored with an object, and its content type."""


class ObjectReader:
    """Lists, reads and deletes objects. Safe to use from several threads."""

    def __init__(self, connect: Callable[[], "S3Client"], bucket_name: str, fast: FastReads | None = None) -> None:
        """`fast` is asked first, if there is one."""
        self.bucket_name, self._fast = bucket_name, fast
        self._connect = connect
        self._use(connect())
        self._prefix_lists: TTLCache[str, list[str]] = TTLCache(MAX_PREFIX_LISTS, PREFIX_LIST_SECONDS)
        self._lock = threading.Lock()
        self.list_requests = 0

    def check(self) -> None:
        """Ask whether the bucket exists; connects again to pick up new credentials."""
        try:
            head_bucket(self._client, self.bucket_name)
        except (ClientError, *NO_CREDENTIALS):
            self._use(self._connect())
            head_bucket(self._client, self.bucket_name)

    def _use(self, client: "S3Client") -> None:
        self._client = client
        self._lists = client.get_paginator("list_objects_v2")  # boto3 reads files for it: not while somebody waits

    def list_prefixes(self, prefix: str) -> list[str]:
        """The names of the folders below a prefix that ends with / or is empty."""
        with self._lock:
            cached = self._prefix_lists.get(prefix)
        if cached is not None:
            return cached
        names = list(self._list_common_prefixes(prefix))
        with self._lock:
            self._prefix_lists[prefix] = names
        return names

    def invalidate(self, key: str) -> None:
        """Forget the lists from which the prefix of a new object may be missing."""
        parts = key.split("/")
        with self._lock:
            prefix = ""
            for part in parts[:-1]:
                cached = self._prefix_lists.get(prefix)
                if cached is not None and part not in cached:
                    self._prefix_lists.pop(prefix, None)
                prefix += f"{part}/"

    def list_objects(self, prefix: str, limit: int, after: str = "", *, empty: bool = False) -> list[ListedObject]:
        """At most `limit` objects below a prefix, by key, after a key.

        `empty`: those without content count, too. Such an object may be a folder's marker without its last slash.
        """
        listed = self._fast.list_objects(prefix, limit, after, empty=empty) if self._fast else None
        if listed is not None:
            self.list_requests += math.ceil(len(listed) / MAX_KEYS_PER_LIST)
            return listed
        pages = self._lists.paginate(
            Bucket=self.bucket_name, Prefix=prefix, StartAfter=after, PaginationConfig={"MaxItems": limit}
        )
        found: list[ListedObject] = []
        for page in pages:
            self.list_requests += 1
            contents = page.get("Contents", [])
            found += [ListedObject(item["Key"], item["Size"], item["LastModified"]) for item in contents]
        return found

    def metadata(self, key: str) -> dict[str, str]:
        """What the uploader wrote with a capture, in the contract's words; nothing of anybody else's object."""
        found = self._fast.metadata(key) if self._fast else None
        if found is None:
            head = head_object(self._client, self.bucket_name, key)
            found = head["Metadata"], head.get("ContentType", UNKNOWN_TYPE)
        metadata = contract_names(found[0])
        return metadata if is_stored_capture(metadata, found[1]) else {}

    def is_capture(self, key: str) -> bool:
        """Whether an uploader wrote this object."""
        return bool(self.metadata(key))

    def read(self, key: str) -> Content:
        """The whole object."""
        response = self._client.get_object(Bucket=self.bucket_name, Key=key)
        with response["Body"] as body:
            content_type = response.get("ContentType", UNKNOWN_TYPE)
            metadata = contract_names(response["Metadata"])
            return Content(body.read(), content_type, is_stored_capture(metadata, content_type), metadata)

    def write(self, key: str, body: bytes, content_type: str) -> None:
        """Store an object of our own."""
        self._client.put_object(Bucket=self.bucket_name, Key=key, Body=body, ContentType=content_type)

    def star(self, key: str) -> bool:
        """Star a capture; whether retention spares it now.

        A store that keeps no tags is sent none: it might take them for the picture.
        """
        retention = Retention.read(self._client, self.bucket_name, key)
        is_tagged = retention.by_tag and self._tag(key, STARRED)
        self.write(marker(key), b"", UNKNOWN_TYPE)
        return retention.ends is False and is_tagged is retention.by_tag

    def unstar(self, key: str) -> None:
        """Let retention delete a capture again."""
        if Retention.read(self._client, self.bucket_name, key).by_tag:
            self._tag(key, EXPIRES)
        try:
            self._client.delete_object(Bucket=self.bucket_name, Key=marker(key))
        except ClientError:  # the right to delete is not required: a marker that is not empty stands for no star
            self.write(marker(key), b"-", UNKNOWN_TYPE)

    def _tag(self, key: str, value: str) -> bool:
        try:
            set_tag(self._client, self.bucket_name, key, value)
        except ClientError as error:
            if classify(error, self.bucket_name).kind is not S3ErrorKind.DENIED:
                raise
            return False
        return True

    def starred(self, limit: int) -> list[str]:
        """The keys of at most so many starred captures."""
        markers = self.list_objects(folders.STARRED_FOLDER, limit, empty=True)
        return [each.key.removeprefix(folders.STARRED_FOLDER) for each in markers if not each.size]

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; one that does not exist is no error."""
        for first in range(0, len(keys), MAX_KEYS_PER_DELETE):
            batch = keys[first : first + MAX_KEYS_PER_DELETE]
            for key in set(batch) - self._delete_together(batch):
                self._delete_one(key)

    def _delete_together(self, keys: Sequence[str]) -> set[str]:
        """Delete by one request; return the keys that the store says are gone: none, where it refuses the request."""
        try:
            response = self._client.delete_objects(
                Bucket=self.bucket_name, Delete={"Objects": [{"Key": key} for key in keys]}
            )
        except ResponseParserError:
            return set()
        except ClientError as error:
            is_refused = classify(error, self.bucket_name).kind is S3ErrorKind.UNSUITABLE
            if not is_refused and http_status(error) != BAD_REQUEST:
                raise
            return set()
        for kept in response.get("Errors", []):
            raise ClientError(
                {"Error": {"Code": kept.get("Code", ""), "Message": kept.get("Message", "")}}, "DeleteObjects"
            )
        return {deleted.get("Key", "") for deleted in response.get("Deleted", [])}

    def _delete_one(self, key: str) -> None:
        try:
            self._client.delete_object(Bucket=self.bucket_name, Key=key)
        except ClientError as error:
            if http_status(error) != NOT_FOUND:
                raise

    def _list_common_prefixes(self, prefix: str) -> Iterator[str]:
        self.list_requests += 1
        names: set[str] = set()
        for page in self._lists.paginate(Bucket=self.bucket_name, Prefix=prefix, Delimiter="/"):
            found = {entry["Prefix"][len(prefix) :].rstrip("/") for entry in page.get("CommonPrefixes", [])} - names
            yield from sorted(found)
            names |= found
        if not names:
            yield from self._skip_through_prefixes(prefix)

    def _skip_through_prefixes(self, prefix: str) -> Iterator[str]:
        """Find the folders in a store that does not name them: one key of each, then on behind the folder."""
        after = ""
        while listed := self.list_objects(prefix, 1, after):
            name, slash, _ = listed[0].key[len(prefix) :].partition("/")
            if slash:
                yield name
            last, after = after, f"{prefix}{name}{AFTER_SLASH}" if slash else listed[0].key
            if after == last:
                return  # this store has no StartAfter
