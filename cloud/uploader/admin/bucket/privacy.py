"""Who else may come near the bucket, as far as our rights let us look."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from common.runtime.check_result import CheckResult, passed, skipped, warned
from storage.errors import S3_ERRORS, classify, error_code, is_unsupported
from uploader.admin.bucket import lifecycle
from uploader.admin.bucket.public_access import blocked
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def examine(s3: "S3Client", settings: Settings) -> Iterator[CheckResult]:
    """Look without changing anything."""
    for subject, look in (("public access", _public_access), ("retention", _retention)):
        try:
            yield from look(s3, settings)
        except S3_ERRORS as error:
            yield skipped(subject, _unseen(error, settings.s3_bucket))


def _public_access(s3: "S3Client", settings: Settings) -> Iterator[CheckResult]:
    open_ways = [name for name, closed in blocked(s3, settings.s3_bucket).items() if not closed]
    if open_ways:
        yield warned("public access", f"{', '.join(open_ways)} is off; uploader setup turns it on")
    else:
        yield passed("public access", "blocked")


def _retention(s3: "S3Client", settings: Settings) -> Iterator[CheckResult]:
    if settings.s3_retention_days is None:
        return
    if lifecycle.is_settled(s3, settings):
        yield passed("retention", f"as S3_RETENTION_DAYS={settings.s3_retention_days} says")
    else:
        yield warned("retention", "the bucket does not do what S3_RETENTION_DAYS says; uploader setup sees to it")


def _unseen(error: Exception, bucket: str) -> str:
    if error_code(error) == "AccessDenied":
        return "not seen: the rights to run do not show it; uploader setup, with its own rights, does"
    if is_unsupported(error):
        return "the store has nothing of the kind"
    return classify(error, bucket).message
