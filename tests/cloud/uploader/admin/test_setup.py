"""`uploader setup`: makes what is missing, tells it, and loosens nothing; on a real store, and as AWS answers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber

from common.runtime.check_result import CheckResult, Status
from storage.client import create_client
from storage.keys.template import DEFAULT_TEMPLATE, object_key
from storage.star import marker, read_tags
from tests.cloud.rig import (
    LATER,
    LIMITED_KEY,
    LIMITED_SECRET,
    READER_KEY,
    READER_SECRET,
    Bucket,
    CommandResult,
    S3Proxy,
    Uploaders,
)
from tests.support.images import pictures
from tests.support.paths import ROOT
from tests.support.rig import Store
from uploader.admin.setup import run_setup
from uploader.ingest.parser import parse_capture
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

POLICY = ROOT / "cloud" / "iam" / "policy-setup.json"
DAYS = {"S3_RETENTION_DAYS": "30"}
OTHER = pictures.message(pictures.png(2))
OPEN = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
CLOSED = dict.fromkeys(OPEN, True)


def the_only_failure(result: CommandResult) -> tuple[str, str]:
    failures = result.lines("FAIL")
    assert len(failures) == 1, result.out
    assert (result.code, result.err) == (1, "uploader: not everything could be set up; see the lines that say FAIL\n")
    ((subject, sentence),) = failures.items()
    return subject, sentence


def rules(bucket: Bucket) -> dict[str, Any]:
    answer = bucket.client.get_bucket_lifecycle_configuration(Bucket=bucket.name)
    return {rule["ID"]: rule for rule in answer["Rules"]}


def test_a_bucket_is_made_and_a_second_time_there_is_nothing_to_change(uploaders: Uploaders, bucket: Bucket) -> None:
    name = f"{bucket.name}-made"

    first = uploaders.run("setup", S3_BUCKET=name, **DAYS)
    second = uploaders.run("setup", S3_BUCKET=name, **DAYS)

    assert first.code == 0
    changed = first.lines("changed")
    assert changed["bucket"] == f"created {name} in us-east-1"
    assert changed["retention"].startswith("stars are kept; everything else of ours is deleted after 30 days, inc")
    assert first.lines("skip")["public access"].startswith("the store does not have this feature")
    assert first.lines("skip")["TLS only"].startswith("not required: S3_ENDPOINT_URL begins with http")
    assert first.out.splitlines()[-1] == "uploader: 2 changed"
    assert (second.code, second.lines("changed")) == (0, {})
    assert second.out.splitlines()[-1] == "uploader: nothing to change"
    assert uploaders.run("setup", S3_BUCKET=name).out.count("30 days") == 1  # unset: as it was
    bucket.store.delete_bucket(name)


def test_a_store_that_cannot_encrypt_keeps_taking_captures(uploaders: Uploaders, bucket: Bucket) -> None:
    """SeaweedFS without a key takes the setting, and then refuses every object."""
    result = uploaders.run("setup")

    assert result.code == 0
    assert result.lines("warn")["encryption"].startswith(
        "unchanged: a trial with AES256 failed: it answered InternalError"
    )
    bucket.client.put_object(Bucket=bucket.name, Key="still", Body=b"taken")
    assert bucket.list_keys() == ["still"]


def test_rules_of_others_stay_and_ours_follows_the_setting(uploaders: Uploaders, bucket: Bucket) -> None:
    theirs: Any = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}
    bucket.client.put_bucket_lifecycle_configuration(Bucket=bucket.name, LifecycleConfiguration={"Rules": [theirs]})

    shorter = uploaders.run("setup", S3_RETENTION_DAYS="30")
    assert "1 other rules stay" in shorter.lines("changed")["retention"]
    assert rules(bucket)["usbcam"]["Expiration"] == {"Days": 30}
    uploaders.run("setup", S3_RETENTION_DAYS="90")
    assert rules(bucket)["usbcam"]["Expiration"] == {"Days": 90}
    assert rules(bucket)["usbcam-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    uploaders.run("setup", S3_RETENTION_DAYS="0")
    assert "Expiration" not in rules(bucket)["usbcam"]
    assert rules(bucket)["usbcam"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert rules(bucket)["theirs"]["Expiration"] == {"Days": 3}


def test_a_bucket_with_other_things_in_it_is_not_made_to_forget_them(uploaders: Uploaders, bucket: Bucket) -> None:
    capture = pictures.message(pictures.png(1))
    stored, starred = (object_key(DEFAULT_TEMPLATE, parse_capture(each, 1000)) for each in (capture, OTHER))
    for key in ("taxes/2025.pdf", stored, starred, marker(starred), "rejected/porch/x.bin"):
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"stored before there were tags")

    result = uploaders.run("setup", **DAYS)
    assert result.code == 0
    assert {name: rule["Filter"] for name, rule in rules(bucket).items()} == {
        "usbcam": {"Tag": {"Key": "usbcam", "Value": "expires"}},
        "usbcam-rejected": {"Prefix": "rejected/"},
        "usbcam-uploads": {"Prefix": ""},
    }
    assert {key: read_tags(bucket.client, bucket.name, key) for key in bucket.list_keys()} == {
        "taxes/2025.pdf": {},
        stored: {"usbcam": "expires"},
        starred: {"usbcam": "starred"},
        marker(starred): {},
        "rejected/porch/x.bin": {},
    }
    folder = uploaders.run("setup", **DAYS, S3_KEY_TEMPLATE="faces/{edge}/{id}.png")
    assert folder.code == 0
    assert rules(bucket)["usbcam"]["Filter"]["And"]["Prefix"] == "faces/"


@pytest.mark.parametrize(
    ("settings", "subject", "word"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "credentials", "fix AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "credentials", "there are no credentials"),
        ({"S3_BUCKET": "arn:aws:s3:eu-west-1:123456789012:accesspoint/faces"}, "bucket", "set the name of its bucket"),
    ],
)
def test_what_is_wrong_is_one_line(uploaders: Uploaders, settings: dict[str, str], subject: str, word: str) -> None:
    failed, sentence = the_only_failure(uploaders.run("setup", **settings))

    assert failed == subject
    assert word in sentence


def test_a_store_that_is_away_is_one_line(uploaders: Uploaders, s3_proxy: S3Proxy) -> None:
    s3_proxy.close()

    assert the_only_failure(uploaders.run("setup"))[1].startswith("S3 is unavailable")


def test_a_bucket_of_somebody_else_is_one_line(uploaders: Uploaders, strict_store: Store) -> None:
    strict_store.client.create_bucket(Bucket="usbcam-others")
    key = {"AWS_ACCESS_KEY_ID": LIMITED_KEY, "AWS_SECRET_ACCESS_KEY": LIMITED_SECRET}

    result = uploaders.run("setup", S3_ENDPOINT_URL=strict_store.endpoint, S3_BUCKET="usbcam-others", **key)

    assert the_only_failure(result)[1].startswith(
        "these credentials may not access usbcam-others: it belongs to somebody"
    )


def test_a_key_that_may_only_read_makes_no_bucket(uploaders: Uploaders, strict_store: Store) -> None:
    key = {"AWS_ACCESS_KEY_ID": READER_KEY, "AWS_SECRET_ACCESS_KEY": READER_SECRET}

    result = uploaders.run("setup", S3_ENDPOINT_URL=strict_store.endpoint, S3_BUCKET=LATER, **key)

    subject, sentence = the_only_failure(result)
    assert subject == "bucket"
    assert sentence.startswith(
        f"{LATER} does not exist, and these credentials may not do CreateBucket; allow s3:CreateBucket"
    )


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple["S3Client", Stubber]]:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    client = create_client(_settings())
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def _settings(**more: Any) -> Settings:
    return Settings(s3_bucket="faces", aws_region="eu-west-1", **more)


def found(client: "S3Client", **more: Any) -> dict[str, CheckResult]:
    return {result.subject: result for result in run_setup(client, _settings(**more))}


def settled(stubber: Stubber, *, public: dict[str, bool], algorithm: str, policy: str) -> None:
    """Answer as a bucket of AWS with these settings."""
    default = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}]}
    ours: Any = {"ID": "usbcam", "Status": "Enabled", "Filter": {"Prefix": ""}}
    ours |= {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    stubber.add_response("head_bucket", {"BucketRegion": "eu-west-1"})
    stubber.add_response("get_public_access_block", {"PublicAccessBlockConfiguration": public})
    if not all(public.values()):
        stubber.add_response(
            "put_public_access_block", {}, {"Bucket": "faces", "PublicAccessBlockConfiguration": CLOSED}
        )
    stubber.add_response("get_bucket_encryption", {"ServerSideEncryptionConfiguration": default})
    stubber.add_response("get_bucket_lifecycle_configuration", {"Rules": [ours]})
    stubber.add_response("get_bucket_policy", {"Policy": policy})


def test_a_new_bucket_of_aws_is_made_in_its_region_and_closed_in_every_way(aws: tuple["S3Client", Stubber]) -> None:
    client, stubber = aws
    place = {"Bucket": "faces"}
    stubber.add_client_error("head_bucket", "404", http_status_code=404)
    region = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    stubber.add_response("create_bucket", {}, {**place, **region})
    stubber.add_client_error("get_public_access_block", "NoSuchPublicAccessBlockConfiguration", http_status_code=404)
    stubber.add_response("put_public_access_block", {}, {**place, "PublicAccessBlockConfiguration": CLOSED})
    missing = "ServerSideEncryptionConfigurationNotFoundError"
    stubber.add_client_error("get_bucket_encryption", missing, http_status_code=404)
    how = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "ours"}
    stubber.add_response("put_object", {}, {**place, "Key": ".usbcam-check/probe", "Body": ANY, **how})
    stubber.add_client_error("delete_object", "AccessDenied", http_status_code=403)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "ours"}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    stubber.add_response("put_bucket_encryption", {}, {**place, "ServerSideEncryptionConfiguration": {"Rules": [rule]}})
    stubber.add_client_error("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration", http_status_code=404)
    stubber.add_response("put_bucket_lifecycle_configuration", {}, {**place, "LifecycleConfiguration": ANY})
    stubber.add_client_error("get_bucket_policy", "NoSuchBucketPolicy", http_status_code=404)
    stubber.add_response("put_bucket_policy", {}, {**place, "Policy": ANY})

    results = found(client, s3_sse="aws:kms", s3_kms_key_id="ours")

    assert {result.status for result in results.values()} == {Status.CHANGED}
    assert results["bucket"].message == "created faces in eu-west-1"


def test_what_is_stronger_than_asked_for_stays(aws: tuple["S3Client", Stubber]) -> None:
    client, stubber = aws
    settled(stubber, public=CLOSED, algorithm="aws:kms", policy='{"Statement": []}')

    assert {result.status for result in found(client).values()} == {Status.PASS}


def test_one_open_way_is_closed_and_named(aws: tuple["S3Client", Stubber]) -> None:
    client, stubber = aws
    settled(stubber, public=CLOSED | {"BlockPublicPolicy": False}, algorithm="AES256", policy="aws:SecureTransport")

    results = found(client)

    closed = CheckResult(Status.CHANGED, "public access", "blocked: BlockPublicPolicy was off")
    assert results["public access"] == closed
    assert results["TLS only"].message == "the bucket's policy covers it"


def test_other_rules_keep_what_they_said_of_small_objects(aws: tuple["S3Client", Stubber]) -> None:
    client, stubber = aws
    theirs = {"ID": "theirs", "Status": "Enabled", "Prefix": "logs/", "Expiration": {"Days": 3}}
    small = {"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}
    stubber.add_response("head_bucket", {"BucketRegion": "eu-west-1"})
    stubber.add_response("get_public_access_block", {"PublicAccessBlockConfiguration": CLOSED})
    default = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    stubber.add_response("get_bucket_encryption", {"ServerSideEncryptionConfiguration": default})
    stubber.add_response("get_bucket_lifecycle_configuration", {"Rules": [theirs], **small})
    stubber.add_response("put_object", {})
    stubber.add_client_error("get_object_tagging", "AccessDenied", http_status_code=403)
    stubber.add_response("list_objects_v2", {"Contents": [{"Key": ".usbcam-check/probe"}]})
    wanted = {"Bucket": "faces", "LifecycleConfiguration": ANY, **small}
    stubber.add_response("put_bucket_lifecycle_configuration", {}, wanted)
    stubber.add_response("get_bucket_policy", {"Policy": "{}"})

    changed = found(client, s3_retention_days=30)["retention"]
    assert changed.status is Status.CHANGED
    assert "stars in the gallery are not spared: allow s3:GetObject, s3:PutObjectTagging" in changed.message


@pytest.mark.parametrize(
    ("code", "status", "sentence"),
    [
        (
            "BucketAlreadyExists",
            409,
            "the name faces is taken by another account, in all of S3; choose another S3_BUCKET",
        ),
        ("IllegalLocationConstraintException", 400, "the bucket faces is in another region; fix AWS_REGION"),
    ],
)
def test_a_name_that_cannot_be_had_is_one_line(
    aws: tuple["S3Client", Stubber], code: str, status: int, sentence: str
) -> None:
    client, stubber = aws
    stubber.add_client_error("head_bucket", "404", http_status_code=404)
    stubber.add_client_error("create_bucket", code, http_status_code=status)

    (result,) = found(client).values()

    assert (result.status, result.message) == (Status.FAIL, sentence)


def test_a_bucket_in_another_region_is_one_line(aws: tuple["S3Client", Stubber]) -> None:
    client, stubber = aws
    stubber.add_response("head_bucket", {"BucketRegion": "eu-central-1"})

    (result,) = found(client).values()

    assert result.status is Status.FAIL
    assert result.message.endswith("set AWS_REGION=eu-central-1")


def test_a_missing_right_is_named_and_the_other_steps_go_on(aws: tuple["S3Client", Stubber]) -> None:
    client, stubber = aws
    stubber.add_response("head_bucket", {"BucketRegion": "eu-west-1"})
    for asked in ("get_public_access_block", "get_bucket_encryption", "get_bucket_lifecycle_configuration"):
        stubber.add_client_error(asked, "AccessDenied", http_status_code=403)
    stubber.add_response("get_bucket_policy", {"Policy": "{}"})

    results = found(client)

    assert results["public access"] == CheckResult(
        Status.FAIL,
        "public access",
        "these credentials may not do GetPublicAccessBlock; allow s3:GetBucketPublicAccessBlock, "
        "as in cloud/iam/policy-setup.json",
    )
    assert results["TLS only"].status is Status.PASS


def test_the_rights_for_setup_are_for_one_bucket_and_end_no_bucket() -> None:
    statements = json.loads(POLICY.read_text(encoding="utf-8"))["Statement"]

    allowed = {action for statement in statements for action in statement["Action"]}
    assert {statement["Effect"] for statement in statements} == {"Allow"}
    assert all(statement["Resource"].startswith("arn:aws:s3:::YOUR-BUCKET") for statement in statements)
    assert not {"s3:DeleteBucket", "s3:PutBucketAcl", "s3:*", "s3:DeleteBucketPolicy"} & allowed
