"""The bucket as the gallery asks it. Every method raises what boto3 raises."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from storage.client import head_bucket, head_object
from storage.errors import NO_CREDENTIALS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")
FOLDERS_SECONDS = 20.0  # how long a list of folders is believed; a receipt for a new one ends that
MOST_FOLDER_LISTS = 5000
MOST_DELETED = 1000  # S3's own limit for one request


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as a list shows it."""

    key: str
    size: int
    at: datetime  # when it was stored, aware


@dataclass(frozen=True, slots=True)
class Content:
    """An object as it is."""

    body: bytes
    content_type: str


class Bucket:
    """Lists, reads and deletes. Safe to use from several threads."""

    def __init__(self, connect: Callable[[], "S3Client"], name: str) -> None:
        self.name = name
        self._connect, self._client = connect, connect()
        self._folders: OrderedDict[str, tuple[float, list[str]]] = OrderedDict()
        self._guard = threading.Lock()
        self.requests = 0  # lists, for whoever counts

    def check(self) -> None:
        """Ask whether it is there; takes better credentials when there are any."""
        try:
            head_bucket(self._client, self.name)
        except (ClientError, *NO_CREDENTIALS):
            self._client = self._connect()
            head_bucket(self._client, self.name)

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders below a prefix that ends with /, or is empty."""
        with self._guard:
            known = self._folders.get(prefix)
        if known and time.monotonic() - known[0] < FOLDERS_SECONDS:
            return known[1]
        names = list(self._list_folders(prefix))
        with self._guard:
            self._folders[prefix] = (time.monotonic(), names)
            while len(self._folders) > MOST_FOLDER_LISTS:
                self._folders.popitem(last=False)
        return names

    def appeared(self, key: str) -> None:
        """Forget lists in which a new object's folder may be missing."""
        parts = key.split("/")
        with self._guard:
            for depth in range(len(parts) - 1):
                prefix = "".join(part + "/" for part in parts[:depth])
                known = self._folders.get(prefix)
                if known and parts[depth] not in known[1]:
                    del self._folders[prefix]

    def objects(self, prefix: str, most: int, after: str = "") -> list[Stored]:
        """At most so many objects below a prefix, by name, after a name."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, StartAfter=after, PaginationConfig={"MaxItems": most}
        )
        found: list[Stored] = []
        for page in pages:
            self.requests += 1
            found += [Stored(item["Key"], item["Size"], item["LastModified"]) for item in page.get("Contents", [])]
        return found

    def metadata(self, key: str) -> dict[str, str]:
        """What the uploader wrote beside an object."""
        return dict(head_object(self._client, self.name, key)["Metadata"])

    def read(self, key: str) -> Content:
        """The whole object."""
        answer = self._client.get_object(Bucket=self.name, Key=key)
        with answer["Body"] as body:
            return Content(body.read(), answer["ContentType"])

    def delete(self, keys: Sequence[str]) -> None:
        """Delete them; one that is not there is no error."""
        for first in range(0, len(keys), MOST_DELETED):
            chosen = [{"Key": key} for key in keys[first : first + MOST_DELETED]]
            answer = self._client.delete_objects(
                Bucket=self.name,
                Delete={"Objects": chosen, "Quiet": True},  # type: ignore[typeddict-item]
            )
            for error in answer.get("Errors", []):
                raise ClientError(
                    {"Error": {"Code": error.get("Code", ""), "Message": error.get("Message", "")}}, "DeleteObjects"
                )

    def _list_folders(self, prefix: str) -> Iterator[str]:
        self.requests += 1
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix, Delimiter="/")
        for page in pages:
            for found in page.get("CommonPrefixes", []):
                yield found["Prefix"][len(prefix) :].rstrip("/")
