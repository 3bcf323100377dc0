"""What the uploader does with objects, tried on one object under one name, so that nothing piles up."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, failed, passed, skipped, warned
from storage.errors import S3_ERRORS, classify, error_code, http_status
from storage.keys import is_unique_per_capture
from uploader.admin.identity import Access
from uploader.settings import Settings
from uploader.store.writer import put_options

PROBE = ".usbcam-check/probe"
TAKEN = 412
NOT_IMPLEMENTED = 501


def examine(access: Access, settings: Settings) -> Iterator[CheckResult]:
    """Put, get, put again, look as a stranger, delete."""
    place: dict[str, Any] = {"Bucket": settings.s3_bucket, "Key": PROBE}
    content = secrets.token_hex(16)
    try:
        written = access.s3.put_object(
            **place, Body=content.encode(), Metadata={"id": content}, **put_options(settings)
        )
    except S3_ERRORS as error:
        yield refused("put", error, settings.s3_bucket, "s3:PutObject")
        yield skipped("objects", "get, conditional put and delete not tried without a put")
        return
    yield passed("put", f"wrote {PROBE}")
    yield _tried("get", settings, "s3:GetObject", lambda: _read(access, place, content))
    yield _tried("conditional put", settings, "s3:PutObject", lambda: _again(access, settings, place))
    yield _tried("strangers", settings, "s3:GetObject", lambda: _strangers(access, place))
    yield _encrypted(written)
    yield _removed(access, place)


def refused(subject: str, error: Exception, bucket: str, right: str) -> CheckResult:
    """Say which right is missing, or what else is wrong."""
    if error_code(error) == "AccessDenied":
        return failed(
            subject, f"these credentials may not do this in {bucket}; allow {right} there, see cloud/iam/policy.json"
        )
    return failed(subject, classify(error, bucket).message)


def _tried(subject: str, settings: Settings, right: str, attempt: Callable[[], CheckResult]) -> CheckResult:
    try:
        return attempt()
    except S3_ERRORS as error:
        return refused(subject, error, settings.s3_bucket, right)


def _read(access: Access, place: dict[str, Any], content: str) -> CheckResult:
    answer: Any = access.s3.get_object(**place)
    with answer["Body"] as body:
        same = body.read() == content.encode()
    if same and answer["Metadata"].get("id") == content:
        return passed("get", "read the same back, metadata included")
    return failed("get", "read something else than was written: the store is not good for captures")


def _again(access: Access, settings: Settings, place: dict[str, Any]) -> CheckResult:
    try:
        access.s3.put_object(**place, Body=b"", IfNoneMatch="*", **put_options(settings))
    except ClientError as error:
        if http_status(error) == TAKEN:
            return passed("conditional put", "a taken name is not written again (412)")
        if http_status(error) == NOT_IMPLEMENTED:
            return failed("conditional put", "the store does not know If-None-Match, so nothing is stored; use another")
        raise
    weak = "the store writes over a taken name in spite of If-None-Match"
    if is_unique_per_capture(settings.s3_key_template):
        return warned("conditional put", f"{weak}; repeats of a capture write the same again, keep {{id}} in the key")
    return failed("conditional put", f"{weak}, so captures would overwrite each other; put {{id}} in S3_KEY_TEMPLATE")


def _strangers(access: Access, place: dict[str, Any]) -> CheckResult:
    try:
        access.stranger.head_object(**place)
    except ClientError as error:
        if http_status(error) in {401, 403}:
            return passed("strangers", "may not read it")
        raise
    return failed("strangers", "everybody may read this bucket; block public access: uploader setup")


def _encrypted(written: Any) -> CheckResult:
    how = written.get("ServerSideEncryption")
    if how:
        return passed("encryption", f"the store encrypted it: {how}")
    return warned("encryption", "the store does not say that it encrypts; uploader setup, or S3_SSE, asks for it")


def _removed(access: Access, place: dict[str, Any]) -> CheckResult:
    try:
        access.s3.delete_object(**place)
    except S3_ERRORS as error:
        if error_code(error) == "AccessDenied":
            return passed("delete", f"not allowed, and not needed to run; {PROBE} stays")
        return warned("delete", f"{PROBE} stays: {classify(error, place['Bucket']).message}")
    return passed("delete", "allowed, though not needed to run; removed the probe")
