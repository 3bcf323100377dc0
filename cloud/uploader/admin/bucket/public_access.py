"""Public access: blocked by all four settings that S3 has for it, as far as the store still takes our own objects."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, changed, passed, warned
from storage.answers.answer import UnsuitableStoreError, error_code, member
from storage.errors import S3_ERRORS
from uploader.admin.object_roundtrip import ROUNDTRIP_KEY
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SUBJECT = "public access"
BLOCK_SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
OFF = dict.fromkeys(BLOCK_SETTINGS, False)
# What to give up, one after the other, until a store takes its owner's objects again.
CONCESSIONS = (("BlockPublicAcls",), ("BlockPublicAcls", "IgnorePublicAcls"), BLOCK_SETTINGS)


def check_public_access(s3: "S3Client", settings: Settings) -> Iterator[CheckResult]:
    """Check whether it is blocked; raises S3_ERRORS."""
    off = _off(_configuration(s3, settings.s3_bucket))
    if off:
        yield warned(SUBJECT, f"{', '.join(off)} is off; ./usbcam setup turns on what the store can do")
    else:
        yield passed(SUBJECT, "blocked")


def ensure_blocked(s3: "S3Client", settings: Settings) -> CheckResult:
    """Block what is not blocked yet; other stores than AWS may then refuse every object, so they are tried."""
    bucket = settings.s3_bucket
    before = _configuration(s3, bucket)
    off = _off(before)
    if settings.s3_endpoint_url:
        return _block_and_try(s3, bucket, before)
    if not off:
        return passed(SUBJECT, "blocked")
    _block(s3, bucket, BLOCK_SETTINGS)
    return changed(SUBJECT, f"blocked: {', '.join(off)} was off")


def _block_and_try(s3: "S3Client", bucket: str, before: dict[str, bool]) -> CheckResult:
    took_before = not _refuses_objects(s3, bucket)
    off = _off(before)
    if not off and took_before:
        return passed(SUBJECT, "blocked")
    if off:
        _block(s3, bucket, BLOCK_SETTINGS)
        if _off(_configuration(s3, bucket)) == off:
            raise UnsuitableStoreError("it takes PutPublicAccessBlock, and keeps nothing of it")
        if not took_before or not _refuses_objects(s3, bucket):
            return changed(SUBJECT, f"blocked: {', '.join(off)} was off")
    for given_up in CONCESSIONS:
        _block(s3, bucket, tuple(name for name in BLOCK_SETTINGS if name not in given_up))
        if not _refuses_objects(s3, bucket):
            result = warned if off == list(given_up) else changed
            why = "with it, this store refuses even our own objects; keep its port off public networks"
            return result(SUBJECT, f"{', '.join(given_up)} is off, since {why}")
    _block(s3, bucket, tuple(name for name in BLOCK_SETTINGS if before[name]))  # it was not the reason
    return passed(SUBJECT, "blocked") if not off else warned(SUBJECT, f"unchanged: {', '.join(off)} is off")


def _block(s3: "S3Client", bucket: str, names: tuple[str, ...]) -> None:
    configuration: Any = OFF | dict.fromkeys(names, True)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=configuration)


def _refuses_objects(s3: "S3Client", bucket: str) -> bool:
    """Whether an object of ours is denied; whatever else is wrong is not for this step to say."""
    try:
        s3.put_object(Bucket=bucket, Key=ROUNDTRIP_KEY, Body=b"")
    except S3_ERRORS as error:
        return error_code(error) == "AccessDenied"
    with contextlib.suppress(*S3_ERRORS):  # the permission to delete is not required
        s3.delete_object(Bucket=bucket, Key=ROUNDTRIP_KEY)
    return False


def _configuration(s3: "S3Client", bucket: str) -> dict[str, bool]:
    """What is on and what is off."""
    name = "PublicAccessBlockConfiguration"
    try:
        configuration: Any = member(s3.get_public_access_block(Bucket=bucket), name, "GetPublicAccessBlock")
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchPublicAccessBlockConfiguration":
            raise
        configuration = {}
    return {name: bool(configuration.get(name)) for name in BLOCK_SETTINGS}


def _off(configuration: dict[str, bool]) -> list[str]:
    return [name for name in BLOCK_SETTINGS if not configuration[name]]
