"""What the uploader makes of S3's rarer answers."""

import logging
import threading
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from botocore.stub import ANY, Stubber

from storage.errors import Kind, explain
from tests.support import pictures
from uploader.ingest.parser import parse
from uploader.settings import Settings
from uploader.store.retry import Outage, StoppedError
from uploader.store.writer import Place, Storage, connect

CAPTURE = parse(pictures.message(pictures.png(1)), 1_000_000)


def answer(code: str, status: int, message: str = "words {of} S3") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutObject",
    )


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (answer("SlowDown", 503), Kind.BUSY, "SlowDown"),
        (answer("429", 429), Kind.BUSY, "429"),
        (answer("ConditionalRequestConflict", 409), Kind.CONFLICT, "Conflict"),
        (answer("InternalError", 500), Kind.AWAY, "InternalError"),
        (answer("", 502), Kind.AWAY, "502"),
        (answer("RequestTimeout", 400), Kind.AWAY, "RequestTimeout"),
        (answer("BadDigest", 400), Kind.AWAY, "BadDigest"),
        (EndpointConnectionError(endpoint_url="http://store"), Kind.AWAY, "S3_ENDPOINT_URL"),
        (answer("NoSuchBucket", 404), Kind.REFUSED, "S3_BUCKET"),
        (answer("404", 404), Kind.REFUSED, "S3_BUCKET"),
        (answer("AccessDenied", 403), Kind.REFUSED, "s3:PutObject"),
        (answer("403", 403), Kind.REFUSED, "s3:PutObject"),
        (answer("InvalidAccessKeyId", 403), Kind.REFUSED, "AWS_ACCESS_KEY_ID"),
        (answer("SignatureDoesNotMatch", 403), Kind.REFUSED, "AWS_SECRET_ACCESS_KEY"),
        (answer("ExpiredToken", 400), Kind.REFUSED, "AWS_SESSION_TOKEN"),
        (answer("PermanentRedirect", 301), Kind.REFUSED, "AWS_REGION"),
        (answer("AuthorizationHeaderMalformed", 400), Kind.REFUSED, "AWS_REGION"),
        (answer("KMS.NotFoundException", 400), Kind.REFUSED, "S3_KMS_KEY_ID"),
        (answer("InvalidStorageClass", 400), Kind.REFUSED, "S3_STORAGE_CLASS"),
        (answer("EntityTooLarge", 400), Kind.REFUSED, "words (of) S3"),
        (NoCredentialsError(), Kind.REFUSED, "AWS_ACCESS_KEY_ID"),
    ],
)
def test_every_failure_has_its_kind_and_names_its_mend(error: Exception, kind: Kind, word: str) -> None:
    failure = explain(error, "captures")

    assert failure.kind is kind
    assert word in failure.sentence
    assert "\n" not in failure.sentence


def test_the_same_trouble_with_another_object_is_the_same_sentence() -> None:
    errors = [EndpointConnectionError(endpoint_url=f"http://store:8333/captures/{name}.png") for name in "ab"]

    first, second = (explain(error, "captures").sentence for error in errors)

    assert first == second
    assert "http://store:8333" in first


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Storage, Stubber]:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    settings = Settings(s3_bucket="captures", s3_endpoint_url="http://127.0.0.1:9", s3_key_template="x.png")
    client = connect(settings)
    return Storage(lambda: client, settings), Stubber(client)


def test_a_busy_s3_and_a_conflicting_writer_are_tried_again(storage: tuple[Storage, Stubber]) -> None:
    ours, stubber = storage
    stubber.add_client_error("put_object", "SlowDown", http_status_code=503)
    stubber.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
    stubber.add_response("put_object", {})

    with stubber:
        assert Outage("captures").until_done(lambda: ours.store(CAPTURE)) == Place("x.png", new=True)


def test_a_taken_name_whose_object_vanishes_meanwhile_is_tried_again(storage: tuple[Storage, Stubber]) -> None:
    ours, stubber = storage
    stubber.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    stubber.add_client_error("head_object", "404", http_status_code=404)
    stubber.add_response("put_object", {})

    with stubber:
        assert Outage("captures").until_done(lambda: ours.store(CAPTURE)) == Place("x.png", new=True)


def test_no_option_is_sent_that_was_not_set(storage: tuple[Storage, Stubber]) -> None:
    ours, stubber = storage
    expected = {"Bucket": "captures", "Key": "x.png", "Body": ANY, "ContentType": "image/png", "IfNoneMatch": "*"}
    stubber.add_response("put_object", {}, {**expected, "Metadata": CAPTURE.metadata})

    with stubber:
        ours.store(CAPTURE)


def test_a_region_that_is_not_the_buckets_is_complained_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(s3_bucket="captures", aws_region="eu-west-1")
    client = connect(settings)
    ours = Storage(lambda: client, settings)
    with Stubber(client) as stubber:
        for region in ("eu-central-1", "eu-west-1"):
            stubber.add_response("head_bucket", {"BucketRegion": region})
        answers = [ours.check(), ours.check()]

    assert [ours.complaint(answer) for answer in answers] == [
        "the bucket captures is in eu-central-1 and AWS_REGION is eu-west-1; set AWS_REGION=eu-central-1",
        None,
    ]


def test_encryption_is_sent_as_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(s3_bucket="captures", aws_region="eu-central-1", s3_sse="aws:kms", s3_kms_key_id="key")
    client = connect(settings)
    with Stubber(client) as stubber:
        stubber.add_response(
            "put_object",
            {},
            dict.fromkeys(("Bucket", "Key", "Body", "ContentType"), ANY)
            | {"Metadata": ANY, "IfNoneMatch": "*", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key"},
        )
        Storage(lambda: client, settings).store(CAPTURE)


def test_an_outage_is_said_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    attempts = iter([answer("InternalError", 500)] * 3)

    def attempt() -> str:
        for error in attempts:
            raise error
        return "done"

    assert Outage("captures").until_done(attempt) == "done"
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "after 3 failed attempts" in caplog.text


def test_one_success_wakes_everybody_who_waits() -> None:
    outage = Outage("captures")
    stored = threading.Semaphore(0)
    there = threading.Event()
    failed = threading.Semaphore(0)

    def attempt() -> None:
        if not there.is_set():
            failed.release()
            raise answer("NoSuchBucket", 404)
        stored.release()

    for _ in range(8):
        threading.Thread(target=outage.until_done, args=[attempt], daemon=True).start()
    for _ in range(8 * 3):
        failed.acquire()
    there.set()
    outage.reachable()

    assert all(stored.acquire(timeout=10) for _ in range(8))


def test_stopping_ends_the_wait() -> None:
    outage = Outage("captures")
    outage.stop()

    with pytest.raises(StoppedError):
        outage.until_done(lambda: (_ for _ in ()).throw(answer("InternalError", 500)))
