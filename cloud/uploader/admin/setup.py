"""`uploader setup`: every step, in order; each looks first and changes only what is missing."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from common.runtime.check_result import CheckResult, Status, failed, skipped, warned
from storage.answers.answer import error_code
from storage.answers.refusals import is_unsupported
from storage.errors import S3_ERRORS, classify
from uploader.admin.bucket.encryption import ensure_default_encryption
from uploader.admin.bucket.existence import ensure_bucket, explain_denied, explain_missing_right
from uploader.admin.bucket.lifecycle import ensure_retention, without_expiry
from uploader.admin.bucket.public_access import ensure_blocked
from uploader.admin.bucket.tls_policy import ensure_tls_only
from uploader.admin.identity import check_unknown_keys, create_unknown_client
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Step = Callable[["S3Client", Settings], CheckResult]
STEPS: tuple[tuple[str, Step], ...] = (
    ("public access", ensure_blocked),
    ("encryption", ensure_default_encryption),
    ("retention", ensure_retention),
    ("TLS only", ensure_tls_only),
)

INSTEAD = {
    "public access": "keep its port off public networks",
    "encryption": "encrypt the disk that it writes to",
    "retention": "captures are kept until somebody deletes them",
    "TLS only": "let its port take TLS alone",
}


def run_setup(s3: "S3Client", settings: Settings) -> Iterator[CheckResult]:
    """Change what is missing; without the bucket there is nothing more to do."""
    bucket = settings.s3_bucket
    if bucket.startswith("arn:"):
        yield failed("bucket", f"S3_BUCKET={bucket} is an access point; set the name of its bucket")
        return
    try:
        created = ensure_bucket(s3, settings)
    except S3_ERRORS as error:
        created = explain_denied(error, bucket)
    yield created
    if created.status is Status.FAIL:
        return
    unknown_client = create_unknown_client(settings)
    if unknown_client:
        checked = check_unknown_keys(unknown_client, bucket)
        if checked.status is Status.FAIL:
            yield warned(checked.subject, checked.message)
    for subject, step in STEPS:
        yield _run_step(subject, step, s3, settings)


def _without_feature(subject: str, settings: Settings) -> CheckResult:
    """Say what to do in the place of a feature that the store does not have."""
    missed = without_expiry(settings) if subject == "retention" else None
    return missed or skipped(subject, f"the store does not have this feature; {INSTEAD[subject]}")


def _run_step(subject: str, step: Step, s3: "S3Client", settings: Settings) -> CheckResult:
    try:
        return step(s3, settings)
    except S3_ERRORS as error:
        if is_unsupported(error):
            return _without_feature(subject, settings)
        if error_code(error) == "AccessDenied":
            return failed(subject, explain_missing_right(error))
        return failed(subject, classify(error, settings.s3_bucket).message)
