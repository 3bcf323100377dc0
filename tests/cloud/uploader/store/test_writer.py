"""What CaptureStore asks of S3, and what it makes of S3's rarer responses."""

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from storage.client import create_client
from storage.settings import StorageSettings
from tests.support.images import pictures
from uploader.ingest.parser import parse_capture
from uploader.settings import Settings
from uploader.store.retry import RetryCoordinator
from uploader.store.writer import CaptureStore, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CAPTURE = parse_capture(pictures.message(pictures.png(1)), 1_000_000)
KEY = f"x/{CAPTURE.id}.png"
STORED = {"ETag": f'"{hashlib.md5(CAPTURE.image, usedforsecurity=False).hexdigest()}"'}  # as S3 confirms a PUT


def reads_back(stubber: Stubber, *, knows_condition: bool = False) -> None:
    """Answer to the test of the first upload: its bytes, and that a second one is refused."""
    body = StreamingBody(io.BytesIO(CAPTURE.image), len(CAPTURE.image))
    stubber.add_response("get_object", {"Body": body})
    if not knows_condition:
        stubber.add_client_error("put_object", "PreconditionFailed", http_status_code=412)


def no_fast_put(_client: "S3Client", _settings: StorageSettings) -> None:
    """Leave everything to boto3, which is stubbed."""


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[CaptureStore, Stubber]:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    settings = Settings(s3_bucket="captures", s3_endpoint_url="http://127.0.0.1:9", s3_key_template="x/{id}.png")
    client = create_client(settings)
    return CaptureStore(lambda: client, settings, no_fast_put), Stubber(client)


def test_a_busy_s3_and_a_conflicting_writer_are_tried_again(stubbed: tuple[CaptureStore, Stubber]) -> None:
    store, stubber = stubbed
    stubber.add_client_error("put_object", "SlowDown", http_status_code=503)
    stubber.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
    stubber.add_response("put_object", STORED)
    reads_back(stubber)

    with stubber:
        assert RetryCoordinator("captures").run(lambda: store.store(CAPTURE)) == StoredObject(KEY, is_new=True)


def test_a_taken_name_whose_object_vanishes_meanwhile_is_tried_again(stubbed: tuple[CaptureStore, Stubber]) -> None:
    store, stubber = stubbed
    stubber.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    stubber.add_client_error("head_object", "404", http_status_code=404)
    stubber.add_response("put_object", STORED)
    reads_back(stubber, knows_condition=True)

    with stubber:
        assert RetryCoordinator("captures").run(lambda: store.store(CAPTURE)) == StoredObject(KEY, is_new=True)


def test_no_option_is_sent_that_was_not_set(stubbed: tuple[CaptureStore, Stubber]) -> None:
    store, stubber = stubbed
    expected = {"Bucket": "captures", "Key": KEY, "Body": ANY, "ContentType": "image/png", "IfNoneMatch": "*"}
    stubber.add_response("put_object", STORED, {**expected, "Metadata": CAPTURE.object_metadata})
    reads_back(stubber)

    with stubber:
        store.store(CAPTURE)


def test_a_region_that_is_not_the_buckets_is_warned_about(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(s3_bucket="captures", aws_region="eu-west-1")
    client = create_client(settings)
    store = CaptureStore(lambda: client, settings, no_fast_put)
    with Stubber(client) as stubber:
        for region in ("eu-central-1", "eu-west-1"):
            stubber.add_response("head_bucket", {"BucketRegion": region})
        infos = [store.check(), store.check()]

    assert [store.warning(info) for info in infos] == [
        "the bucket captures is in eu-central-1 and AWS_REGION is eu-west-1; set AWS_REGION=eu-central-1",
        None,
    ]


def test_encryption_is_sent_as_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(s3_bucket="captures", aws_region="eu-central-1", s3_sse="aws:kms", s3_kms_key_id="key")
    client = create_client(settings)
    with Stubber(client) as stubber:
        stubber.add_response(
            "put_object",
            STORED,
            dict.fromkeys(("Bucket", "Key", "Body", "ContentType"), ANY)
            | {"Metadata": ANY, "IfNoneMatch": "*", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key"},
        )
        reads_back(stubber)
        CaptureStore(lambda: client, settings, no_fast_put).store(CAPTURE)
