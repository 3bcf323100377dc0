"""Which video devices this machine has, which of them is meant, and which camera has which."""

import errno
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from camera.config.source_spec import DeviceSpec
from camera.sources.v4l2.device import Capabilities, V4l2Device, VideoNode, printable
from camera.sources.v4l2.errors import host_path

LEVELS_UP_TO_USB = 4  # from a video device in /sys to the USB device that has the serial number
GRANT_SECONDS, GRANT_POLL_SECONDS = 2.0, 0.1  # until udev has given a new node to its group
UNTOUCHED_SECONDS = 10.0  # the same where udev has not even begun: that of a busy machine is late
FOR_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class VideoDevice:
    """A video device node, and what is known about the camera behind it."""

    node: Path
    name: str  # the node's, as the host knows it
    capabilities: Capabilities
    serial: str  # empty where the camera has none
    product: str  # USB vendor and product, like 046d:082d; empty where it is not on USB
    first: bool  # of the nodes of its camera

    def same_port(self, other: "VideoDevice") -> bool:
        """Whether it is the same camera at the same port."""
        return self.same_device(other) and self.capabilities.bus == other.capabilities.bus

    def same_device(self, other: "VideoDevice") -> bool:
        """Whether it is the same camera, whatever its number; without a serial the port must be the same."""
        mine, theirs = self.capabilities, other.capabilities
        alike = (self.product, self.serial, mine.card) == (other.product, other.serial, theirs.card)
        return alike and (bool(self.serial) or mine.bus == theirs.bus)


@dataclass(frozen=True, slots=True)
class InaccessibleDevice:
    """A node that cannot be opened or queried, and what is known about it all the same."""

    node: Path
    error: OSError
    serial: str = ""  # empty where the camera has none
    product: str = ""  # empty where it is not on USB
    first: bool = True  # of the nodes of its camera

    @property
    def awaits_grant(self) -> bool:
        """Whether it is so new that udev may not have given it to its group yet."""
        try:
            status = self.node.stat()
        except OSError:
            return False
        untouched = status.st_gid == 0 and not status.st_mode & FOR_OTHERS  # as the kernel makes it
        age = abs(time.time() - status.st_ctime)
        return self.error.errno == errno.EACCES and age < (UNTOUCHED_SECONDS if untouched else GRANT_SECONDS)


class DeviceRegistry:
    """A machine's video devices, and which camera claims which. Made once per process, shared by its cameras."""

    def __init__(
        self, devices: Path, sysfs: Path = Path("/sys"), open_node: Callable[[Path], VideoNode] = V4l2Device
    ) -> None:
        """`devices`, `sysfs`: where this process sees the host's /dev and /sys; `open_node` opens a node."""
        self.devices, self._sysfs, self.open_node = devices, sysfs, open_node
        self._claims: dict[str, VideoDevice] = {}
        self._lock = threading.Lock()

    def inspect(self, node: Path) -> VideoDevice:
        """Query one node; raises OSError."""
        opened = self.open_node(node)
        try:
            capabilities = opened.capabilities()
        finally:
            opened.close()
        name = host_path(node.resolve(), self.devices.resolve())
        return VideoDevice(node, name, capabilities, *self._known(node))

    def inspect_all(self) -> Iterator[VideoDevice | InaccessibleDevice]:
        """Query every node."""
        for node in list_nodes(self.devices):
            try:
                yield self.inspect(node)
            except OSError as error:
                yield InaccessibleDevice(node, error, *self._known(node))

    def inspect_granted(self, stop: threading.Event) -> list[VideoDevice | InaccessibleDevice]:
        """Query every node, once udev has given those that are new to their group, or `stop` is set."""
        while True:
            found = list(self.inspect_all())
            awaited = any(each.awaits_grant for each in found if isinstance(each, InaccessibleDevice))
            if not awaited or stop.wait(GRANT_POLL_SECONDS):
                return found

    def claim(self, owner: str, device: VideoDevice) -> None:
        """Note that this camera had the device open last."""
        with self._lock:
            self._claims[owner] = device

    def claimed_by_another(self, owner: str, device: VideoDevice) -> bool:
        """Whether another camera had it open last: manufacturers give two cameras the same serial."""
        with self._lock:
            return any(device.same_port(theirs) for who, theirs in self._claims.items() if who != owner)

    def _known(self, node: Path) -> tuple[str, str, bool]:
        """Serial and product of the camera behind a node, and whether it is the camera's first, without opening it."""
        info = _sysfs_info(self._sysfs / "class/video4linux" / node.resolve().name)
        return info["serial"], info["product"], info["index"] in {"", "0"}


def list_nodes(devices: Path) -> list[Path]:
    """The video device nodes that exist, by number."""
    numbered = [(int(path.name[5:]), path) for path in devices.glob("video*") if re.fullmatch(r"video\d+", path.name)]
    return [path for _, path in sorted(numbered)]


def device_fingerprint(devices: Path) -> frozenset[tuple[str, int, int]]:
    """What changes when a camera comes or goes, or its node is given to another group. Cheap."""
    found = []
    for path in (*list_nodes(devices), *devices.glob("v4l/by-*")):
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((path.name, status.st_rdev, status.st_ctime_ns))
    return frozenset(found)


def candidates(
    spec: DeviceSpec, found: Iterable[VideoDevice | InaccessibleDevice], last: VideoDevice | None
) -> list[VideoDevice]:
    """The devices that CAMERA_SOURCE may mean, the likeliest first; `last` is the one that was open before."""
    devices = [device for device in found if isinstance(device, VideoDevice) and device.capabilities.captures]
    if spec.serial is not None:
        devices = [device for device in devices if device.serial == spec.serial]
    # Of two alike cameras whose manufacturer gave them the same serial, the one at the same port comes first.
    return sorted(
        devices,
        key=lambda device: (
            not (last and device.same_device(last)),
            not (last and device.capabilities.bus == last.capabilities.bus),
            not device.product,  # boards have their own nodes, numbered before those of USB cameras
            not device.first,
        ),
    )


def shared_serials(found: Iterable[VideoDevice | InaccessibleDevice], devices: Path) -> Iterator[str]:
    """A sentence for each serial that several cameras have: their manufacturer gave it to all of them."""
    cameras = [each for each in found if isinstance(each, VideoDevice) and each.capabilities.captures and each.serial]
    ports = {(camera.serial, camera.capabilities.bus) for camera in cameras}
    for serial, times in Counter(serial for serial, _ in ports).items():
        if times > 1:
            alike = {camera.node.resolve() for camera in cameras if camera.serial == serial}
            links = sorted(link for link in devices.glob("v4l/by-path/*") if link.resolve() in alike)
            named = ", ".join(f"/dev/v4l/by-path/{link.name}" for link in links) or "/dev/v4l/by-path/..."
            yield f"{times} cameras have the serial {serial}: name each by its port, {named}."


def _sysfs_info(entry: Path) -> dict[str, str]:
    """What /sys says about a video device: its index among its camera's nodes, serial, vendor and product."""
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
        return printable(file.read_text(encoding="utf-8", errors="replace").strip())
    except OSError:
        return ""
