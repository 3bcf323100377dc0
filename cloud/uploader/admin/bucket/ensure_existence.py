"""The bucket itself."""

from typing import TYPE_CHECKING

from common.runtime.check_result import CheckResult, changed, failed, passed
from storage.client import NO_REGION, head_bucket
from storage.errors import S3_ERRORS, error_code
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FIRST_REGION = "us-east-1"  # S3 wants it unsaid


def settle(s3: "S3Client", settings: Settings) -> CheckResult:
    """Make it unless it is there."""
    name = settings.s3_bucket
    try:
        answer = head_bucket(s3, name)
    except S3_ERRORS as error:
        if error_code(error) != "NoSuchBucket":
            raise
        return _make(s3, name)
    elsewhere = None if settings.s3_endpoint_url else answer.region_problem(name, s3.meta.region_name)
    return failed("region", elsewhere) if elsewhere else passed("bucket", f"{name} is there")


def _make(s3: "S3Client", name: str) -> CheckResult:
    region = s3.meta.region_name
    if region == NO_REGION:
        return failed("bucket", f"{name} is not there, and AWS_REGION does not say where to make it; set AWS_REGION")
    try:
        if region == FIRST_REGION:
            s3.create_bucket(Bucket=name)
        else:
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item]
    except S3_ERRORS as error:
        if error_code(error) != "AccessDenied":
            raise
        mend = "allow what cloud/iam/policy-setup.json says, or mend S3_BUCKET"
        return failed("bucket", f"{name} is not there, and these credentials may not make it; {mend}")
    return changed("bucket", f"made {name} in {region}")
