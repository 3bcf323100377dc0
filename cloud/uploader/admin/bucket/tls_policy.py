"""A bucket policy that denies requests without TLS, where the bucket has no policy yet."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, changed, passed, skipped
from storage.answers.answer import member
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SUBJECT = "TLS only"


def ensure_tls_only(s3: "S3Client", settings: Settings) -> CheckResult:
    """Require TLS, unless the store is reached without it or the bucket already has a policy."""
    if (settings.s3_endpoint_url or "https:").startswith("http:"):
        return skipped(SUBJECT, "not required: S3_ENDPOINT_URL begins with http, so it would lock the uploader out")
    bucket = settings.s3_bucket
    try:
        policy = member(s3.get_bucket_policy(Bucket=bucket), "Policy", "GetBucketPolicy")
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_policy(bucket, s3.meta.partition)))
        return changed(SUBJECT, "the bucket had no policy; it now denies requests without TLS")
    if "aws:SecureTransport" in policy:
        return passed(SUBJECT, "the bucket's policy covers it")
    return passed(SUBJECT, "the bucket has a policy already, which stays as it is")


def _policy(bucket: str, partition: str) -> dict[str, object]:
    arn = f"arn:{partition}:s3:::{bucket}"
    statement = {
        "Sid": "UsbcamTlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
