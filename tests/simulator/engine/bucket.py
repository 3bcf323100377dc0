"""An S3 that answers late, twice, wrongly or not at all, and what its clients see."""

import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from obstore.exceptions import AlreadyExistsError, GenericError

from tests.simulator.engine.simulation import Process, Simulation

URL = "http://s3"
LATENCY_SECONDS = 0.02
ENTITY_TAG = '"9a0364b9e99bb480dd25e1f0284c8555"'
PATIENCE_SECONDS = 15.0  # after which a client gives up


@dataclass(slots=True)
class Object:
    body: bytes = field(repr=False)
    content_type: str
    metadata: dict[str, str]


def refused(code: str, status: int, operation: str = "PutObject") -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


class Bucket:
    """What the world's uploaders share. Mishaps are chances from 0 to 1, or switches."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.objects: dict[str, Object] = {}
        self.on_written: Callable[[str, Object, Object | None], object] = lambda _key, _new, _old: None
        self.on_expired: Callable[[], object] = lambda: None
        self.on_listed: Callable[[str], object] = lambda _prefix: None
        self.down = self.denied = self.denies_tags = False
        self._refused_since: dict[Process, float] = {}
        self.credentials = 0  # which are valid, by number
        self.lost_bodies = False  # once, so that objects are repaired
        self.was_late = False
        self.loses_bodies = False  # it says 200, and keeps nothing of the body
        self.impostor = self.throttled = self.failing = self.conflicting = self.late = self.doubled = 0.0

    @property
    def refused_seconds(self) -> float:
        """How long the running process has heard nothing but that the store is away, or lets nobody in."""
        return self.simulation.now - self._refused_since.get(self.simulation.process(), self.simulation.now)

    def recover(self) -> None:
        """End an outage, and a refusal of the credentials."""
        self.down = self.denied = False

    def call(self, credentials: int, operation: str, apply: Callable[[], Any], *, is_tagged: bool = False) -> Any:
        """One request, as its sender sees it."""
        simulation, rng = self.simulation, self.simulation.rng
        simulation.sleep(LATENCY_SECONDS * (0.5 + rng.random()))
        self._admit(credentials, operation, is_tagged=is_tagged)
        if rng.random() < self.throttled:
            raise refused("SlowDown", 503, operation)
        if rng.random() < self.failing:
            raise rng.choice(
                [
                    refused("InternalError", 500, operation),
                    ConnectTimeoutError(endpoint_url=URL),
                    ResponseParserError("a page of a proxy is no XML"),
                ]
            )
        if operation == "PutObject" and rng.random() < self.conflicting:
            raise refused("ConditionalRequestConflict", 409, operation)
        if operation == "PutObject" and rng.random() < self.impostor:
            return None  # a proxy said 200, and nothing of it reached the store
        if rng.random() < self.late:
            self._be_late(apply)
        if operation == "PutObject" and rng.random() < self.doubled:  # the library repeats by itself
            self._try(apply)
        result = apply()
        simulation.sleep(LATENCY_SECONDS * rng.random())
        self._refused_since.pop(simulation.process(), None)
        return result

    def _admit(self, credentials: int, operation: str, *, is_tagged: bool) -> None:
        """Refuse what a store that is away, or does not know its clients, refuses."""
        if self.down or self.denied:
            self._refused_since.setdefault(self.simulation.process(), self.simulation.now)
        if self.down:
            raise EndpointConnectionError(endpoint_url=URL)
        if credentials != self.credentials:
            self.on_expired()
            raise refused("ExpiredToken", 400, operation)
        if self.denied or (is_tagged and self.denies_tags):
            raise refused("AccessDenied", 403, operation)

    def put(self, key: str, made: Object, *, conditional: bool) -> str:
        old = self.objects.get(key)
        if conditional and old is not None:
            raise refused("PreconditionFailed", 412)
        if self.loses_bodies:
            self.lost_bodies = True
            made = Object(b"", made.content_type, made.metadata)
        self.simulation.trace(f"bucket has {key}")
        self.objects[key] = made
        self.on_written(key, made, old)
        return ENTITY_TAG

    def _be_late(self, apply: Callable[[], Any]) -> None:
        """The sender gives up; the request may have been done, may be done yet, or never."""
        rng = self.simulation.rng
        self.was_late = True
        fate = rng.randrange(3)
        if fate == 0:
            self._try(apply)
        elif fate == 1:
            self.simulation.at(PATIENCE_SECONDS + 600 * rng.random(), lambda: self._try(apply))
        self.simulation.sleep(PATIENCE_SECONDS)
        raise ReadTimeoutError(endpoint_url=URL)

    @staticmethod
    def _try(apply: Callable[[], Any]) -> None:
        try:
            apply()
        except ClientError:
            return


class S3Client:
    """boto3's; it keeps the credentials that were valid when it was made."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket, self._credentials = bucket, bucket.credentials
        self.meta = types.SimpleNamespace(region_name="eu-west-1")

    def put_object(self, *, Key: str, Body: bytes, ContentType: str, Metadata: dict[str, str], **more: Any) -> Any:  # noqa: N803
        made = Object(Body, ContentType, dict(Metadata))
        return {"ETag": self.put(Key, made, is_conditional="IfNoneMatch" in more, is_tagged="Tagging" in more)}

    def put(self, key: str, made: Object, *, is_conditional: bool, is_tagged: bool) -> Any:
        apply = partial(self._bucket.put, key, made, conditional=is_conditional)
        return self.call("PutObject", apply, is_tagged=is_tagged)

    def call(self, operation: str, apply: Callable[[], Any], *, is_tagged: bool = False) -> Any:
        return self._bucket.call(self._credentials, operation, apply, is_tagged=is_tagged)

    def head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        found = self.call("HeadObject", lambda: self._bucket.objects.get(Key))
        if found is None:
            raise refused("404", 404, "HeadObject")
        return {"Metadata": found.metadata, "ContentLength": len(found.body)}

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        found = self.call("GetObject", lambda: self._bucket.objects.get(Key))
        if found is None:
            raise refused("NoSuchKey", 404, "GetObject")
        return {"Body": _Body(found.body)}

    def head_bucket(self, **_: Any) -> dict[str, Any]:
        self.call("HeadBucket", lambda: None)
        return {}

    def get_paginator(self, _operation: str) -> "S3Client":
        return self

    def paginate(self, *, Prefix: str, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        self._bucket.on_listed(Prefix)
        objects = self.call("ListObjectsV2", lambda: dict(self._bucket.objects))
        yield {
            "Contents": [
                {"Key": key, "Size": len(each.body)} for key, each in objects.items() if key.startswith(Prefix)
            ]
        }

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        self.call("ListObjectsV2", lambda: None)
        return {}


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def read(self) -> bytes:
        return self._body


def fast_put(client: S3Client, key: str, body: bytes, *, attributes: dict[str, str], tags: Any, **_: Any) -> Any:
    """As obstore.put, which tells less."""
    metadata = {name: text for name, text in attributes.items() if name != "Content-Type"}
    made = Object(body, attributes["Content-Type"], metadata)
    try:
        return {"e_tag": client.put(key, made, is_conditional=True, is_tagged=bool(tags))}
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in {409, 412}:
            raise AlreadyExistsError(str(error)) from error
        raise GenericError(str(error)) from error
    except (EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError, ResponseParserError) as error:
        raise GenericError(str(error)) from error
