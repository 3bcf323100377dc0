"""What `uploader check` says of AWS where a store on this machine cannot play its part."""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from common.runtime.check_result import CheckResult, Status
from storage.capture import Capture
from uploader.admin.check import check_storage
from uploader.admin.host import check_disk
from uploader.admin.identity import S3Clients
from uploader.settings import Settings

CONTENT = "what the probe holds"
ACCOUNT = "123456789012"
PROBE = Capture(
    "porch",
    "door",
    datetime(2026, 11, 22, tzinfo=UTC),
    CONTENT.encode(),
    "image/png",
    "0" * 64,
    details={"score": "0.5"},
)
WRITTEN = {name.title(): text for name, text in PROBE.object_metadata.items()}  # as a server in Go returns it
CALLER = {"Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/usbcam/i-1", "Account": ACCOUNT, "UserId": "A"}


@dataclass(frozen=True, slots=True)
class Aws:
    """The check's clients, each with the answers that it will get."""

    clients: S3Clients
    settings: Settings
    s3: Stubber
    anonymous: Stubber
    sts: Stubber

    def results(self) -> dict[str, CheckResult]:
        found = {result.subject: result for result in check_storage(self.clients, self.settings)}
        for stubber in (self.s3, self.anonymous, self.sts):
            stubber.assert_no_pending_responses()
        return found

    def head(self, *, region: str = "eu-west-1", skew: timedelta = timedelta()) -> None:
        """Let the bucket answer."""
        headers = {"date": format_datetime(datetime.now(UTC) - skew, usegmt=True)}
        self.s3.add_response("head_bucket", {"BucketRegion": region, "ResponseMetadata": {"HTTPHeaders": headers}})

    def owned(self) -> None:
        self.s3.add_response("head_bucket", {}, {"Bucket": "faces", "ExpectedBucketOwner": ACCOUNT})

    def may_not_put(self) -> None:
        """End the look at objects early, and do not show the bucket's settings."""
        self.s3.add_client_error("put_object", "AccessDenied", http_status_code=403)
        self.s3.add_client_error("get_public_access_block", "AccessDenied", http_status_code=403)

    def tried(self, *, encryption: str | None = "AES256") -> None:
        """Answer to the probe as AWS does."""
        put = {"Bucket": "faces", "Key": ".usbcam-check/probe", "Body": ANY}
        written = {"ServerSideEncryption": encryption} if encryption else {}
        body = StreamingBody(io.BytesIO(CONTENT.encode()), len(CONTENT))
        self.s3.add_response("put_object", written, {**put, "Metadata": ANY})
        self.s3.add_response("get_object", {"Body": body, "Metadata": WRITTEN})
        taken = {**put, "IfNoneMatch": "*"}
        self.s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412, expected_params=taken)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Aws]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("uploader.admin.object_roundtrip._probe", lambda: PROBE)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "S3_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(
        s3_bucket="faces", aws_region="eu-west-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="secret"
    )
    clients = S3Clients.create(settings)
    with ExitStack() as stack:
        all_three: tuple[Any, ...] = (clients.s3, clients.anonymous, clients.sts)
        yield Aws(clients, settings, *(stack.enter_context(Stubber(client)) for client in all_three))


def test_credentials_are_told_by_whose_they_are_and_the_bucket_by_whose_account(aws: Aws) -> None:
    aws.sts.add_response("get_caller_identity", CALLER)
    aws.head()
    aws.owned()
    aws.may_not_put()

    found = aws.results()

    assert found["credentials"].message == f"access key AKIAEXAMPLE, from AWS_ACCESS_KEY_ID: {CALLER['Arn']}"
    assert found["bucket"].message == f"faces exists, and belongs to our account {ACCOUNT}"
    assert found["region"].status is Status.PASS
    assert found["clock"].status is Status.PASS


def test_objects_are_tried_as_the_uploader_uses_them_and_deleting_is_not_needed(aws: Aws) -> None:
    aws.sts.add_response("get_caller_identity", CALLER)
    aws.head()
    aws.owned()
    aws.tried()
    aws.anonymous.add_client_error("head_object", "403", http_status_code=403)
    aws.s3.add_client_error("delete_object", "AccessDenied", http_status_code=403)
    closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    aws.s3.add_response("get_public_access_block", {"PublicAccessBlockConfiguration": dict.fromkeys(closed, True)})

    found = aws.results()

    assert {result.status for result in found.values()} == {Status.PASS}
    assert found["encryption"].message == "the store encrypted it: AES256"
    assert found["delete"].message == "denied, and the uploader does not need it; .usbcam-check/probe stays"


