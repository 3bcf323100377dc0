"""Why S3 did not do what was asked, in one sentence that names the setting to look at."""

import re
from dataclasses import dataclass
from enum import Enum

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

# Everything boto3 raises about a request; a proxy's answer that is no XML is not a BotoCoreError.
S3_ERRORS = (ClientError, BotoCoreError, ResponseParserError)
NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
)


class Kind(Enum):
    """What a failure asks of us; every kind is tried again."""

    AWAY = "S3 is away"
    BUSY = "S3 asks for patience"
    CONFLICT = "another writer was at the same name"
    REFUSED = "S3 refuses"


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that came to nothing."""

    kind: Kind
    reason: str

    @property
    def sentence(self) -> str:
        """Say it to the person on call."""
        return f"{self.kind.value}: {self.reason}"


BUSY = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "429"}
CONFLICT = {"ConditionalRequestConflict", "OperationAborted", "409"}
# Sent as 400, but about this one transfer and not about what was asked.
TRANSFER = {"RequestTimeout", "IncompleteBody", "BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"}

MENDS = {
    "NoSuchBucket": "the bucket {bucket} does not exist; `uploader setup` creates it, or mend S3_BUCKET",
    "InvalidBucketName": "{bucket} is no bucket's name; mend S3_BUCKET",
    "InvalidAccessKeyId": "the access key is unknown; mend AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret key does not fit the access key; mend AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the session token has expired; renew AWS_SESSION_TOKEN",
    "InvalidToken": "the session token is wrong; mend AWS_SESSION_TOKEN",
    "AccessDenied": "the credentials may not use the bucket {bucket}; allow s3:PutObject, s3:GetObject and "
    "s3:ListBucket, or mend S3_BUCKET or AWS_ACCESS_KEY_ID",
    "PermanentRedirect": "the bucket {bucket} is in another region{region}; mend AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket {bucket} is in another region{region}; mend AWS_REGION",
    "IllegalLocationConstraintException": "the bucket {bucket} is in another region{region}; mend AWS_REGION",
    "BucketAlreadyExists": "the name {bucket} is taken by somebody else, in all of S3; choose another S3_BUCKET",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it",
    "InvalidStorageClass": "the storage class is unknown there; mend S3_STORAGE_CLASS",
}
SAME = {
    "404": "NoSuchBucket",
    "403": "AccessDenied",
    "Forbidden": "AccessDenied",
    "AllAccessDisabled": "AccessDenied",
    "AccountProblem": "AccessDenied",
    "301": "PermanentRedirect",
    "TokenRefreshRequired": "ExpiredToken",
    "InvalidClientTokenId": "InvalidAccessKeyId",  # what STS calls it
}


def explain(error: Exception, bucket: str) -> Failure:
    """Sort an error by what can be done about it."""
    if isinstance(error, ClientError):
        return _answered(error, bucket)
    if isinstance(error, NO_CREDENTIALS):
        mend = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role"
        return Failure(Kind.REFUSED, f"there are no credentials ({_brief(error)}); {mend}")
    if isinstance(error, ParamValidationError):
        return Failure(Kind.REFUSED, _brief(error))
    return Failure(Kind.AWAY, f"{_brief(error)} (S3_ENDPOINT_URL, or AWS_REGION without it)")


def _answered(error: ClientError, bucket: str) -> Failure:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in BUSY or status == 429:  # noqa: PLR2004 (HTTP's own number)
        return Failure(Kind.BUSY, code)
    if code in CONFLICT:
        return Failure(Kind.CONFLICT, code)
    if status >= 500 or code in TRANSFER:  # noqa: PLR2004 (HTTP's own number)
        return Failure(Kind.AWAY, f"it answered {code or status}")
    region = _region(error)
    sentence = _mend(_plain_code(code), error).format(bucket=bucket, region=f", {region}" if region else "")
    return Failure(Kind.REFUSED, sentence)


def cause(error: Exception) -> str:
    """Name what S3 refused, one word for all its names; empty if it did not answer at all."""
    return _plain_code(str(error.response.get("Error", {}).get("Code", ""))) if isinstance(error, ClientError) else ""


def unsupported(error: Exception) -> bool:
    """Tell whether a store other than AWS simply does not have what was asked for."""
    if not isinstance(error, ClientError):
        return False
    code = str(error.response.get("Error", {}).get("Code", ""))
    return "NotImplemented" in code or code in {"405", "501", "MethodNotAllowed", "NotSupported"}


def _plain_code(code: str) -> str:
    return SAME.get(code, code)


def _region(error: ClientError) -> str:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    said: object = error.response.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region", "")
    return str(said) if re.fullmatch(r"[a-z0-9-]{1,40}", str(said)) else ""


def _mend(code: str, error: ClientError) -> str:
    if code.startswith("KMS."):
        return f"the key does not work ({code}); mend S3_KMS_KEY_ID"
    text = str(error.response.get("Error", {}).get("Message", "")) or str(error)
    plain = " ".join(text.replace("{", "(").replace("}", ")").split())[:200]
    return MENDS.get(code, f"{code}: {plain}")


def _brief(error: Exception) -> str:
    """Leave out the object's name: the same trouble with another capture is no news."""
    return " ".join(re.sub(r"(https?://[^/\"\s]+)[^\"\s]*", r"\1", str(error)).split())[:200]
