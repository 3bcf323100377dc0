"""What AWS takes and other stores refuse."""

import re

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from storage.answers.answer import UnsuitableStoreError, http_status, raw_code

NOT_IMPLEMENTED = 501
# What AWS takes and other stores refuse, as their answers name it; the first that fits.
REFUSALS = (
    (
        re.compile(r"if-?none-?match|precondition|conditional", re.IGNORECASE),
        "it does not support If-None-Match, without which nothing can be stored exactly once; use another store",
    ),
    (
        re.compile(r"content-?md5", re.IGNORECASE),
        "it requires Content-MD5, which the AWS SDK no longer sends; use another version of the store, or another",
    ),
    (
        re.compile(r"checksum|x-amz-trailer|aws-chunked|streaming-|x-amz-decoded|x-amz-content-sha256", re.IGNORECASE),
        "it refuses the checksums of the AWS SDK; leave AWS_REQUEST_CHECKSUM_CALCULATION empty, or use another store",
    ),
    (
        re.compile(r"server-?side-?encryption|\bsse\b|kms", re.IGNORECASE),
        "it does not encrypt as asked; leave S3_SSE and S3_KMS_KEY_ID empty, or use another store",
    ),
    (
        re.compile(r"storage-?class", re.IGNORECASE),
        "it does not know the storage class; leave S3_STORAGE_CLASS empty",
    ),
)
REFUSAL_CODES = {"InvalidArgument", "InvalidRequest", "BadRequest", "InvalidDigest", "400", ""}


def is_unsupported(error: Exception) -> bool:
    """Tell whether a store other than AWS simply lacks the feature."""
    if isinstance(error, UnsuitableStoreError | ResponseParserError):
        return True
    if not isinstance(error, ClientError):
        return False
    code = raw_code(error)
    if http_status(error) == NOT_IMPLEMENTED or "NotImplemented" in code:
        return True
    if code.startswith("BucketAlready") and error.operation_name != "CreateBucket":
        return True  # it took a bucket's setting for a new bucket
    return code in {"405", "501", "MethodNotAllowed", "NotSupported"}


def refusal(error: ClientError) -> str | None:
    """Say what of a request this store refuses although AWS takes it; None if it is something else."""
    code, is_missing = raw_code(error), is_unsupported(error)
    if not (is_missing or code in REFUSAL_CODES or "MD5" in code or "Checksum" in code):
        return None
    details = error.response.get("Error", {})
    answer = " ".join(str(details.get(name, "")) for name in ("Header", "ArgumentName", "Message", "Code"))
    found = next((sentence for pattern, sentence in REFUSALS if pattern.search(answer)), None)
    if found or not is_missing:
        return found
    return f"it does not support {error.operation_name} as it was sent ({code or http_status(error)}); use another"
