"""What CAMERA_SOURCE names: a device, a network camera, a file or the synthetic camera."""

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from camera.config.camera_url import UNKNOWN, CameraUrl, parse_url

AUTO = "auto"
SYNTHETIC = "demo"
SERIAL_PREFIX, DEVICE_PREFIX, URL_MARK = "serial:", "/dev/", "://"
PLAIN_PATH = re.compile(r"[\w ./:+,()~-]*")  # what else is in a text may belong to an address and its password
# An address without its :// or its scheme, or with a scheme whose letters are in disorder.
MISTYPED_ADDRESS = re.compile(
    r"^(?:[A-Za-z][\w+.-]*[:;]|(?i:[rthspm]{3,6})[^\w/]{0,2}/|/?[\w-]+(?:\.[\w-]+)+(?::\d+)?/)|^//"
)


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """A camera of this machine: at a device node, with a serial number, or without either, any."""

    text: str = field(compare=False)  # as the user wrote it
    node: PurePosixPath | None = None  # below /dev
    serial: str | None = None

    def __str__(self) -> str:
        return self.text if self.node is None else str(PurePosixPath(DEVICE_PREFIX) / self.node)

    @property
    def is_any(self) -> bool:
        """Whether any camera will do."""
        return self.node is None and self.serial is None

    def node_path(self, devices: Path) -> Path | None:
        """The device node that it names, where `devices` is the host's /dev."""
        return None if self.node is None else devices / self.node


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A network camera."""

    url: str = field(repr=False)  # may hold a password

    @property
    def parsed(self) -> CameraUrl:
        """What was understood of it."""
        return parse_url(self.url)

    def __str__(self) -> str:
        return str(self.parsed)


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A video file."""

    path: Path = field(repr=False)  # or an address that was mistyped, with its password

    def __str__(self) -> str:
        text = str(self.path)
        return text if PLAIN_PATH.fullmatch(text) and not is_like_address(text) else UNKNOWN


@dataclass(frozen=True, slots=True)
class SyntheticSpec:
    """The demo's camera."""

    def __str__(self) -> str:
        return SYNTHETIC


SourceSpec = DeviceSpec | NetworkSpec | FileSpec | SyntheticSpec

ANY_DEVICE = DeviceSpec(AUTO)


def is_like_address(text: str) -> bool:
    """Whether it was probably meant as an address; then a password may stand anywhere in it."""
    return "@" in text or URL_MARK in text or MISTYPED_ADDRESS.search(text) is not None


def parse_source(text: str) -> SourceSpec:
    """Read a CAMERA_SOURCE; whatever is nothing else is a file."""
    if text == SYNTHETIC:
        return SyntheticSpec()
    if URL_MARK in text:
        return NetworkSpec(text)
    return _parse_device(text) or FileSpec(Path(text))


def _parse_device(text: str) -> DeviceSpec | None:
    if text == AUTO:
        return ANY_DEVICE
    if text.isdecimal():
        return DeviceSpec(text, node=PurePosixPath(f"video{text}"))
    if text.startswith(DEVICE_PREFIX):
        return DeviceSpec(text, node=PurePosixPath(text.removeprefix(DEVICE_PREFIX)))
    if text.startswith(SERIAL_PREFIX):
        return DeviceSpec(text, serial=text.removeprefix(SERIAL_PREFIX))
    return None
