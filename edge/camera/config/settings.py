"""What the user may set: one class, read once, from the environment and `.env`."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from camera.config.polygons import valid_polygons
from camera.config.schedule import valid_schedule
from camera.config.source_spec import SourceSpec, parse_source
from common.contract.times import valid_timezone
from common.contract.topics import CAMERA_NAME
from common.runtime.settings import ProductSettings
from common.web.server import valid_trusted_proxy


def valid_host(name: str) -> str:
    """Return a name that can be looked up; raises ValueError."""
    name.encode("idna")
    return name


def valid_page(url: str) -> str:
    """Return the address of a page, or nothing; raises ValueError."""
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ValueError(f"{url} is not the address of a page")
    return url


CONTAINER_PORT = 8080  # LIVE_PORT is the host's; Compose maps it to this one


class CameraSettings(ProductSettings):
    """What may be set for each camera; `Settings` adds what all cameras share.

    Each description completes the sentence "NAME=VALUE must be ..." that a wrong value gets.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,  # `NAME=` means the default
        extra="ignore",  # one .env serves every part of the product
        frozen=True,
    )

    camera_source: str = Field(
        default="auto",
        min_length=1,
        repr=False,  # may hold a password, as CAMERAS below
        description="auto, a device (0, /dev/video0, serial:...), a video file, a URL (rtsp, http) or demo",
    )
    camera_name: str = Field(
        default="camera",
        pattern=f"^{CAMERA_NAME.pattern}$",
        description="1 to 63 letters, digits, - and _, the first a letter or digit",
    )
    file_at_end: Literal["stop", "loop"] = Field(default="stop", description="stop or loop")
    frame_width: int = Field(default=1280, ge=64, le=8192, description="a number of pixels from 64 to 8192")
    frame_height: int = Field(default=720, ge=64, le=8192, description="a number of pixels from 64 to 8192")
    frame_rate: float = Field(default=15, gt=0, le=240, description="frames a second, more than 0, at most 240")
    rotate: Literal[0, 90, 180, 270] = Field(default=0, description="0, 90, 180 or 270 degrees, clockwise")
    masks: Annotated[str, AfterValidator(valid_polygons)] = Field(
        default="", description="polygons in shares of the frame, such as 0,0:0.3,0:0.3,1:0,1 with ; between them"
    )
    motion: Literal["on", "off"] = Field(default="on", description="on or off")
    detections_per_second: float = Field(default=10, ge=0.2, le=240, description="frames a second, 0.2 to 240")
    min_face_px: int = Field(default=56, ge=10, le=2000, description="a face height in pixels of the frame, 10 to 2000")
    min_score: float = Field(default=0.7, ge=0.1, le=1, description="a number between 0.1 and 1")
    min_brightness: int = Field(default=12, ge=0, le=100, description="a percentage of white, 0 to 100")
    min_sharpness: int = Field(default=20, ge=0, le=100, description="a number between 0 and 100")
    max_turn: int = Field(default=35, ge=5, le=90, description="degrees, 5 to 90")
    poor_captures: Literal["on", "off"] = Field(default="on", description="on or off")
    capture: Literal["face", "frame"] = Field(default="face", description="face or frame")
    capture_margin: float = Field(default=0.3, ge=0, le=3, description="a share of the face's size, between 0 and 3")
    capture_policy: Literal["best", "every", "interval"] = Field(default="best", description="best, every or interval")
    brighten: Literal["on", "off"] = Field(default="on", description="on or off")
    captures_per_minute: int = Field(default=60, ge=1, le=100_000, description="a number of captures, 1 to 100000")
    capture_interval_seconds: float = Field(default=1, ge=0, le=86400, description="seconds, between 0 and 86400")
    image_format: Literal["png", "jpeg"] = Field(default="png", description="png or jpeg")
    demo_seed: int = Field(default=1, ge=0, description="a whole number, 0 or more")
    demo_visits: int = Field(default=0, ge=0, description="a number of visits, 0 for no end")
    schedule: Annotated[str, AfterValidator(valid_schedule)] = Field(
        default="", description="hours like 08:00-18:00 or mo-fr/08:00-18:00,sa/10:00-14:00"
    )

    @property
    def source(self) -> SourceSpec:
        """What CAMERA_SOURCE names."""
        return parse_source(self.camera_source)


class Settings(CameraSettings):
    """One camera's settings together with those of the host."""

    cameras: str = Field(default="", repr=False, description="NAME=SOURCE for each camera, with spaces between them")
    camera_settings: str = Field(default="", repr=False, description="NAME.SETTING=VALUE, with spaces between them")
    timezone: Annotated[str, AfterValidator(valid_timezone)] = Field(
        default="", description="a name of the time zone database, such as Europe/Berlin"
    )
    device_dir: Path = Field(default=Path("/dev"), description="the folder where the host's /dev is seen")
    mqtt_qos: int = Field(default=1, ge=0, le=2, description="0, 1 or 2")
    edge_broker_host: Annotated[str, AfterValidator(valid_host)] = Field(
        default="127.0.0.1", min_length=1, description="a host name or address"
    )
    edge_broker_port: int = Field(default=1883, ge=1, le=65535, description="a port, 1 to 65535")
    edge_broker_user: str = Field(default="camera", min_length=1, description="a user of the edge broker")
    edge_broker_password_file: Path | None = Field(default=None, description="a file that can be read")
    max_image_mb: int = Field(default=8, ge=1, le=64, description="a number of MiB, 1 to 64, the same as the brokers'")
    spool_dir: Path = Field(default=Path("captures-waiting"), description="a folder that can be written")
    spool_max_mb: int = Field(default=2048, ge=1, description="a whole number of megabytes, at least 1")
    window: int = Field(default=64, ge=1, le=1000, description="a number of captures, 1 to 1000")
    receipts: Literal["on", "off"] = Field(default="on", description="on or off")
    homeassistant: Literal["on", "off"] = Field(default="off", description="on or off")
    live_bind: str = Field(default="127.0.0.1", min_length=1, description="an address of this host")
    live_port: int = Field(default=8080, ge=0, le=65535, description="a port, 1 to 65535, or 0 for no page")
    live_password: SecretStr = Field(default=SecretStr(""), description="a text")
    live_password_file: Path | None = Field(default=None, description="a file that can be read")
    live_trusted_proxy: Annotated[str, AfterValidator(valid_trusted_proxy)] = Field(
        default="", description="the proxy's address or network, such as 172.18.0.1 or 172.16.0.0/12"
    )
    gallery_url: Annotated[str, AfterValidator(valid_page)] = Field(
        default="", description="the gallery's address, such as https://gallery.example.com"
    )
    live_listen: str = Field(default="", description="an address inside the container")
    heartbeat_file: Path = Field(default=Path("/tmp/usbcam-camera.json"), description="a file that can be written")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR"
    )

    @property
    def page_port(self) -> int:
        """Where the live page is for other programs of this host; 0 for nowhere."""
        return CONTAINER_PORT if self.live_listen and self.live_port else self.live_port
