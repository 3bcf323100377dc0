"""No request without TLS, by a policy of the bucket where it has none."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, changed, passed, skipped
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SUBJECT = "TLS only"


def settle(s3: "S3Client", settings: Settings) -> CheckResult:
    """Demand TLS, unless the store is reached without it or somebody has written a policy already."""
    if (settings.s3_endpoint_url or "https:").startswith("http:"):
        return skipped(SUBJECT, "not demanded: S3_ENDPOINT_URL begins with http, so it would shut us out, too")
    bucket = settings.s3_bucket
    try:
        policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_policy(bucket, s3.meta.partition)))
        return changed(SUBJECT, "requests without TLS are refused by the bucket's policy, which was empty")
    if "aws:SecureTransport" in policy:
        return passed(SUBJECT, "the bucket's policy speaks of it")
    return passed(SUBJECT, "the bucket has a policy of somebody's, left as it is")


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
