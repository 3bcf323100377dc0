"""What the uploader is told: the environment and .env, read once."""

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage.keys import DEFAULT_TEMPLATE, check_template

# What S3 can never have is refused here: nothing that happens later would mend it.
BUCKET = re.compile(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
WAY_TO_BUCKET = re.compile(r"arn:[a-z-]+:s3[a-z-]*:[a-z0-9-]*:\d{12}:(accesspoint|outpost)[/:][A-Za-z0-9./:-]{1,150}")
CONFIG = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)


class HealthSettings(BaseSettings):
    """What `python -m uploader health` needs, whatever else is set wrong."""

    model_config = CONFIG

    heartbeat_file: Path = Path("/tmp/usbcam-uploader.json")


class Settings(HealthSettings):
    """Everything else."""

    cloud_broker_host: str = "127.0.0.1"
    cloud_broker_port: int = Field(default=1883, ge=1, le=65535)
    s3_bucket: str
    s3_endpoint_url: str | None = None  # None = AWS
    s3_key_template: str = DEFAULT_TEMPLATE
    s3_sse: Literal["AES256", "aws:kms"] | None = None
    s3_kms_key_id: str | None = None
    s3_retention_days: int | None = Field(default=None, ge=0, le=36_500)  # 0 = for ever, None = as the bucket has it
    s3_public_url: str | None = None  # the store as a browser reaches it, for links
    s3_storage_class: str = Field(default="STANDARD", pattern=r"^[A-Z_]+$")
    aws_region: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    aws_profile: str | None = None
    uploaders: int = Field(default=1, ge=1, le=100)
    upload_threads: int = Field(default=16, ge=1, le=64)
    max_image_pixels: int = Field(default=50_000_000, ge=1)
    certificates_file: Path = Path("/certificates/dates.json")  # where enrolment writes when they end
    metrics_bind: str = "127.0.0.1"
    metrics_port: int = Field(default=9102, ge=0, le=65535)  # 0 = no metrics
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("s3_bucket")
    @classmethod
    def _bucket(cls, name: str) -> str:
        if not BUCKET.fullmatch(name) and not WAY_TO_BUCKET.fullmatch(name):
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
        return check_template(template)

    @field_validator("log_level", mode="before")
    @classmethod
    def _level(cls, level: str) -> str:
        return level.upper()

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if bool(self.aws_access_key_id) != bool(self.aws_secret_access_key):
            raise ValueError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together")
        if self.s3_kms_key_id and self.s3_sse != "aws:kms":
            raise ValueError("S3_KMS_KEY_ID needs S3_SSE=aws:kms")
        return self


def sentences(error: ValidationError) -> list[str]:
    """Say what is wrong, one sentence for each setting."""
    return [
        _sentence(
            str(wrong["loc"][0]).upper() if wrong["loc"] else "",
            wrong["input"],
            wrong["msg"],
        )
        for wrong in error.errors()
    ]


def _sentence(name: str, value: object, message: str) -> str:
    problem = message.removeprefix("Value error, ").replace("Input should", "must")
    if not name:
        return f"{problem}; set it in .env"
    if message == "Field required":
        return f"{name} is not set; set it in .env"
    shown = name if re.search("SECRET|TOKEN", name) else f"{name}={value}"
    return f"{shown} {problem}; set it in .env"
