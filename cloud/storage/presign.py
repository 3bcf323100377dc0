"""Presigned URLs: whoever has one sees one image for a while, and the bucket stays private."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from storage.answers.answer import http_status
from storage.client import client_config, head_object, open_session
from storage.errors import S3_ERRORS, classify
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_EXPIRY = timedelta(days=7)  # of a version 4 signature
DEFAULT_EXPIRY = "7d"
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NOT_FOUND = 404


class PresignError(Exception):
    """Why there is no URL, in one sentence."""


@dataclass(frozen=True, slots=True)
class PresignedUrl:
    url: str
    expires_at: datetime  # aware, UTC
    note: str | None  # what may end it earlier

    def to_json(self) -> dict[str, str | None]:
        """As the gallery's page reads it."""
        expires_at = self.expires_at.astimezone(UTC).isoformat(timespec="seconds")
        return {"url": self.url, "expires_at": expires_at, "note": self.note}


def parse_duration(text: str) -> timedelta:
    """Read 7d, 12h, 30m or 90s, at most MAX_EXPIRY; raises ValueError."""
    found = re.fullmatch(r"(\d{1,5})([smhd])", text)
    if not found or int(found[1]) == 0:
        raise ValueError(f"{text} is not a duration such as 7d, 12h or 30m")
    expires = timedelta(**{UNITS[found[2]]: int(found[1])})
    if expires > MAX_EXPIRY:
        raise ValueError(f"{text} is more than 7d, the longest that an S3 signature is valid")
    return expires


def presign(settings: StorageSettings, key: str, expires: timedelta = MAX_EXPIRY) -> PresignedUrl:
    """Sign a URL for an object that exists; raises PresignError if it cannot be found."""
    session = open_session(settings)
    client = _client(session, settings, settings.s3_endpoint_url)
    try:
        head_object(client, settings.s3_bucket, key)
    except S3_ERRORS as error:
        raise PresignError(_missing(error, settings.s3_bucket, key)) from error
    return Presigner(settings).sign(key, expires)


class Presigner:
    """Signs any number of URLs with the same credentials, without asking whether the objects exist."""

    def __init__(self, settings: StorageSettings) -> None:
        session = open_session(settings)
        self._client = _client(session, settings, settings.s3_public_url or settings.s3_endpoint_url)
        self._bucket, self._credentials = settings.s3_bucket, session.get_credentials()

    def sign(self, key: str, expires: timedelta) -> PresignedUrl:
        parameters = {"Bucket": self._bucket, "Key": key}
        seconds = int(expires.total_seconds())
        url = self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
        return _bounded(url, datetime.now(UTC) + expires, self._credentials)


def _client(session: Any, settings: StorageSettings, endpoint: str | None) -> "S3Client":
    # By default boto3 signs URLs for us-east-1 with the old signature version.
    config = client_config(settings).merge(Config(signature_version="s3v4"))
    client: S3Client = session.client("s3", endpoint_url=endpoint, config=config)
    return client


def _bounded(url: str, expires_at: datetime, credentials: Any) -> PresignedUrl:
    """Note that a URL signed with temporary credentials ends with them, whatever it says."""
    if not credentials.get_frozen_credentials().token:
        return PresignedUrl(url, expires_at, None)
    credentials_end: datetime | None = getattr(credentials, "_expiry_time", None)
    if credentials_end is None:
        note = "signed with temporary credentials (AWS_SESSION_TOKEN): it expires when they do, if that is earlier"
        return PresignedUrl(url, expires_at, note)
    if credentials_end < expires_at:
        note = "signed with temporary credentials, which expire then; a user's access keys allow up to 7d"
        return PresignedUrl(url, credentials_end, note)
    return PresignedUrl(url, expires_at, None)


def _missing(error: Exception, bucket: str, key: str) -> str:
    if isinstance(error, ClientError) and http_status(error) == NOT_FOUND:
        return f"there is no {key} in the bucket {bucket}"
    return classify(error, bucket).message
