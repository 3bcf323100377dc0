"""The bucket: whether it is there, ours, where the settings say, and good for captures."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, Status, failed, passed, skipped, warned
from storage.client import NO_REGION, BucketInfo, head_bucket
from storage.errors import NO_CREDENTIALS, S3_ERRORS, S3ErrorKind, classify, error_code, http_status
from uploader.admin import object_roundtrip as probe
from uploader.admin.bucket import privacy
from uploader.admin.identity import Access, identity
from uploader.settings import Settings

SUBJECTS = {
    "InvalidAccessKeyId": "credentials",
    "SignatureDoesNotMatch": "credentials",
    "ExpiredToken": "credentials",
    "InvalidToken": "credentials",
    "PermanentRedirect": "region",
    "AuthorizationHeaderMalformed": "region",
    "IllegalLocationConstraintException": "region",
    "RequestTimeTooSkewed": "clock",
}
RIGHTS = "allow what cloud/iam/policy.json says"
FORBIDDEN = 403


def examine(access: Access, settings: Settings) -> Iterator[CheckResult]:
    """Look from afar to near, and stop at what makes the rest pointless."""
    bucket = settings.s3_bucket
    who = identity(access, bucket)
    if who.result.status is Status.FAIL:
        yield who.result
        yield skipped("bucket", "not asked without credentials")
        return
    try:
        answer = head_bucket(access.s3, bucket)
    except S3_ERRORS as error:
        problem = refusal(error, bucket)
        if problem.subject != "credentials":
            yield who.result
        yield problem
        yield skipped("objects", "not tried without the bucket")
        return
    yield who.result
    yield from _found(access, settings, answer, who.account)
    yield from probe.examine(access, settings)
    yield from privacy.examine(access.s3, settings)


def refusal(error: Exception, bucket: str) -> CheckResult:
    """Name the thing that is wrong; every cause has one line."""
    code = error_code(error)
    told = classify(error, bucket)
    if told.kind is not S3ErrorKind.DENIED:
        return failed("store", told.message)
    if code == "RequestTimeTooSkewed":
        return failed("clock", BucketInfo.of_error(error).clock_problem() or told.reason)
    if code == "AccessDenied":
        told_apart = "it is somebody else's, or a right is missing"
        mend = f"{RIGHTS}, or mend S3_BUCKET or AWS_ACCESS_KEY_ID"
        return failed("bucket", f"these credentials may not look into {bucket}: {told_apart}; {mend}")
    subject = "credentials" if isinstance(error, NO_CREDENTIALS) else SUBJECTS.get(code, "bucket")
    return failed(subject, told.reason)


def _found(access: Access, settings: Settings, answer: BucketInfo, account: str | None) -> Iterator[CheckResult]:
    bucket, ours = settings.s3_bucket, access.s3.meta.region_name
    elsewhere = answer.region_problem(bucket, ours)
    region = answer.region or ours
    if settings.s3_endpoint_url:
        yield passed("region", f"{region}; where the store is, S3_ENDPOINT_URL says: {settings.s3_endpoint_url}")
    elif elsewhere:
        yield (warned if ours == NO_REGION else failed)("region", elsewhere)
    else:
        yield passed("region", region)
    yield _owned(access, bucket, account)
    late = answer.clock_problem()
    yield warned("clock", late) if late else passed("clock", "agrees with S3's")


def _owned(access: Access, bucket: str, account: str | None) -> CheckResult:
    if account is None:
        return passed("bucket", f"{bucket} is there")
    try:
        access.s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if http_status(error) != FORBIDDEN:
            return failed("bucket", classify(error, bucket).reason)
        whose = f"{bucket} lets us in, but is not of our account {account}"
        return warned("bucket", f"{whose}; mend S3_BUCKET unless you know whose it is")
    return passed("bucket", f"{bucket} is there, and of our account {account}")
