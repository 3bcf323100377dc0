"""Who we are to S3, and by what clients we ask it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, failed, passed
from storage.client import client_config, create_client, open_session
from storage.errors import S3_ERRORS, S3ErrorKind, classify
from uploader.settings import Settings

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_s3 import S3Client

NO_KEYS = "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role"
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
class Access:
    """The clients; tests give others."""

    s3: "S3Client"
    stranger: "S3Client"  # without credentials
    sts: Any | None  # None where the store is not AWS
    credentials: "Credentials | None"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose credentials they are, as a line and as an account's number."""

    result: CheckResult
    account: str | None = None


def access(settings: Settings) -> Access:
    session = open_session(settings)
    s3 = create_client(settings)
    stranger = session.client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        region_name=s3.meta.region_name if settings.s3_endpoint_url else settings.aws_region,
        config=client_config(settings).merge(Config(signature_version=UNSIGNED)),
    )
    sts = None
    if settings.s3_endpoint_url is None:
        region = settings.aws_region or "us-east-1"
        sts = session.client("sts", region_name=region, config=Config(connect_timeout=3, read_timeout=5))
    return Access(s3, stranger, sts, session.get_credentials())


def identity(access: Access, bucket: str) -> Identity:
    """Tell whose the credentials are."""
    if access.credentials is None:
        return Identity(failed("credentials", NO_KEYS))
    try:
        key = access.credentials.get_frozen_credentials().access_key
    except S3_ERRORS as error:
        return Identity(failed("credentials", classify(error, bucket).reason))
    source = SOURCES.get(access.credentials.method or "", access.credentials.method)
    told = f"access key {key}, from {source}"
    if access.sts is None:
        return Identity(passed("credentials", told))
    return _owner(access.sts, told, bucket)


def _owner(sts: Any, told: str, bucket: str) -> Identity:
    try:
        caller = sts.get_caller_identity()
    except S3_ERRORS as error:
        reason = classify(error, bucket)
        if isinstance(error, ClientError) and reason.kind is S3ErrorKind.DENIED:
            return Identity(failed("credentials", f"{told}: {reason.reason}"))
        return Identity(passed("credentials", f"{told}; whose they are STS did not tell"))
    return Identity(passed("credentials", f"{told}: {caller['Arn']}"), caller["Account"])
