"""What the uploader does with objects, tried on one object with a fixed key, so that nothing accumulates."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, failed, passed, skipped, warned
from storage.answers.answer import error_code, http_status
from storage.answers.refusals import is_unsupported
from storage.capture import Capture, contract_names
from storage.errors import S3_ERRORS, S3ErrorKind, classify
from storage.keys.folders import CHECK_FOLDER
from storage.keys.template import is_unique_per_capture
from storage.star import EXPIRES, NOT_TAGGED, TAG, read_tags, tagging
from uploader.admin.identity import S3Clients
from uploader.settings import Settings
from uploader.store.bucket_objects import (
    COLLIDING,
    DAMAGED,
    HARMLESS,
    NO_CONDITION,
    put_options,
    says_taken,
)

ROUNDTRIP_KEY = f"{CHECK_FOLDER}probe"
DETAILS = {"box": "1,2,3,4", "score": "0.934", "quality": "0.500", "track": "20261122T063325.123Z-1", "shot": "first"}
SIGNATURE_REMEDY = (
    "the store reads another request than was signed, although it accepts our keys: a proxy before it drops or changes "
    "headers. Let it pass every x-amz-* header, or reach the store without it"
)


def check_roundtrip(clients: S3Clients, settings: Settings) -> Iterator[CheckResult]:
    """Put, get, put again, read anonymously, delete."""
    target: dict[str, Any] = {"Bucket": settings.s3_bucket, "Key": ROUNDTRIP_KEY}
    probe = _probe()
    options = put_options(settings)
    try:
        response = clients.s3.put_object(**target, Body=probe.image, Metadata=probe.object_metadata, **options)
    except S3_ERRORS as error:
        yield explain_failure("put", error, settings.s3_bucket, "s3:PutObject")
        yield skipped("objects", "get, conditional put and delete not checked without a put")
        return
    yield passed("put", f"wrote {ROUNDTRIP_KEY}")
    yield _try("get", settings, "s3:GetObject", lambda: _check_get(clients, target, probe))
    yield _try("conditional put", settings, "s3:PutObject", lambda: _check_conditional_put(clients, settings, target))
    yield _try("anonymous read", settings, "s3:GetObject", lambda: _check_anonymous_read(clients, target))
    yield _check_encryption(response)
    if settings.s3_retention_days:
        yield _check_tag(clients, target, options)
    yield _check_delete(clients, target)


def explain_failure(subject: str, error: Exception, bucket: str, permission: str) -> CheckResult:
    """Say which permission is missing, or what else is wrong."""
    if error_code(error) == "AccessDenied":
        problem = f"these credentials may not do this in {bucket}"
        return failed(subject, f"{problem}; allow {permission} there, see cloud/iam/policy.json")
    if error_code(error) == "SignatureDoesNotMatch":
        return failed(subject, SIGNATURE_REMEDY)
    return failed(subject, classify(error, bucket).message)


def _try(subject: str, settings: Settings, permission: str, check: Callable[[], CheckResult]) -> CheckResult:
    try:
        return check()
    except S3_ERRORS as error:
        return explain_failure(subject, error, settings.s3_bucket, permission)


def _probe() -> Capture:
    """Something with all the metadata of a capture."""
    content = secrets.token_hex(16).encode()
    sha256 = hashlib.sha256(content).hexdigest()
    return Capture("usbcam-check", "probe", datetime.now(UTC), content, "image/png", sha256, details=DETAILS)


def _check_get(clients: S3Clients, target: dict[str, Any], probe: Capture) -> CheckResult:
    response: Any = clients.s3.get_object(**target)
    with response["Body"] as body:
        is_same = body.read() == probe.image
    if not is_same:
        return failed("get", DAMAGED)
    found = contract_names(response["Metadata"])
    lost = [name for name, text in probe.metadata.items() if found.get(name) != text]
    if lost:
        problem = f"the store, or a proxy before it, loses the metadata {', '.join(lost)}"
        return failed("get", f"{problem}; let it pass every x-amz-meta-* header, or use another store")
    return passed("get", "read back what was written, metadata included")


def _check_conditional_put(clients: S3Clients, settings: Settings, target: dict[str, Any]) -> CheckResult:
    subject = "conditional put"
    try:
        clients.s3.put_object(**target, Body=b"", IfNoneMatch="*", **put_options(settings))
    except ClientError as error:
        if says_taken(error):
            return passed(subject, f"an existing object is not overwritten ({http_status(error)})")
        # The put before differs from this one by the condition alone.
        if is_unsupported(error) or classify(error, settings.s3_bucket).kind is S3ErrorKind.UNSUITABLE:
            return failed(subject, f"{S3ErrorKind.UNSUITABLE.value}: {NO_CONDITION}")
        raise
    return warned(subject, HARMLESS) if is_unique_per_capture(settings.s3_key_template) else failed(subject, COLLIDING)


def _check_anonymous_read(clients: S3Clients, target: dict[str, Any]) -> CheckResult:
    subject = "anonymous read"
    try:
        clients.anonymous.head_object(**target)
    except ClientError as error:
        if http_status(error) in {401, 403}:
            return passed(subject, "denied")
        raise
    return failed(
        subject,
        "anyone may read this bucket; block public access by ./usbcam setup, or use another store if that cannot",
    )


def _check_encryption(response: Any) -> CheckResult:
    algorithm = response.get("ServerSideEncryption")
    if algorithm:
        return passed("encryption", f"the store encrypted it: {algorithm}")
    return warned("encryption", "the store does not say that it encrypts; ./usbcam setup, or S3_SSE, asks for it")


def _check_tag(clients: S3Clients, target: dict[str, Any], options: dict[str, Any]) -> CheckResult:
    """Whether these credentials may store what retention deletes and stars spare."""
    subject = "tag"
    try:
        clients.s3.put_object(**target, Body=b"", Tagging=tagging({TAG: EXPIRES}), **options)
        kept = read_tags(clients.s3, target["Bucket"], target["Key"]) == {TAG: EXPIRES}
    except S3_ERRORS as error:
        if error_code(error) == "AccessDenied":
            return warned(subject, NOT_TAGGED)
        kept = False
    if kept:
        return passed(subject, "kept, so that stars in the gallery are spared by S3_RETENTION_DAYS")
    return skipped(
        subject, "the store keeps no tags; what is starred in the gallery is deleted by its age all the same"
    )


def _check_delete(clients: S3Clients, target: dict[str, Any]) -> CheckResult:
    try:
        clients.s3.delete_object(**target)
    except S3_ERRORS as error:
        if error_code(error) == "AccessDenied":
            return passed("delete", f"denied, and the uploader does not need it; {ROUNDTRIP_KEY} stays")
        return warned("delete", f"{ROUNDTRIP_KEY} stays: {classify(error, target['Bucket']).message}")
    return passed("delete", f"allowed, though the uploader does not need it; deleted {ROUNDTRIP_KEY}")
