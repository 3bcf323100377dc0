"""Why S3 did not do what was asked, in one sentence that names the setting to fix."""

import re
from dataclasses import dataclass
from enum import Enum

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

from common.os_error import without_codes
from storage.answers.answer import (
    REDIRECTS,
    UnsuitableStoreError,
    http_status,
    is_web_page,
    raw_code,
    redirect_target,
    region_of,
    resolve_alias,
)
from storage.answers.refusals import refusal
from storage.answers.remedies import remedy

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


def _classify_response(error: ClientError, bucket: str) -> S3Error:
    code, status = raw_code(error), http_status(error)
    if code in THROTTLING_CODES or status == 429:  # noqa: PLR2004 (HTTP's own number)
        return S3Error(S3ErrorKind.THROTTLED, code)
    if code in CONFLICT_CODES:
        return S3Error(S3ErrorKind.CONFLICT, code)
    if status == TOO_LARGE:
        limit = "raise its limit (in nginx, client_max_body_size)"
        return S3Error(S3ErrorKind.UNSUITABLE, f"it, or a proxy before it, takes no uploads of this size; {limit}")
    if code == "TemporaryRedirect" and not region_of(error):
        return S3Error(
            S3ErrorKind.UNSUITABLE, f"the store redirects to {redirect_target(error)}; set S3_ENDPOINT_URL to that"
        )
    if status in REDIRECTS and not code.endswith("Redirect") and not region_of(error):
        remedy = "as a proxy or a login page does; set S3_ENDPOINT_URL to the store's own address"
        return S3Error(S3ErrorKind.UNSUITABLE, f"what answers redirects to {redirect_target(error)}, {remedy}")
    return _classify_failure(error, code, status) or _classify_denial(error, code, bucket)


def _classify_failure(error: ClientError, code: str, status: int) -> S3Error | None:
    """Tell a store that is unavailable or lacks something; None if it means what it says."""
    if is_web_page(error):
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
    region = region_of(error)
    what_to_do = remedy(resolve_alias(code), error)
    reason = what_to_do.format(bucket=bucket, region=f", {region}" if region else "")
    return S3Error(S3ErrorKind.DENIED, reason)


def _brief(error: Exception) -> str:
    """Leave out the object's key, so that the same problem with another capture is the same message."""
    return " ".join(re.sub(r"(https?://[^/\"\s]+)[^\"\s]*", r"\1", without_codes(str(error))).split())[:200]
