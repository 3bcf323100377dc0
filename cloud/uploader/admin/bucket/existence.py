"""The bucket itself: whether it exists, is ours, and is where the settings say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, changed, failed, passed, warned
from storage.answers.answer import error_code, http_status
from storage.answers.bucket_info import NO_REGION, BucketInfo
from storage.client import head_bucket
from storage.errors import NO_CREDENTIALS, S3_ERRORS, S3ErrorKind, classify
from uploader.admin.identity import S3Clients
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

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
# The permissions that are not called like the operation.
PERMISSIONS = {
    "HeadBucket": "ListBucket",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
}
FORBIDDEN = 403
DEFAULT_REGION = "us-east-1"  # S3 refuses it as a location constraint


def check_bucket(
    clients: S3Clients, settings: Settings, bucket_info: BucketInfo, account: str | None
) -> Iterator[CheckResult]:
    """Check the region, the owner and the clock by what the bucket answered."""
    yield _check_region(clients.s3, settings, bucket_info)
    yield _check_owner(clients.s3, settings.s3_bucket, account)
    problem = bucket_info.clock_problem()
    yield warned("clock", problem) if problem else passed("clock", "agrees with S3's")


def ensure_bucket(s3: "S3Client", settings: Settings) -> CheckResult:
    """Create the bucket unless it exists; raises S3_ERRORS."""
    bucket = settings.s3_bucket
    try:
        bucket_info = head_bucket(s3, bucket)
    except S3_ERRORS as error:
        if error_code(error) != "NoSuchBucket":
            raise
        return _create(s3, bucket)
    problem = None if settings.s3_endpoint_url else bucket_info.region_problem(bucket, s3.meta.region_name)
    return failed("region", problem) if problem else passed("bucket", f"{bucket} exists")


def explain_denied(error: Exception, bucket: str) -> CheckResult:
    """Say what is wrong when the bucket does not let us in; every cause is one line."""
    code = error_code(error)
    problem = classify(error, bucket)
    if problem.kind is not S3ErrorKind.DENIED:
        return failed("store", problem.message)
    if code == "RequestTimeTooSkewed":
        return failed("clock", BucketInfo.of_error(error).clock_problem() or problem.reason)
    if code == "AccessDenied":
        cause = f"these credentials may not access {bucket}: it belongs to somebody else, or a permission is missing"
        remedy = "allow s3:ListBucket and the rest of cloud/iam/policy.json, or fix S3_BUCKET or AWS_ACCESS_KEY_ID"
        return failed("bucket", f"{cause}; {remedy}")
    subject = "credentials" if isinstance(error, NO_CREDENTIALS) else SUBJECTS.get(code, "bucket")
    return failed(subject, problem.reason)


def explain_missing_right(error: Exception) -> str:
    """Name the permission that S3 asks for."""
    operation = str(getattr(error, "operation_name", "this"))
    permission = PERMISSIONS.get(operation, operation)
    return f"these credentials may not do {operation}; allow s3:{permission}, as in cloud/iam/policy-setup.json"


def _check_region(s3: "S3Client", settings: Settings, bucket_info: BucketInfo) -> CheckResult:
    configured = s3.meta.region_name
    problem = bucket_info.region_problem(settings.s3_bucket, configured)
    region = bucket_info.region or configured
    if settings.s3_endpoint_url:
        host = urlsplit(settings.s3_endpoint_url).netloc
        if host.startswith(f"{settings.s3_bucket}."):
            problem = f"S3_ENDPOINT_URL={settings.s3_endpoint_url} seems to have the bucket in it already"
            return warned("region", f"{problem}; unless the store's own name is {host}, leave the bucket out")
        return passed("region", f"{region}; S3_ENDPOINT_URL says where the store is: {settings.s3_endpoint_url}")
    if problem:
        return (warned if configured == NO_REGION else failed)("region", problem)
    return passed("region", region)


def _check_owner(s3: "S3Client", bucket: str, account: str | None) -> CheckResult:
    if account is None:
        return passed("bucket", f"{bucket} exists")
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if http_status(error) != FORBIDDEN:
            return failed("bucket", classify(error, bucket).reason)
        problem = f"{bucket} can be accessed, but does not belong to our account {account}"
        return warned("bucket", f"{problem}; fix S3_BUCKET unless you know whose it is")
    return passed("bucket", f"{bucket} exists, and belongs to our account {account}")


def _create(s3: "S3Client", bucket: str) -> CheckResult:
    region = s3.meta.region_name
    if region == NO_REGION:
        return failed("bucket", f"{bucket} does not exist, and AWS_REGION does not say where to create it; set it")
    try:
        if region == DEFAULT_REGION:
            s3.create_bucket(Bucket=bucket)
        else:
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item]
    except S3_ERRORS as error:
        if error_code(error) != "AccessDenied":
            raise
        problem = f"{bucket} does not exist, and {explain_missing_right(error)}, or fix S3_BUCKET"
        return failed("bucket", problem)
    return changed("bucket", f"created {bucket} in {region}")
