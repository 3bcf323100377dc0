"""The settings of enrolment: the environment and .env, read once."""

import ipaddress
import re
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


class Settings(BaseSettings):
    """The host that edges reach, and where the files are."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    cloud_host: str = Field(description="the name or address by which edges reach this host")
    cloud_port: int = Field(default=8883, ge=1, le=65535)
    cloud_extra_names: str = ""  # more names or addresses for the certificate, with commas
    authority_dir: Path = Path("/authority")  # the CA's key and the registry; for no other service
    identity_dir: Path = Path("/identity")  # what the broker reads
    broker_data_dir: Path = Path("/broker-data")  # where the broker answers
    uploader_password_file: Path = Path("/uploader-login/password")  # the uploader's login at the broker
    gallery_broker_password_file: Path = Path("/gallery-login/password")  # the gallery's, for brokers that ask for one
    certificates_file: Path = Path("/certificates/dates.json")  # for the uploader: when they expire

    @field_validator("cloud_host")
    @classmethod
    def _host(cls, host: str) -> str:
        if ":" in host:  # Mosquitto's bridges take no IPv6 address, only a name for it
            raise ValueError("must be a DNS name or an IPv4 address, without port")
        return _checked(host)

    @field_validator("cloud_extra_names")
    @classmethod
    def _names(cls, names: str) -> str:
        return ",".join(_checked(name.strip()) for name in names.split(",") if name.strip())

    @property
    def server_names(self) -> list[str]:
        """Every name by which an edge may reach the broker, the main one first."""
        return [self.cloud_host, *filter(None, self.cloud_extra_names.split(","))]


def _checked(host: str) -> str:
    if not is_address(host) and not _is_name(host):
        raise ValueError("must be a DNS name or an IP address, without port")
    return host


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_name(host: str) -> bool:
    labels = host.split(".")
    return len(host) < 254 and all(LABEL.fullmatch(label) for label in labels) and not labels[-1].isdecimal()  # noqa: PLR2004
