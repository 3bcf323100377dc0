"""The S3 clients of the checks, and whose credentials they use."""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import SecretStr

from common.runtime.check_result import CheckResult, failed, passed
from storage.client import client_config, create_client, head_bucket, open_session, without_endless_redirects
from storage.errors import S3_ERRORS, S3ErrorKind, classify
from uploader.settings import Settings

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_s3 import S3Client

SUBJECT = "credentials"
NO_KEYS = "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role"
CHECKS_NOBODY = (
    "the store takes any key, so whoever reaches it may read, write and delete. Switch on its authentication, or let "
    "nothing but the uploader and the gallery reach its port"
)
SOURCES = {
    "explicit": "AWS_ACCESS_KEY_ID",
    "env": "AWS_ACCESS_KEY_ID",
    "shared-credentials-file": "the credentials file",
    "config-file": "~/.aws/config",
    "iam-role": "the instance's role",
    "container-role": "the task's role",
    "assume-role": "an assumed role",
}


@dataclass(frozen=True, slots=True)
class S3Clients:
    """The clients; tests pass others."""

    s3: "S3Client"
    anonymous: "S3Client"  # without credentials
    unknown: "S3Client | None"  # with invented credentials; None at AWS, which checks them
    sts: Any | None  # None where the store is not AWS
    credentials: "Credentials | None"

    @classmethod
    def create(cls, settings: Settings) -> Self:
        session = open_session(settings)
        s3 = create_client(settings)
        anonymous = session.client(
            "s3",
            endpoint_url=settings.s3_endpoint_url,
            region_name=s3.meta.region_name if settings.s3_endpoint_url else settings.aws_region,
            config=client_config(settings).merge(Config(signature_version=UNSIGNED)),
        )
        sts = None
        if settings.s3_endpoint_url is None:
            region = settings.aws_region or "us-east-1"
            sts = session.client("sts", region_name=region, config=Config(connect_timeout=3, read_timeout=5))
        without_endless_redirects(anonymous)
        return cls(s3, anonymous, create_unknown_client(settings), sts, session.get_credentials())


def create_unknown_client(settings: Settings) -> "S3Client | None":
    """Make an anonymous client, which no store should accept."""
    if settings.s3_endpoint_url is None:
        return None
    secret = SecretStr(secrets.token_hex(20))
    keys = {"aws_access_key_id": secrets.token_hex(10), "aws_secret_access_key": secret}
    return create_client(settings.model_copy(update={**keys, "aws_session_token": None, "aws_profile": None}))


def check_unknown_keys(unknown: "S3Client", bucket: str) -> CheckResult:
    """Find out whether the store checks credentials at all."""
    try:
        head_bucket(unknown, bucket)
    except S3_ERRORS:
        return passed("unknown keys", "a key that does not exist is refused")
    return failed("unknown keys", CHECKS_NOBODY)


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Whose credentials they are: as a result, and as an account number where STS says it."""

    result: CheckResult
    account: str | None = None


def check_identity(clients: S3Clients, bucket: str) -> CallerIdentity:
    """Find out whose credentials they are."""
    if clients.credentials is None:
        return CallerIdentity(failed(SUBJECT, NO_KEYS))
    try:
        key = clients.credentials.get_frozen_credentials().access_key
    except S3_ERRORS as error:
        return CallerIdentity(failed(SUBJECT, classify(error, bucket).reason))
    source = SOURCES.get(clients.credentials.method or "", clients.credentials.method)
    credentials = f"access key {key}, from {source}"
    if clients.sts is None:
        return CallerIdentity(passed(SUBJECT, credentials))
    return _ask_sts(clients.sts, credentials, bucket)


def _ask_sts(sts: Any, credentials: str, bucket: str) -> CallerIdentity:
    try:
        caller = sts.get_caller_identity()
    except S3_ERRORS as error:
        problem = classify(error, bucket)
        if isinstance(error, ClientError) and problem.kind is S3ErrorKind.DENIED:
            return CallerIdentity(failed(SUBJECT, f"{credentials}: {problem.reason}"))
        return CallerIdentity(passed(SUBJECT, f"{credentials}; STS did not say whose they are"))
    return CallerIdentity(passed(SUBJECT, f"{credentials}: {caller['Arn']}"), caller["Account"])
