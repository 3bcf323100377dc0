"""Encryption by default, at least as strong as the settings ask for."""

import contextlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, changed, passed, warned
from storage.errors import S3_ERRORS, S3ErrorKind, classify, is_unsupported
from uploader.admin.object_roundtrip import PROBE
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NONE = "none"
STRENGTH = (NONE, "AES256", "aws:kms", "aws:kms:dsse")


def settle(s3: "S3Client", settings: Settings) -> CheckResult:
    """Set it where it is weaker, after a trial: SeaweedFS takes the setting without a key, and then no object."""
    bucket, wanted = settings.s3_bucket, settings.s3_sse or "AES256"
    before = _algorithm(s3, bucket)
    if _strength(before) >= _strength(wanted):
        return passed("encryption", f"{before} by default")
    how: dict[str, Any] = {"ServerSideEncryption": wanted}
    default: dict[str, Any] = {"SSEAlgorithm": wanted}
    if settings.s3_kms_key_id:
        how["SSEKMSKeyId"] = default["KMSMasterKeyID"] = settings.s3_kms_key_id
    cannot = _trial(s3, bucket, how)
    if cannot:
        return warned(
            "encryption", f"left as it is, since a trial with {wanted} failed: {cannot}; give the store a key"
        )
    rule: Any = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": wanted == "aws:kms"}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return changed("encryption", f"{wanted} by default, {before} before")


def _algorithm(s3: "S3Client", bucket: str) -> str:
    try:
        rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ServerSideEncryptionConfigurationNotFoundError":
            raise
        return NONE
    return str(rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]) if rules else NONE


def _strength(algorithm: str) -> int:
    return STRENGTH.index(algorithm) if algorithm in STRENGTH else len(STRENGTH)


def _trial(s3: "S3Client", bucket: str, how: dict[str, Any]) -> str | None:
    """Say why an encrypted object cannot be stored; a refusal is raised."""
    try:
        s3.put_object(Bucket=bucket, Key=PROBE, Body=b"", **how)
    except ClientError as error:
        told = classify(error, bucket)
        if told.kind is S3ErrorKind.DENIED and not is_unsupported(error):
            raise
        return told.reason
    with contextlib.suppress(*S3_ERRORS):  # the right to delete is not asked for
        s3.delete_object(Bucket=bucket, Key=PROBE)
    return None
