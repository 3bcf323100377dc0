"""Public access: blocked by all four settings that S3 has for it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, changed, passed, warned
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SUBJECT = "public access"
BLOCK_SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def check_public_access(s3: "S3Client", settings: Settings) -> Iterator[CheckResult]:
    """Check whether it is blocked; raises S3_ERRORS."""
    off = _not_blocked(s3, settings.s3_bucket)
    if off:
        yield warned(SUBJECT, f"{', '.join(off)} is off; uploader setup turns it on")
    else:
        yield passed(SUBJECT, "blocked")


def ensure_blocked(s3: "S3Client", settings: Settings) -> CheckResult:
    """Block what is not blocked yet."""
    off = _not_blocked(s3, settings.s3_bucket)
    if not off:
        return passed(SUBJECT, "blocked")
    configuration: Any = dict.fromkeys(BLOCK_SETTINGS, True)
    s3.put_public_access_block(Bucket=settings.s3_bucket, PublicAccessBlockConfiguration=configuration)
    return changed(SUBJECT, f"blocked: {', '.join(off)} was off")


def _not_blocked(s3: "S3Client", bucket: str) -> list[str]:
    """Return the settings that are off."""
    try:
        configuration: Any = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchPublicAccessBlockConfiguration":
            raise
        configuration = {}
    return [name for name in BLOCK_SETTINGS if not configuration.get(name)]
