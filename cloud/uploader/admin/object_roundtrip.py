"""What the uploader does with objects, tried on one object with a fixed key, so that nothing accumulates."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, failed, passed, skipped, warned
from storage.errors import S3_ERRORS, classify, error_code, http_status
from storage.keys import is_unique_per_capture
from uploader.admin.identity import S3Clients
from uploader.settings import Settings
from uploader.store.writer import PRECONDITION_FAILED, put_options

ROUNDTRIP_KEY = ".usbcam-check/probe"
NOT_IMPLEMENTED = 501


def check_roundtrip(clients: S3Clients, settings: Settings) -> Iterator[CheckResult]:
    """Put, get, put again, read anonymously, delete."""
    target: dict[str, Any] = {"Bucket": settings.s3_bucket, "Key": ROUNDTRIP_KEY}
    content = secrets.token_hex(16)
    try:
        response = clients.s3.put_object(
            **target, Body=content.encode(), Metadata={"id": content}, **put_options(settings)
        )
    except S3_ERRORS as error:
        yield explain_failure("put", error, settings.s3_bucket, "s3:PutObject")
        yield skipped("objects", "get, conditional put and delete not checked without a put")
        return
    yield passed("put", f"wrote {ROUNDTRIP_KEY}")
    yield _try("get", settings, "s3:GetObject", lambda: _check_get(clients, target, content))
    yield _try("conditional put", settings, "s3:PutObject", lambda: _check_conditional_put(clients, settings, target))
    yield _try("anonymous read", settings, "s3:GetObject", lambda: _check_anonymous_read(clients, target))
    yield _check_encryption(response)
    yield _check_delete(clients, target)


def explain_failure(subject: str, error: Exception, bucket: str, permission: str) -> CheckResult:
    """Say which permission is missing, or what else is wrong."""
    if error_code(error) == "AccessDenied":
        problem = f"these credentials may not do this in {bucket}"
        return failed(subject, f"{problem}; allow {permission} there, see cloud/iam/policy.json")
    return failed(subject, classify(error, bucket).message)


def _try(subject: str, settings: Settings, permission: str, check: Callable[[], CheckResult]) -> CheckResult:
    try:
        return check()
    except S3_ERRORS as error:
        return explain_failure(subject, error, settings.s3_bucket, permission)


def _check_get(clients: S3Clients, target: dict[str, Any], content: str) -> CheckResult:
    response: Any = clients.s3.get_object(**target)
    with response["Body"] as body:
        is_same = body.read() == content.encode()
    if is_same and response["Metadata"].get("id") == content:
        return passed("get", "read back what was written, metadata included")
    return failed("get", "read back something else than was written; use another store")


def _check_conditional_put(clients: S3Clients, settings: Settings, target: dict[str, Any]) -> CheckResult:
    subject = "conditional put"
    try:
        clients.s3.put_object(**target, Body=b"", IfNoneMatch="*", **put_options(settings))
    except ClientError as error:
        if http_status(error) == PRECONDITION_FAILED:
            return passed(subject, "an existing object is not overwritten (412)")
        if http_status(error) == NOT_IMPLEMENTED:
            return failed(subject, "the store does not support If-None-Match, so nothing is stored; use another")
        raise
    problem = "the store overwrites an existing object in spite of If-None-Match"
    if is_unique_per_capture(settings.s3_key_template):
        return warned(subject, f"{problem}; a duplicate writes the same image again, so keep {{id}} in the key")
    return failed(subject, f"{problem}, so captures would overwrite each other; put {{id}} in S3_KEY_TEMPLATE")


def _check_anonymous_read(clients: S3Clients, target: dict[str, Any]) -> CheckResult:
    subject = "anonymous read"
    try:
        clients.anonymous.head_object(**target)
    except ClientError as error:
        if http_status(error) in {401, 403}:
            return passed(subject, "denied")
        raise
    return failed(subject, "anyone may read this bucket; block public access: uploader setup")


def _check_encryption(response: Any) -> CheckResult:
    algorithm = response.get("ServerSideEncryption")
    if algorithm:
        return passed("encryption", f"the store encrypted it: {algorithm}")
    return warned("encryption", "the store does not say that it encrypts; uploader setup, or S3_SSE, asks for it")


def _check_delete(clients: S3Clients, target: dict[str, Any]) -> CheckResult:
    try:
        clients.s3.delete_object(**target)
    except S3_ERRORS as error:
        if error_code(error) == "AccessDenied":
            return passed("delete", f"denied, and the uploader does not need it; {ROUNDTRIP_KEY} stays")
        return warned("delete", f"{ROUNDTRIP_KEY} stays: {classify(error, target['Bucket']).message}")
    return passed("delete", f"allowed, though the uploader does not need it; deleted {ROUNDTRIP_KEY}")
