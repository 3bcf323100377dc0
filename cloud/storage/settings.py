"""S3_* and AWS_*: where the bucket is, who asks for it, and how objects are written."""

import re
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from common.runtime.settings import ProductSettings
from storage.keys.template import DEFAULT_TEMPLATE, validate_template

# Names that S3 can never have are refused at the start: no later retry would fix them.
BUCKET_NAME = re.compile(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
ACCESS_POINT_ARN = re.compile(
    r"arn:[a-z-]+:s3[a-z-]*:[a-z0-9-]*:\d{12}:(accesspoint|outpost)[/:][A-Za-z0-9./:-]{1,150}"
)
# What the providers' host names have after the bucket: s3.eu-west-1.amazonaws.com, nyc3.digitaloceanspaces.com.
OBJECT_STORE_HOST = re.compile(r"^(s3|oss|obs|cos|storage)[.-]|\.s3[.-]|spaces\.|objects?\.|storage\.|amazonaws\.")
MAX_IMAGE_PIXELS = 50_000_000
ChecksumPolicy = Literal["when_supported", "when_required"]
SETTINGS_CONFIG = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)


class StorageSettings(ProductSettings):
    """What uploader and gallery have in common."""

    model_config = SETTINGS_CONFIG

    s3_bucket: str
    s3_endpoint_url: str | None = None  # None = AWS
    s3_key_template: str = DEFAULT_TEMPLATE
    s3_sse: Literal["AES256", "aws:kms"] | None = None
    s3_kms_key_id: str | None = None
    s3_retention_days: int | None = Field(default=None, ge=0, le=36_500)  # 0 = indefinitely, None = the bucket's own
    s3_public_url: str | None = None  # the store as a browser reaches it, for presigned URLs
    s3_storage_class: str = Field(default="STANDARD", pattern=r"^[A-Z_]+$")
    max_image_pixels: int = Field(default=MAX_IMAGE_PIXELS, ge=1)  # of what is stored, and of what is shown
    aws_region: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    aws_profile: str | None = None
    # None = "when_supported" at AWS; elsewhere "when_required", since some stores keep the checksum in the object.
    aws_request_checksum_calculation: ChecksumPolicy | None = None
    aws_response_checksum_validation: ChecksumPolicy | None = None

    @field_validator("s3_bucket")
    @classmethod
    def _bucket(cls, name: str) -> str:
        if not BUCKET_NAME.fullmatch(name) and not ACCESS_POINT_ARN.fullmatch(name):
            raise ValueError("must be a bucket's name, 3 to 63 of a-z, 0-9, - and ., or an access point's ARN")
        return name

    @field_validator("s3_endpoint_url", "s3_public_url")
    @classmethod
    def _endpoint(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "http://aws")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be a URL such as http://store:8333")
        return url

    @field_validator("s3_key_template")
    @classmethod
    def _template(cls, template: str) -> str:
        return validate_template(template)

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if bool(self.aws_access_key_id) != bool(self.aws_secret_access_key):
            raise ValueError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together")
        if self.s3_kms_key_id and self.s3_sse != "aws:kms":
            raise ValueError("S3_KMS_KEY_ID needs S3_SSE=aws:kms")
        without = endpoint_without_bucket(self.s3_endpoint_url or "", self.s3_bucket)
        if without:
            raise ValueError(f"S3_ENDPOINT_URL has the bucket {self.s3_bucket} in it already; set it to {without}")
        return self

    @property
    def request_checksums(self) -> ChecksumPolicy:
        """Whether uploads carry a checksum as well as the signature."""
        return self.aws_request_checksum_calculation or self._default_checksums

    @property
    def response_checksums(self) -> ChecksumPolicy:
        """Whether what is read is compared with the checksum that the store has of it."""
        return self.aws_response_checksum_validation or self._default_checksums

    @property
    def _default_checksums(self) -> ChecksumPolicy:
        return "when_required" if self.s3_endpoint_url else "when_supported"


def endpoint_without_bucket(url: str, bucket: str) -> str | None:
    """Say what S3_ENDPOINT_URL should be if it names the bucket, in its path or in a host name of a known kind."""
    parts = urlsplit(url)
    folder, slash, last = parts.path.rstrip("/").rpartition("/")
    if slash and last == bucket:
        return f"{parts.scheme}://{parts.netloc}{folder}"
    rest = parts.netloc.removeprefix(f"{bucket}.")
    if rest != parts.netloc and OBJECT_STORE_HOST.search(rest):
        return f"{parts.scheme}://{rest}{parts.path}".rstrip("/")
    return None
