"""The uploader's settings: environment and .env, read once."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from common.mqtt import Login
from common.runtime.settings import read_secret_file
from storage.settings import SETTINGS_CONFIG, StorageSettings


class HealthSettings(BaseSettings):
    """What `python -m uploader health` needs, even if other settings are wrong."""

    model_config = SETTINGS_CONFIG

    heartbeat_file: Path = Path("/tmp/usbcam-uploader.json")


class Settings(StorageSettings, HealthSettings):
    """Everything else."""

    model_config = SETTINGS_CONFIG

    cloud_broker_host: str = "127.0.0.1"
    cloud_broker_port: int = Field(default=1883, ge=1, le=65535)
    cloud_broker_user: str = "Uploader"  # as enrolment calls it
    cloud_broker_password_file: Path | None = None  # without it there is no login
    uploaders: int = Field(default=1, ge=1, le=100)
    upload_threads: int = Field(default=64, ge=1, le=256)
    journal_dir: Path = Path("/tmp/usbcam-uploader-journal")  # what is being read, for after a crash
    certificates_file: Path = Path("/certificates/dates.json")  # where enrolment writes the expiry dates
    metrics_bind: str = "127.0.0.1"
    metrics_port: int = Field(default=9102, ge=0, le=65535)  # 0 = no metrics
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def broker_login(self) -> Login | None:
        """Return the login at the broker, if there is one; raises SettingsError."""
        if self.cloud_broker_password_file is None:
            return None
        password = read_secret_file(self.cloud_broker_password_file, "CLOUD_BROKER_PASSWORD_FILE")
        return Login(self.cloud_broker_user, password)
