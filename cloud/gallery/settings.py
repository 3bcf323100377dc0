"""The gallery's settings, besides those of the storage."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from common.contract.times import valid_timezone
from common.mqtt import Login
from common.runtime.settings import read_secret_file
from common.web.server import valid_trusted_proxy
from storage.settings import StorageSettings


class Settings(StorageSettings):
    """Where the page is served, who may see it, and what it may do."""

    cloud_broker_host: str = "127.0.0.1"
    cloud_broker_port: int = Field(default=1883, ge=1, le=65535)
    gallery_broker_user: str = "Gallery"  # as enrolment calls it
    gallery_broker_password_file: Path | None = None  # without it there is no login
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    gallery_bind: str = "127.0.0.1"
    gallery_port: int = Field(default=8081, ge=1, le=65535)
    gallery_password: SecretStr = SecretStr("")
    gallery_password_file: Path | None = None
    gallery_listen: str = ""  # set by Compose: the address inside the container; gallery_bind is then the host's
    gallery_trusted_proxy: Annotated[str, AfterValidator(valid_trusted_proxy)] = ""
    gallery_delete: Literal["on", "off"] | None = None  # None: on where a password is set
    gallery_state: Path = Path("/tmp/usbcam-gallery")  # the statuses of edges, and which notifications were sent
    certificates_file: Path = Path("/certificates/dates.json")  # where enrolment writes who is enrolled, until when
    gallery_cache: Path = Path("/tmp/usbcam-thumbnails")
    gallery_cache_mb: int = Field(default=256, ge=1, le=1_000_000)
    notify_urls: SecretStr = SecretStr("")
    notify_visits: Literal["on", "off"] = "on"
    notify_picture: Literal["attach", "link", "none"] = "attach"
    notify_cooldown_minutes: int = Field(default=10, ge=0, le=10_080)
    notify_quiet_hours: str = Field(
        default="",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$",
        description="hours such as 22:00-07:00",
    )
    notify_after_minutes: float = Field(default=1, ge=0, le=10_080)
    notify_backlog: int = Field(default=100, ge=1, le=1_000_000)
    timezone: Annotated[str, AfterValidator(valid_timezone)] = ""
    price_per_1000_puts: float = Field(default=0.005, ge=0)
    price_per_gb_month: float = Field(default=0.023, ge=0)

    def broker_login(self) -> Login | None:
        """Return the login at the broker, if there is one; raises SettingsError."""
        if self.gallery_broker_password_file is None:
            return None
        password = read_secret_file(self.gallery_broker_password_file, "GALLERY_BROKER_PASSWORD_FILE")
        return Login(self.gallery_broker_user, password)

    @property
    def deletion_allowed(self) -> bool:
        """Whoever gave the password may delete, unless GALLERY_DELETE says otherwise."""
        has_password = bool(self.gallery_password.get_secret_value() or self.gallery_password_file)
        return has_password if self.gallery_delete is None else self.gallery_delete == "on"
