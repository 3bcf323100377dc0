"""`uploader check`: every check, in the order of the delivery path."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from common.contract.certificate_expiry import CertificateExpiry
from common.runtime.check_result import CheckResult, Status, skipped
from storage.answers.answer import error_code
from storage.answers.refusals import is_unsupported
from storage.client import head_bucket
from storage.errors import S3_ERRORS, classify
from uploader.admin.broker import check_broker
from uploader.admin.bucket.existence import check_bucket, explain_denied
from uploader.admin.bucket.lifecycle import check_retention, without_expiry
from uploader.admin.bucket.public_access import check_public_access
from uploader.admin.certificates import check_certificates
from uploader.admin.host import check_host
from uploader.admin.identity import S3Clients, check_identity, check_unknown_keys
from uploader.admin.object_roundtrip import check_roundtrip
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BucketCheck = Callable[["S3Client", Settings], Iterator[CheckResult]]


def run_checks(settings: Settings) -> Iterator[CheckResult]:
    """Check everything; what was checked is as before afterwards."""
    yield from check_broker(settings)
    yield from check_storage(S3Clients.create(settings), settings)
    yield from check_certificates(CertificateExpiry.read(settings.certificates_file))
    yield from check_host(settings)


def check_storage(clients: S3Clients, settings: Settings) -> Iterator[CheckResult]:
    """Check credentials, bucket and objects; stop at a failure that makes the rest pointless."""
    bucket = settings.s3_bucket
    caller = check_identity(clients, bucket)
    if caller.result.status is Status.FAIL:
        yield caller.result
        yield skipped("bucket", "not checked without credentials")
        return
    try:
        bucket_info = head_bucket(clients.s3, bucket)
    except S3_ERRORS as error:
        problem = explain_denied(error, bucket)
        if problem.subject != caller.result.subject:
            yield caller.result
        yield problem
        yield skipped("objects", "not checked without the bucket")
        return
    yield caller.result
    yield from check_bucket(clients, settings, bucket_info, caller.account)
    if clients.unknown:
        yield check_unknown_keys(clients.unknown, bucket)
    yield from check_roundtrip(clients, settings)
    yield from _check_if_allowed("public access", check_public_access, clients.s3, settings)
    yield from _check_if_allowed("retention", check_retention, clients.s3, settings)


def _check_if_allowed(subject: str, check: BucketCheck, s3: "S3Client", settings: Settings) -> Iterator[CheckResult]:
    """Check what the uploader's own permissions need not cover."""
    try:
        yield from check(s3, settings)
    except S3_ERRORS as error:
        missed = without_expiry(settings) if subject == "retention" and is_unsupported(error) else None
        yield missed or skipped(subject, _why_skipped(error, settings.s3_bucket))


def _why_skipped(error: Exception, bucket: str) -> str:
    if (
        getattr(error, "operation_name", "") == "GetBucketLifecycleConfiguration"
        and error_code(error) == "AccessDenied"
    ):
        return "not visible; allow s3:GetLifecycleConfiguration, without which no star is known to be spared"
    if error_code(error) == "AccessDenied":
        return "not visible with the uploader's permissions; ./usbcam setup, with its own, shows it"
    if is_unsupported(error):
        return "the store does not have this feature"
    return classify(error, bucket).message
