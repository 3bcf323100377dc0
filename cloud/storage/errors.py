"""Why S3 did not do what was asked, in one sentence that names the setting to fix."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    ConnectionError,  # noqa: A004 (botocore's own name)
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError


class UnsuitableStoreError(Exception):
    """The store answered, and not as S3 does; the message is one sentence."""


# Everything that a request raises; a proxy's response that is not XML is not a BotoCoreError.
S3_ERRORS = (ClientError, BotoCoreError, ResponseParserError, UnsuitableStoreError)
# Nobody answered, or not to the end.
UNAVAILABLE_ERRORS = (ConnectionError, HTTPClientError, ChecksumError, IncompleteReadError)
NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
)


class S3ErrorKind(Enum):
    """What can be done about an error; every kind is retried."""

    UNAVAILABLE = "S3 is unavailable"
    THROTTLED = "S3 is throttling requests"
    CONFLICT = "another writer was at the same name"
    DENIED = "S3 denied the request"
    UNSUITABLE = "the store cannot be used"


@dataclass(frozen=True, slots=True)
class S3Error:
    """One failed attempt."""

    kind: S3ErrorKind
    reason: str

    @property
    def message(self) -> str:
        """The sentence for the person on call."""
        return f"{self.kind.value}: {self.reason}"


TOO_LARGE = 413
SERVER_ERROR = 500
NOT_IMPLEMENTED = 501
REDIRECTS = {301, 302, 303, 307, 308}
THROTTLING_CODES = {
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequests",
    "429",
}
CONFLICT_CODES = {"ConditionalRequestConflict", "OperationAborted", "409"}
# Sent as 400, but about this one transfer and not about what was asked.
TRANSFER_CODES = {
    "RequestTimeout",
    "IncompleteBody",
    "BadDigest",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
}
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

REMEDIES = {
    "NoSuchBucket": "the bucket {bucket} does not exist; ./usbcam setup creates it, or fix S3_BUCKET",
    "InvalidBucketName": "{bucket} is not a valid bucket name; fix S3_BUCKET",
    "InvalidAccessKeyId": "the access key is unknown; fix AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret key does not match the access key; fix AWS_SECRET_ACCESS_KEY",
    "PutObject.SignatureDoesNotMatch": "the signature of an upload does not match; if ./usbcam check reaches the "
    "bucket, a proxy before the store drops or changes headers, else fix AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the session token has expired; renew AWS_SESSION_TOKEN",
    "InvalidToken": "the session token is wrong; fix AWS_SESSION_TOKEN",
    "AccessDenied": "the credentials may not use the bucket {bucket}; allow s3:PutObject, s3:GetObject and "
    "s3:ListBucket, or fix S3_BUCKET or AWS_ACCESS_KEY_ID",
    "PermanentRedirect": "the bucket {bucket} is in another region{region}; fix AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket {bucket} is in another region{region}; fix AWS_REGION",
    "IllegalLocationConstraintException": "the bucket {bucket} is in another region{region}; fix AWS_REGION",
    "BucketAlreadyExists": "the name {bucket} is taken by another account, in all of S3; choose another S3_BUCKET",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it",
    "InvalidStorageClass": "the store does not know the storage class; fix S3_STORAGE_CLASS",
}
ALIASES = {
    "404": "NoSuchBucket",
    "403": "AccessDenied",
    "Forbidden": "AccessDenied",
    "AllAccessDisabled": "AccessDenied",
    "AccountProblem": "AccessDenied",
    "301": "PermanentRedirect",
    "TokenRefreshRequired": "ExpiredToken",
    "InvalidClientTokenId": "InvalidAccessKeyId",  # what STS calls it
}


def classify(error: Exception, bucket: str) -> S3Error:
    """Sort an error by what can be done about it."""
    if isinstance(error, ClientError):
        return _classify_response(error, bucket)
    if isinstance(error, NO_CREDENTIALS):
        remedy = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role"
        return S3Error(S3ErrorKind.DENIED, f"there are no credentials ({_brief(error)}); {remedy}")
    if isinstance(error, UNAVAILABLE_ERRORS):
        return S3Error(S3ErrorKind.UNAVAILABLE, f"{_brief(error)} (S3_ENDPOINT_URL, or AWS_REGION without it)")
    return _classify_answer(error)


def _classify_answer(error: Exception) -> S3Error:
    """Sort what is neither S3's own answer nor silence."""
    if isinstance(error, UnsuitableStoreError):
        return S3Error(S3ErrorKind.UNSUITABLE, str(error))
    if isinstance(error, ResponseParserError):
        remedy = "it is a proxy, or no store at all; fix S3_ENDPOINT_URL"
        return S3Error(S3ErrorKind.UNSUITABLE, f"what answers does not speak S3's XML: {remedy}")
    if isinstance(error, ParamValidationError):
        return S3Error(S3ErrorKind.DENIED, _brief(error))
    return S3Error(S3ErrorKind.DENIED, f"{_brief(error)} (AWS_REGION, AWS_PROFILE, S3_ENDPOINT_URL)")


def error_code(error: Exception) -> str:
    """S3's error code, with aliases resolved; empty without a response."""
    return _resolve_alias(_raw_code(error)) if isinstance(error, ClientError) else ""


