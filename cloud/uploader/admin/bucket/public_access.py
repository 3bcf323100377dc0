"""Public access, blocked in all four ways that S3 knows."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, changed, passed
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WAYS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def blocked(s3: "S3Client", bucket: str) -> dict[str, bool]:
    """Tell which ways are closed."""
    try:
        answer: Any = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchPublicAccessBlockConfiguration":
            raise
        answer = {}
    return {way: bool(answer.get(way)) for way in WAYS}


def settle(s3: "S3Client", settings: Settings) -> CheckResult:
    """Close what is open."""
    before = [way for way, closed in blocked(s3, settings.s3_bucket).items() if not closed]
    if not before:
        return passed("public access", "blocked")
    everything: Any = dict.fromkeys(WAYS, True)
    s3.put_public_access_block(Bucket=settings.s3_bucket, PublicAccessBlockConfiguration=everything)
    return changed("public access", f"blocked: {', '.join(before)} was off")
