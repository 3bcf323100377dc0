"""The steps of setup, in their order; each looks first and changes only what is missing."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from common.runtime.check_result import CheckResult, Status, failed, skipped
from storage.errors import S3_ERRORS, classify, error_code, is_unsupported
from uploader.admin.bucket import encryption, lifecycle
from uploader.admin.bucket import ensure_existence as bucket
from uploader.admin.bucket import public_access as strangers
from uploader.admin.bucket import tls_policy as transport
from uploader.admin.bucket.existence import refusal
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Step = Callable[["S3Client", Settings], CheckResult]
STEPS: tuple[tuple[str, Step], ...] = (
    ("public access", strangers.settle),
    ("encryption", encryption.settle),
    ("retention", lifecycle.settle),
    ("TLS only", transport.settle),
)


def run_setup(s3: "S3Client", settings: Settings) -> Iterator[CheckResult]:
    """Do what is missing, and tell."""
    if settings.s3_bucket.startswith("arn:"):
        yield failed("bucket", f"S3_BUCKET={settings.s3_bucket} is no bucket but a way to one; set the bucket's name")
        return
    try:
        made = bucket.settle(s3, settings)
    except S3_ERRORS as error:
        made = refusal(error, settings.s3_bucket)
    yield made
    if made.status is Status.FAIL:
        return
    for subject, step in STEPS:
        yield _tried(subject, step, s3, settings)


def _tried(subject: str, step: Step, s3: "S3Client", settings: Settings) -> CheckResult:
    try:
        return step(s3, settings)
    except S3_ERRORS as error:
        if is_unsupported(error):
            return skipped(subject, "the store has nothing of the kind; keep its port away from strangers")
        if error_code(error) == "AccessDenied":
            return failed(
                subject, f"these credentials may not {_asked(error)}; allow what cloud/iam/policy-setup.json says"
            )
        return failed(subject, classify(error, settings.s3_bucket).message)


def _asked(error: Exception) -> str:
    return f"do {getattr(error, 'operation_name', 'this')}"