def http_status(error: ClientError) -> int:
    """The HTTP status of S3's response; 0 without one."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def member(response: Mapping[str, Any], name: str, operation: str) -> Any:
    """Take what S3 always answers: a store that does not know the request may answer another one."""
    if response.get(name, {}) == {}:
        raise UnsuitableStoreError(f"it answered {operation} with something else, so it does not have this feature")
    return response[name]


def is_unsupported(error: Exception) -> bool:
    """Tell whether a store other than AWS simply lacks the feature."""
    if isinstance(error, UnsuitableStoreError | ResponseParserError):
        return True
    if not isinstance(error, ClientError):
        return False
    code = _raw_code(error)
    if http_status(error) == NOT_IMPLEMENTED or "NotImplemented" in code:
        return True
    if code.startswith("BucketAlready") and error.operation_name != "CreateBucket":
        return True  # it took a bucket's setting for a new bucket
    return code in {"405", "501", "MethodNotAllowed", "NotSupported"}


def refusal(error: ClientError) -> str | None:
    """Say what of a request this store refuses although AWS takes it; None if it is something else."""
    code = _raw_code(error)
    details = error.response.get("Error", {})
    answer = " ".join(str(details.get(name, "")) for name in ("Header", "ArgumentName", "Message", "Code"))
    if is_unsupported(error) or code in REFUSAL_CODES or "MD5" in code or "Checksum" in code:
        found = next((sentence for pattern, sentence in REFUSALS if pattern.search(answer)), None)
        if found or not is_unsupported(error):
            return found
        return f"it does not support {error.operation_name} as it was sent ({code or http_status(error)}); use another"
    return None


def _classify_response(error: ClientError, bucket: str) -> S3Error:
    code, status = _raw_code(error), http_status(error)
    if code in THROTTLING_CODES or status == 429:  # noqa: PLR2004 (HTTP's own number)
        return S3Error(S3ErrorKind.THROTTLED, code)
    if code in CONFLICT_CODES:
        return S3Error(S3ErrorKind.CONFLICT, code)
    if status == TOO_LARGE:
        limit = "raise its limit (in nginx, client_max_body_size)"
        return S3Error(S3ErrorKind.UNSUITABLE, f"it, or a proxy before it, takes no uploads of this size; {limit}")
    if code == "TemporaryRedirect" and not _region(error):
        return S3Error(
            S3ErrorKind.UNSUITABLE, f"the store redirects to {_redirect(error)}; set S3_ENDPOINT_URL to that"
        )
    if status in REDIRECTS and not code.endswith("Redirect") and not _region(error):
        remedy = "as a proxy or a login page does; set S3_ENDPOINT_URL to the store's own address"
        return S3Error(S3ErrorKind.UNSUITABLE, f"what answers redirects to {_redirect(error)}, {remedy}")
    return _classify_failure(error, code, status) or _classify_denial(error, code, bucket)


def _classify_failure(error: ClientError, code: str, status: int) -> S3Error | None:
    """Tell a store that is unavailable or lacks something; None if it means what it says."""
    if _is_web_page(error):
        remedy = "unless a proxy says that the store is unavailable, fix S3_ENDPOINT_URL"
        page = f"{code or status}: a web page came back; {remedy}"
        return S3Error(S3ErrorKind.UNAVAILABLE if status >= SERVER_ERROR else S3ErrorKind.UNSUITABLE, page)
    refused = refusal(error)
    if refused and code not in TRANSFER_CODES:
        return S3Error(S3ErrorKind.UNSUITABLE, refused)
    if status >= SERVER_ERROR or code in TRANSFER_CODES:
        return S3Error(S3ErrorKind.UNAVAILABLE, f"it answered {code or status}")
    return None


def _classify_denial(error: ClientError, code: str, bucket: str) -> S3Error:
    region = _region(error)
    remedy = _remedy(_resolve_alias(code), error).format(bucket=bucket, region=f", {region}" if region else "")
    return S3Error(S3ErrorKind.DENIED, remedy)


def _redirect(error: ClientError) -> str:
    """Where a proxy sends us, as scheme, host and port; a store's own redirect names a region instead."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    found = re.match(r"https?://[\w.:\[\]-]+", headers.get("location", ""))
    return found[0] if found else "another page"


def _is_web_page(error: ClientError) -> bool:
    """Tell a web server's answer; HEAD has no body to judge by."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return "text/html" in headers.get("content-type", "") and not error.operation_name.startswith("Head")


def _raw_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _resolve_alias(code: str) -> str:
    return ALIASES.get(code, code)


def _region(error: ClientError) -> str:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region: object = error.response.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region", "")
    return str(region) if re.fullmatch(r"[a-z0-9-]{1,40}", str(region)) else ""


def _remedy(code: str, error: ClientError) -> str:
    if code.startswith("KMS."):
        return f"the key does not work ({code}); fix S3_KMS_KEY_ID"
    text = str(error.response.get("Error", {}).get("Message", "")) or str(error)
    plain = " ".join(text.replace("{", "(").replace("}", ")").split())[:200]
    return REMEDIES.get(f"{error.operation_name}.{code}") or REMEDIES.get(code, f"{code}: {plain}")


def _brief(error: Exception) -> str:
    """Leave out the object's key, so that the same problem with another capture is the same message."""
    return " ".join(re.sub(r"(https?://[^/\"\s]+)[^\"\s]*", r"\1", str(error)).split())[:200]
