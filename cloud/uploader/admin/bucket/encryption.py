"""Default encryption, at least as strong as the settings ask for."""

import contextlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, changed, passed, warned
from storage.answers.answer import member
from storage.answers.refusals import is_unsupported
from storage.errors import S3_ERRORS, S3ErrorKind, classify
from uploader.admin.object_roundtrip import ROUNDTRIP_KEY
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NONE = "none"
CANNOT = "the store does not encrypt as asked; encrypt the disk that it writes to, and leave S3_SSE empty"
STRENGTH = (NONE, "AES256", "aws:kms", "aws:kms:dsse")


def ensure_default_encryption(s3: "S3Client", settings: Settings) -> CheckResult:
    """Set it where it is weaker, after a trial: SeaweedFS accepts the setting without a key, and then no object."""
    bucket, wanted = settings.s3_bucket, settings.s3_sse or "AES256"
    before = _algorithm(s3, bucket)
    if _strength(before) >= _strength(wanted):
        return passed("encryption", f"{before} by default")
    options: dict[str, Any] = {"ServerSideEncryption": wanted}
    default: dict[str, Any] = {"SSEAlgorithm": wanted}
    if settings.s3_kms_key_id:
        options["SSEKMSKeyId"] = default["KMSMasterKeyID"] = settings.s3_kms_key_id
    problem = _try_put(s3, bucket, options)
    if problem:
        return warned("encryption", f"unchanged: {problem}")
    rule: Any = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": wanted == "aws:kms"}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return changed("encryption", f"{wanted} by default, {before} before")


def _algorithm(s3: "S3Client", bucket: str) -> str:
    try:
        response = s3.get_bucket_encryption(Bucket=bucket)
        configuration = member(response, "ServerSideEncryptionConfiguration", "GetBucketEncryption")
        rules = member(configuration, "Rules", "GetBucketEncryption")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ServerSideEncryptionConfigurationNotFoundError":
            raise
        return NONE
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    return str(default.get("SSEAlgorithm", NONE))


def _strength(algorithm: str) -> int:
    return STRENGTH.index(algorithm) if algorithm in STRENGTH else len(STRENGTH)


def _try_put(s3: "S3Client", bucket: str, options: dict[str, Any]) -> str | None:
    """Say why an encrypted object cannot be stored; a missing permission is raised."""
    try:
        s3.put_object(Bucket=bucket, Key=ROUNDTRIP_KEY, Body=b"", **options)
    except ClientError as error:
        problem = classify(error, bucket)
        if is_unsupported(error) or problem.kind is S3ErrorKind.UNSUITABLE:
            return CANNOT
        if problem.kind is S3ErrorKind.DENIED:
            raise
        return f"a trial with {options['ServerSideEncryption']} failed: {problem.reason}; give the store a key"
    with contextlib.suppress(*S3_ERRORS):  # the permission to delete is not required
        s3.delete_object(Bucket=bucket, Key=ROUNDTRIP_KEY)
    return None