def test_a_bucket_that_everybody_may_read_is_a_failure(aws: Aws) -> None:
    aws.sts.add_response("get_caller_identity", CALLER)
    aws.head()
    aws.owned()
    aws.tried(encryption=None)
    aws.anonymous.add_response("head_object", {})
    aws.s3.add_response("delete_object", {})
    aws.s3.add_client_error("get_public_access_block", "NoSuchPublicAccessBlockConfiguration", http_status_code=404)

    found = aws.results()

    assert found["anonymous read"] == CheckResult(
        Status.FAIL,
        "anonymous read",
        "anyone may read this bucket; block public access by ./usbcam setup, or use another store if that cannot",
    )
    assert found["encryption"].status is Status.WARN
    assert found["public access"].status is Status.WARN


def test_a_bucket_in_another_region_names_the_right_one(aws: Aws) -> None:
    aws.sts.add_response("get_caller_identity", CALLER)
    aws.head(region="eu-central-1")
    aws.owned()
    aws.may_not_put()

    region = aws.results()["region"]

    assert region.status is Status.FAIL
    assert region.message == (
        "the bucket faces is in eu-central-1 and AWS_REGION is eu-west-1; set AWS_REGION=eu-central-1"
    )


@pytest.mark.parametrize("code", ["PermanentRedirect", "AuthorizationHeaderMalformed"])
def test_a_region_that_refuses_is_the_only_failure(aws: Aws, code: str) -> None:
    aws.sts.add_response("get_caller_identity", CALLER)
    aws.s3.add_client_error("head_bucket", "301", http_status_code=301)
    aws.s3.add_client_error(
        "list_objects_v2",
        code,
        http_status_code=301,
        response_meta={"HTTPHeaders": {"x-amz-bucket-region": "eu-central-1"}},
    )

    failures = [result for result in aws.results().values() if result.status is Status.FAIL]

    assert [(result.subject, result.message) for result in failures] == [
        ("region", "the bucket faces is in another region, eu-central-1; fix AWS_REGION")
    ]


def test_a_bucket_of_another_account_that_lets_us_in_is_said(aws: Aws) -> None:
    aws.sts.add_response("get_caller_identity", CALLER)
    aws.head()
    aws.s3.add_client_error("head_bucket", "403", http_status_code=403)
    aws.may_not_put()

    assert aws.results()["bucket"] == CheckResult(
        Status.WARN,
        "bucket",
        f"faces can be accessed, but does not belong to our account {ACCOUNT}; "
        "fix S3_BUCKET unless you know whose it is",
    )


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("InvalidClientTokenId", "the access key is unknown; fix AWS_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", "the secret key does not match the access key; fix AWS_SECRET_ACCESS_KEY"),
        ("ExpiredToken", "the session token has expired; renew AWS_SESSION_TOKEN"),
    ],
)
def test_keys_that_aws_does_not_know_are_the_only_failure(aws: Aws, code: str, remedy: str) -> None:
    aws.sts.add_client_error("get_caller_identity", code, http_status_code=403)

    found = aws.results()

    assert found["credentials"].status is Status.FAIL
    assert found["credentials"].message.endswith(remedy)
    assert {result.status for subject, result in found.items() if subject != "credentials"} == {Status.SKIP}


def test_credentials_are_good_when_sts_cannot_be_reached(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise EndpointConnectionError(endpoint_url="https://sts.eu-west-1.amazonaws.com")

    monkeypatch.setattr(aws.clients.sts, "get_caller_identity", away)
    aws.head()
    aws.may_not_put()

    assert aws.results()["credentials"].message.endswith("; STS did not say whose they are")


def test_a_clock_that_is_minutes_off_is_said_before_s3_refuses(aws: Aws) -> None:
    aws.sts.add_response("get_caller_identity", CALLER)
    aws.head(skew=timedelta(minutes=5))
    aws.owned()
    aws.may_not_put()

    clock = aws.results()["clock"]

    assert clock.status is Status.WARN
    assert "s ahead of S3's, and past 15 minutes S3 refuses everything" in clock.message


def test_a_clock_that_s3_refuses_is_the_only_failure(aws: Aws) -> None:
    theirs = format_datetime(datetime.now(UTC) + timedelta(minutes=20), usegmt=True)
    aws.sts.add_response("get_caller_identity", CALLER)
    aws.s3.add_client_error("head_bucket", "403", http_status_code=403)
    aws.s3.add_client_error(
        "list_objects_v2",
        "RequestTimeTooSkewed",
        http_status_code=403,
        response_meta={"HTTPHeaders": {"date": theirs}},
    )

    failures = [result for result in aws.results().values() if result.status is Status.FAIL]

    assert [result.subject for result in failures] == ["clock"]
    assert "s behind S3's, and S3 refuses more than 15 minutes; set it" in failures[0].message


def test_a_full_disk_is_red_before_the_broker_cannot_save() -> None:
    assert [check_disk("/", gib << 30).status for gib in (0, 2, 50)] == [Status.FAIL, Status.WARN, Status.PASS]
