"""Tags of objects: whether the store keeps them, and those of captures that were stored without one."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from storage.answers.answer import error_code
from storage.errors import S3_ERRORS
from storage.keys import folders
from storage.keys.parser import KeyParser
from storage.star import EXPIRES, STARRED, TAG, keys_of, read_tags, set_tag
from uploader.admin.object_roundtrip import ROUNDTRIP_KEY
from uploader.settings import Settings
from uploader.store.bucket_objects import put_options

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AT_ONCE = 16  # requests
NO_TAGS = "the store keeps no tags"
NO_RIGHT = "allow s3:GetObject, s3:PutObjectTagging and s3:GetObjectTagging, as in cloud/iam/policy-setup.json"
PROBE = b"usbcam"


def key_folder(settings: Settings) -> str:
    """The folder in which all captures are; empty for the whole bucket."""
    start = settings.s3_key_template.partition("{")[0].rpartition("/")
    return start[0] + start[1]


def why_no_tags(s3: "S3Client", settings: Settings) -> str | None:
    """Why an object does not keep a tag; tried on one that is nobody's picture."""
    target: Any = {"Bucket": settings.s3_bucket, "Key": ROUNDTRIP_KEY}
    try:
        s3.put_object(**target, Body=PROBE, **put_options(settings))
        set_tag(s3, settings.s3_bucket, ROUNDTRIP_KEY, EXPIRES)
        kept = read_tags(s3, settings.s3_bucket, ROUNDTRIP_KEY).get(TAG) == EXPIRES
        with s3.get_object(**target)["Body"] as body:  # some stores take the tags for the object
            kept = kept and body.read() == PROBE
    except S3_ERRORS as error:
        is_denied = error_code(error) == "AccessDenied"
        return NO_RIGHT if is_denied else NO_TAGS
    with contextlib.suppress(*S3_ERRORS):  # the permission to delete is not required
        s3.delete_object(**target)
    return None if kept else NO_TAGS


def tag_captures(s3: "S3Client", settings: Settings) -> None:
    """Tag what was stored before there were tags, so that retention goes on deleting it; raises S3_ERRORS."""
    bucket, parser = settings.s3_bucket, KeyParser(settings.s3_key_template)
    starred = keys_of(key for keys in _pages(s3, bucket, folders.STARRED_FOLDER) for key in keys)

    def tag(key: str) -> None:
        if TAG not in read_tags(s3, bucket, key):
            set_tag(s3, bucket, key, STARRED if key in starred else EXPIRES)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tags") as pool:
        for keys in _pages(s3, bucket, key_folder(settings)):
            list(pool.map(tag, [key for key in keys if _is_capture(parser, key)]))


def _is_capture(parser: KeyParser, key: str) -> bool:
    return not folders.holds_no_captures(key) and parser.parse(key) is not None


def _pages(s3: "S3Client", bucket: str, prefix: str) -> Iterator[list[str]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield [item["Key"] for item in page.get("Contents", [])]
