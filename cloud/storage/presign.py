"""A link to one picture: whoever has it sees the picture for a while, and the bucket stays private."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from storage.errors import S3_ERRORS, explain
from uploader.settings import Settings
from uploader.store.writer import client_config, head, open_session, status

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LONGEST = timedelta(days=7)  # of a signature, version 4
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
MISSING = 404


class LinkError(Exception):
    """Why there is no link, in a sentence."""


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    until: datetime
    note: str | None  # what may end it earlier


def lifetime(text: str) -> timedelta:
    """Read 7d, 12h or 30m."""
    found = re.fullmatch(r"(\d{1,5})([smhd])", text)
    if not found or int(found[1]) == 0:
        raise ValueError(f"{text} is no time such as 7d, 12h or 30m")
    expires = timedelta(**{UNITS[found[2]]: int(found[1])})
    if expires > LONGEST:
        raise ValueError(f"{text} is more than 7d, and no signature of S3 lives longer")
    return expires


def share(settings: Settings, key: str, expires: timedelta = LONGEST) -> Link:
    """Sign a link to an object that is there."""
    session = open_session(settings)
    client = _client(session, settings, settings.s3_endpoint_url)
    try:
        head(client, settings.s3_bucket, key)
    except S3_ERRORS as error:
        raise LinkError(_missing(error, settings.s3_bucket, key)) from error
    outside = _client(session, settings, settings.s3_public_url or settings.s3_endpoint_url)
    seconds = int(expires.total_seconds())
    wanted = {"Bucket": settings.s3_bucket, "Key": key}
    url = outside.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)
    until = datetime.now(UTC) + expires
    return _bounded(url, until, session.get_credentials())


def _client(session: Any, settings: Settings, endpoint: str | None) -> "S3Client":
    # By default boto3 signs links for us-east-1 in the old way.
    config = client_config(settings).merge(Config(signature_version="s3v4"))
    client: S3Client = session.client("s3", endpoint_url=endpoint, config=config)
    return client


def _bounded(url: str, until: datetime, credentials: Any) -> Link:
    """A link signed with temporary credentials ends with them, whatever it says."""
    if not credentials.get_frozen_credentials().token:
        return Link(url, until, None)
    ends: datetime | None = getattr(credentials, "_expiry_time", None)
    if ends is None:
        return Link(
            url, until, "signed with temporary credentials (AWS_SESSION_TOKEN): it ends when they do, if earlier"
        )
    if ends < until:
        return Link(url, ends, "signed with temporary credentials, which end then; keys of a user give up to 7d")
    return Link(url, until, None)


def _missing(error: Exception, bucket: str, key: str) -> str:
    if isinstance(error, ClientError) and status(error) == MISSING:
        return f"there is no {key} in the bucket {bucket}"
    return explain(error, bucket).sentence
