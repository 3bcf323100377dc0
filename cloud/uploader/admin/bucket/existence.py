"""The bucket: whether it is there, ours, where the settings say, and good for captures."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from common.runtime.check_result import Finding, Level, failure, fine, unknown, warning
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


def examine(access: Access, settings: Settings) -> Iterator[Finding]:
    """Look from afar to near, and stop at what makes the rest pointless."""
    bucket = settings.s3_bucket
    who = identity(access, bucket)
    if who.finding.level is Level.FAILURE:
        yield who.finding
        yield unknown("bucket", "not asked without credentials")
        return
    try:
        answer = head_bucket(access.s3, bucket)
    except S3_ERRORS as error:
        problem = refusal(error, bucket)
        if problem.subject != "credentials":
            yield who.finding
        yield problem
        yield unknown("objects", "not tried without the bucket")
        return
    yield who.finding
    yield from _found(access, settings, answer, who.account)
    yield from probe.examine(access, settings)
    yield from privacy.examine(access.s3, settings)


def refusal(error: Exception, bucket: str) -> Finding:
    """Name the thing that is wrong; every cause has one line."""
    code = error_code(error)
    told = classify(error, bucket)
    if told.kind is not S3ErrorKind.DENIED:
        return failure("store", told.message)
    if code == "RequestTimeTooSkewed":
        return failure("clock", BucketInfo.of_error(error).clock_problem() or told.reason)
    if code == "AccessDenied":
        told_apart = "it is somebody else's, or a right is missing"
        mend = f"{RIGHTS}, or mend S3_BUCKET or AWS_ACCESS_KEY_ID"
        return failure("bucket", f"these credentials may not look into {bucket}: {told_apart}; {mend}")
    subject = "credentials" if isinstance(error, NO_CREDENTIALS) else SUBJECTS.get(code, "bucket")
    return failure(subject, told.reason)


def _found(access: Access, settings: Settings, answer: BucketInfo, account: str | None) -> Iterator[Finding]:
    bucket, ours = settings.s3_bucket, access.s3.meta.region_name
    elsewhere = answer.region_problem(bucket, ours)
    region = answer.region or ours
    if settings.s3_endpoint_url:
        yield fine("region", f"{region}; where the store is, S3_ENDPOINT_URL says: {settings.s3_endpoint_url}")
    elif elsewhere:
        yield (warning if ours == NO_REGION else failure)("region", elsewhere)
    else:
        yield fine("region", region)
    yield _owned(access, bucket, account)
    late = answer.clock_problem()
    yield warning("clock", late) if late else fine("clock", "agrees with S3's")


def _owned(access: Access, bucket: str, account: str | None) -> Finding:
    if account is None:
        return fine("bucket", f"{bucket} is there")
    try:
        access.s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if http_status(error) != FORBIDDEN:
            return failure("bucket", classify(error, bucket).reason)
        whose = f"{bucket} lets us in, but is not of our account {account}"
        return warning("bucket", f"{whose}; mend S3_BUCKET unless you know whose it is")
    return fine("bucket", f"{bucket} is there, and of our account {account}")
