"""cloud/iam/policy.json allows what the uploader and a star ask of S3 in all their life, and nothing else."""

import json
import re
import socket
from collections.abc import Iterator

import pytest

from dev.harness.process import wait_for
from dev.harness.services import s3_client
from storage.star import STARRED, Retention, set_tag
from tests.cloud.rig import Bucket, Edge, S3Proxy, Uploaders
from tests.support.images import pictures
from tests.support.paths import ROOT
from tests.support.rig import Store

POLICY = ROOT / "cloud" / "iam" / "policy.json"
REQUEST = re.compile(rb"(GET|PUT|HEAD|POST|DELETE) /([^ ?]*)(\?[^ ]*)? HTTP/1\.1\r\n")


class Recorder(S3Proxy):
    """A proxy that records every request."""

    def __init__(self, target: str) -> None:
        self.requests: set[tuple[str, str, str]] = set()
        super().__init__(target)

    def note(self, _source: socket.socket, data: bytes) -> None:
        for method, path, query in REQUEST.findall(data):
            self.requests.add((method.decode(), path.decode(), query.decode()))


@pytest.fixture
def s3_proxy(store: Store) -> Iterator[S3Proxy]:
    s3_proxy = Recorder(store.endpoint)
    yield s3_proxy
    s3_proxy.close()


def action(method: str, path: str, query: str) -> str:
    """Name the permission that S3 requires."""
    key = path.partition("/")[2]
    match method, bool(key):
        case "PUT", True if "x-id=PutObject" in query or not query:
            name = "PutObject"
        case (("GET" | "HEAD"), True) if not query:
            name = "GetObject"
        case (("HEAD" | "GET"), False) if not query or "list-type=2" in query:
            name = "ListBucket"
        case "GET", False if query == "?lifecycle":
            name = "GetLifecycleConfiguration"
        case (("GET" | "PUT"), True) if query == "?tagging":
            name = f"{method.capitalize()}ObjectTagging"
        case _:
            name = f"{method} {path}{query}"
    return f"s3:{name}"


def test_the_policy_allows_exactly_what_the_uploader_and_a_star_do(
    s3_proxy: Recorder, edge: Edge, uploaders: Uploaders, bucket: Bucket
) -> None:
    process = uploaders.start_healthy(S3_RETENTION_DAYS="30")
    edge.send(pictures.png(1))  # new
    edge.send(pictures.png(1))  # known
    edge.send(pictures.png(2), {})  # without a description
    edge.send(b"nonsense")
    wait_for(edge.rejected, seconds=20, what="the rejection")
    s3_proxy.close()
    edge.send(pictures.png(3))
    uploaders.wait_for_state("S3 is unavailable")
    s3_proxy.open()
    wait_for(lambda: len(edge.stored()) >= 3, seconds=40, what="what was sent without S3")
    process.stop()
    uploaders.start_healthy(S3_KEY_TEMPLATE="{captured_at:%d-%m-%Y_%H-%M-%S}.png")  # names that collide
    edge.send_all([pictures.png(4), pictures.png(5)])
    wait_for(lambda: len(edge.stored()) >= 5, seconds=20, what="both of one second")
    with_bucket_away = "usbcam-there-is-no-such-bucket"
    uploaders.stop_all()
    uploaders.start(S3_BUCKET=with_bucket_away)
    uploaders.wait_for_state(with_bucket_away)
    starred = bucket.capture_keys()[0]
    client = s3_client(s3_proxy.endpoint, bucket.store.access_key, bucket.store.secret_key)
    assert Retention.read(client, bucket.name, starred).by_tag is False  # `setup` has written no rule
    set_tag(client, bucket.name, starred, STARRED)

    statements = json.loads(POLICY.read_text(encoding="utf-8"))["Statement"]

    allowed = {allowed for statement in statements for allowed in statement["Action"]}
    assert {action(*request) for request in s3_proxy.requests} == allowed
    assert bucket.list_keys()


def test_the_policy_is_for_one_bucket_alone() -> None:
    statements = json.loads(POLICY.read_text(encoding="utf-8"))["Statement"]

    assert {statement["Effect"] for statement in statements} == {"Allow"}
    assert {statement["Resource"] for statement in statements} == {
        "arn:aws:s3:::YOUR-BUCKET",
        "arn:aws:s3:::YOUR-BUCKET/*",
    }
