"""Which cameras are plugged in, and which of them is meant."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from camera.sources.v4l2.errors import host_path
from camera.sources.v4l2.ioctl import Capabilities, V4l2Device, VideoNode

AUTO = "auto"
SERIAL = "serial:"
LEVELS_UP_TO_USB = 4  # from a video device in /sys to the USB device that has the serial number


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a machine shows its cameras, and how one is opened."""

    devices: Path
    sys: Path = Path("/sys")
    open_node: Callable[[Path], VideoNode] = V4l2Device
    claims: dict[int, "VideoDevice"] = field(default_factory=dict)  # which camera is whose, of those that look for one


@dataclass(frozen=True, slots=True)
class VideoDevice:
    """A node that captures, and what is known of the camera behind it."""

    node: Path
    name: str  # the node's, as the host knows it
    identity: Capabilities
    serial: str  # empty where the camera has none
    product: str  # USB vendor and product, like 046d:082d; empty where it is not on USB
    first: bool  # of the nodes of its camera

    def same_port(self, other: "VideoDevice") -> bool:
        """Whether it is the same camera at the same port."""
        return self.same_device(other) and self.identity.bus == other.identity.bus

    def same_device(self, other: "VideoDevice") -> bool:
        """Whether it is the same camera, whatever its number; without a serial the port must be the same."""
        alike = (self.product, self.serial, self.identity.card) == (other.product, other.serial, other.identity.card)
        return alike and (bool(self.serial) or self.identity.bus == other.identity.bus)


@dataclass(frozen=True, slots=True)
class InaccessibleDevice:
    """A node that cannot be looked at."""

    node: Path
    error: OSError


def is_device(source: str) -> bool:
    """Whether CAMERA_SOURCE means a camera of this machine."""
    return source == AUTO or source.isdecimal() or source.startswith(("/dev/", SERIAL))


def node_path(source: str, devices: Path) -> Path | None:
    """The node that a source names (`0`, `/dev/video0`, `/dev/v4l/by-id/...`), below `devices`."""
    if source.isdecimal():
        return devices / f"video{source}"
    return devices / source.removeprefix("/dev/") if source.startswith("/dev/") else None


def nodes(devices: Path) -> list[Path]:
    """The video nodes that there are, by number."""
    numbered = [(int(path.name[5:]), path) for path in devices.glob("video*") if re.fullmatch(r"video\d+", path.name)]
    return [path for _, path in sorted(numbered)]


def device_fingerprint(devices: Path) -> frozenset[tuple[str, int, int]]:
    """What changes when a camera comes or goes, or its node is given to another group. Cheap."""
    found = []
    for path in (*nodes(devices), *devices.glob("v4l/by-*")):
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((path.name, status.st_rdev, status.st_ctime_ns))
    return frozenset(found)


def inspect(node: Path, machine: Machine) -> VideoDevice:
    """Ask a node who it is; raises OSError."""
    opened = machine.open_node(node)
    try:
        identity = opened.capabilities()
    finally:
        opened.close()
    real = node.resolve()
    about = _sysfs_info(machine.sys / "class/video4linux" / real.name)
    name = host_path(real, machine.devices.resolve())
    return VideoDevice(node, name, identity, about["serial"], about["product"], first=about["index"] in {"", "0"})


def inspect_all(machine: Machine) -> Iterator[VideoDevice | InaccessibleDevice]:
    """Ask every node who it is."""
    for node in nodes(machine.devices):
        try:
            yield inspect(node, machine)
        except OSError as error:
            yield InaccessibleDevice(node, error)


def candidates(
    source: str, found: Iterable[VideoDevice | InaccessibleDevice], last: VideoDevice | None
) -> list[VideoDevice]:
    """The cameras that CAMERA_SOURCE may mean, the likeliest first; `last` is the one that was open before."""
    cameras = [camera for camera in found if isinstance(camera, VideoDevice) and camera.identity.captures]
    if source.startswith(SERIAL):
        serial = source.removeprefix(SERIAL)
        cameras = [camera for camera in cameras if camera.serial == serial]
    # Of two alike cameras, whose makers gave them the same serial, the one at the same port.
    return sorted(
        cameras,
        key=lambda camera: (
            not (last and camera.same_device(last)),
            not (last and camera.identity.bus == last.identity.bus),
            not camera.product,  # boards have nodes of their own, before those of USB cameras
            not camera.first,
        ),
    )


def _sysfs_info(entry: Path) -> dict[str, str]:
    """What /sys knows of a video device: the number of the node within its camera, serial, vendor and product."""
    found = {"index": _read(entry / "index"), "serial": "", "product": ""}
    try:
        device = (entry / "device").resolve(strict=True)
    except OSError:
        return found
    for folder in (device, *device.parents[:LEVELS_UP_TO_USB]):
        vendor = _read(folder / "idVendor")
        if vendor:
            product = f"{vendor}:{_read(folder / 'idProduct')}"
            return found | {"serial": _read(folder / "serial"), "product": product}
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
