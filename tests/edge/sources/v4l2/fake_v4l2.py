"""A machine whose cameras behave, and misbehave, as real ones do; its folders are real, its kernel is played."""

import errno
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from camera.sources.v4l2.device import Buffer, Capabilities, CaptureFormat
from camera.sources.v4l2.discovery import DeviceRegistry

BYTES_A_PIXEL = {"MJPG": 0, "YUYV": 2, "UYVY": 2, "YVYU": 2, "Y16 ": 2, "BGR3": 3, "RGB3": 3}
ALL_SIZES = ((1280, 720), (640, 480), (320, 240))
SECONDS = 30.0  # no call is stuck for longer, or no test would end


@dataclass(eq=False)
class FakeCamera:
    """A webcam with a capture node and a metadata node. What is set here while it is open takes effect at once."""

    card: str = "HD Webcam C615"
    serial: str = "A1B2C3"
    bus: str = "usb-0000:00:14.0-1"
    on_usb: bool = True
    sizes: dict[str, tuple[tuple[int, int], ...]] = field(
        default_factory=lambda: {"YUYV": ALL_SIZES, "MJPG": ALL_SIZES}
    )
    rates: tuple[float, ...] = (30.0, 15.0, 7.5)
    bandwidth: float = float("inf")  # pixels a second for which there is room on the bus
    spoil: Callable[[bytes], bytes] = bytes  # what happens to an image on its way
    sets_instead: str | None = None  # the pixel format that it sets whatever is asked
    multi_planar: bool = False  # its node is one of those
    ahead: float = 0.0  # seconds by which its time stamps are in the future, as vivid's are
    silent: bool = False
    frozen: bool = False
    repeats: bool = False  # gives the frame before again, as a success
    clock: bool = True  # whether it stamps frames with the monotonic clock
    damaged: bool = False  # the driver marks its frames as incomplete
    skips: int = 0  # frames that get lost before each that comes
    fails: dict[str, int] = field(default_factory=dict)  # a call, and the error that it ends with
    stuck: set[str] = field(default_factory=set)  # calls that do not come back
    calls: list[str] = field(default_factory=list)
    plugged: bool = False
    owner: "FakeNode | None" = None  # who streams
    freed: threading.Event = field(default_factory=threading.Event)  # ends what is stuck

    def enter(self, call: str) -> None:
        """Do what every call does first."""
        self.calls.append(call)
        if call in self.stuck:
            self.freed.wait(SECONDS)
        if not self.plugged:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        if call in self.fails:
            raise OSError(self.fails[call], os.strerror(self.fails[call]))


class FakeMachine:
    """Cameras are plugged into it and pulled out; nodes get the lowest numbers that nobody holds."""

    def __init__(self, folder: Path) -> None:
        self.devices, self.sys = folder / "dev", folder / "sys"
        self.devices.mkdir(parents=True)
        (self.devices / "v4l/by-id").mkdir(parents=True)
        self.open_nodes: set[FakeNode] = set()
        self._nodes: dict[Path, tuple[FakeCamera, bool]] = {}

    @property
    def registry(self) -> DeviceRegistry:
        """A new one each time; cameras that share one are told so."""
        return DeviceRegistry(self.devices, self.sys, self.open)

    def plug(self, camera: FakeCamera) -> Path:
        """Make its nodes; return the one that captures."""
        camera.plugged = True
        camera.freed.clear()
        capture = self._make(camera, captures=True)
        self._make(camera, captures=False)
        link = self.devices / f"v4l/by-id/usb-{camera.card.replace(' ', '_')}_{camera.serial}-video-index0"
        link.unlink(missing_ok=True)  # of two cameras with one name, the later one has it
        link.symlink_to(f"../../{capture.name}")
        return capture

    def unplug(self, camera: FakeCamera) -> None:
        """Take its nodes away. Whoever has one open finds out at the next call."""
        camera.plugged = False
        camera.freed.set()
        for node in [node for node, (owner, _) in self._nodes.items() if owner is camera]:
            del self._nodes[node]
            node.unlink()
            (self.sys / "class/video4linux" / node.name / "index").unlink()
            (self.sys / "class/video4linux" / node.name / "device").unlink()
        for link in (self.devices / "v4l/by-id").iterdir():
            if not link.exists():
                link.unlink()

    def open(self, path: Path) -> "FakeNode":
        """Open a node, as the kernel does."""
        real = path.resolve()
        if real not in self._nodes:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        camera, captures = self._nodes[real]
        camera.enter("open")
        node = FakeNode(self, real, camera, captures=captures)
        self.open_nodes.add(node)
        return node

    def _make(self, camera: FakeCamera, *, captures: bool) -> Path:
        held = {node.path for node in self.open_nodes} | set(self._nodes)
        path = next(p for n in range(64) if (p := self.devices / f"video{n}") not in held)
        self._nodes[path] = (camera, captures)
        device = self.sys / f"devices/{camera.bus}"
        interface = device / f"{camera.bus}:1.0"
        interface.mkdir(parents=True, exist_ok=True)
        for name, content in {"idVendor": "046d", "idProduct": "082c", "serial": camera.serial}.items():
            if content and camera.on_usb:
                (device / name).write_text(f"{content}\n")
        entry = self.sys / "class/video4linux" / path.name
        entry.mkdir(parents=True, exist_ok=True)
        (entry / "index").write_text("0\n" if captures else "1\n")
        (entry / "device").symlink_to(interface)
        path.touch()
        path.chmod(0o660)
        return path


class FakeNode:
    """One open node."""

    def __init__(self, machine: FakeMachine, path: Path, camera: FakeCamera, *, captures: bool) -> None:
        self.path = path
        self._machine, self._camera, self._captures = machine, camera, captures
        self._format = CaptureFormat("YUYV", 640, 480, 30)
        self._images: list[bytes] = []
        self._sequence = -1
        self._due = 0.0
        self._last: Buffer | None = None

    def capabilities(self) -> Capabilities:
        self._camera.enter("capabilities")
        planar = self._captures and self._camera.multi_planar
        return Capabilities("uvcvideo", self._camera.card, self._camera.bus, self._captures and not planar, planar)

    def pixel_formats(self) -> list[str]:
        self._camera.enter("pixel_formats")
        return list(self._camera.sizes)

    def frame_sizes(self, fourcc: str) -> list[tuple[int, int]]:
        self._camera.enter("frame_sizes")
        return list(self._camera.sizes[fourcc])

    def set_format(self, wanted: CaptureFormat) -> CaptureFormat:
        """Settle for the nearest, and call that a success."""
        self._camera.enter("set_format")
        if self._camera.owner not in {None, self}:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        fourcc = self._camera.sets_instead or (wanted.fourcc if wanted.fourcc in self._camera.sizes else "YUYV")
        width, height = min(
            self._camera.sizes.get(fourcc, ALL_SIZES),
            key=lambda size: abs(size[0] * size[1] - wanted.width * wanted.height),
        )
        rate = min(self._camera.rates, key=lambda rate: abs(rate - wanted.rate))
        self._format = CaptureFormat(fourcc, width, height, rate, stride=BYTES_A_PIXEL.get(fourcc, 1) * width)
        return self._format

    def start(self, buffers: int) -> None:
        self._camera.enter("start")
        assert buffers > 1
        if self._format.width * self._format.height * self._format.rate > self._camera.bandwidth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._camera.owner = self
        self._images = encoded_images(self._format)
        self._due = time.monotonic()

    def stop(self) -> None:
        self._camera.enter("stop")
        self._release()

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for the next frame, or the end of the camera."""
        until = time.monotonic() + timeout_seconds
        while time.monotonic() < until:
            if "wait" in self._camera.stuck:
                self._camera.enter("wait")
            if not self._camera.plugged or (time.monotonic() >= self._due and not self._camera.silent):
                return True
            self._camera.freed.wait(0.002)
        return False

    def dequeue(self) -> Buffer | None:
        self._camera.enter("dequeue")
        if self._camera.repeats and self._last is not None:
            return self._last
        if not self._camera.frozen:
            self._sequence += 1 + self._camera.skips
        self._due = time.monotonic() + 1 / self._format.rate
        content = self._camera.spoil(self._images[self._sequence % len(self._images)])
        stamp = time.monotonic() - 0.02 + self._camera.ahead if self._camera.clock else None
        self._last = Buffer(content, stamp, self._sequence, self._camera.damaged)
        return self._last

    def close(self) -> None:
        self._release()
        self._machine.open_nodes.discard(self)

    def _release(self) -> None:
        if self._camera.owner is self:
            self._camera.owner = None


_made: dict[CaptureFormat, list[bytes]] = {}


def encoded_images(capture_format: CaptureFormat) -> list[bytes]:
    """A few images that differ, as a camera would send them."""
    if capture_format not in _made:
        noise = np.random.default_rng(1)
        images = [
            noise.integers(n * 20, n * 20 + 40, (capture_format.height, capture_format.width, 3), np.uint8)
            for n in range(4)
        ]
        _made[capture_format] = [as_sent(image, capture_format.fourcc)[0] for image in images]
    return _made[capture_format]


PLANES = {"NV12": "NV", "NV21": "NV", "YU12": "I420", "YV12": "YV12"}
PACKED = {"YUYV": cv2.COLOR_BGR2YUV_YUYV, "UYVY": cv2.COLOR_BGR2YUV_UYVY, "YVYU": cv2.COLOR_BGR2YUV_YVYU}


def as_sent(image: cv2.typing.MatLike, fourcc: str, padding: int = 0) -> tuple[bytes, int]:
    """An image as a camera sends it, and its bytes a line; `padding` bytes behind each line."""
    height, width = image.shape[:2]
    if fourcc in {"MJPG", "JPEG"}:
        return cv2.imencode(".jpg", image)[1].tobytes(), 0
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if fourcc in PLANES:
        flat = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).reshape(-1)
        luma, blue, red = np.split(flat, [width * height, width * height * 5 // 4])
        first, second = (red, blue) if fourcc in {"NV21", "YV12"} else (blue, red)
        if fourcc.startswith("NV"):
            planes = [(luma, width), (np.stack([first, second], axis=1).reshape(-1), width)]
        else:
            planes = [(luma, width), (first, width // 2), (second, width // 2)]
        lines = [(plane.reshape(-1, size), padding * size // width) for plane, size in planes]
        return b"".join(np.pad(plane, ((0, 0), (0, more))).tobytes() for plane, more in lines), width + padding
    pixels: dict[str, Callable[[], cv2.typing.MatLike]] = {
        "GREY": lambda: gray,
        "Y16 ": lambda: (gray.astype("<u2") << 4).view(np.uint8),  # a sensor of 12 bits
        "BGR3": lambda: image,
        "RGB3": lambda: image[:, :, ::-1],
    }
    sent = pixels[fourcc]() if fourcc in pixels else cv2.cvtColor(image, PACKED[fourcc])
    rows = np.ascontiguousarray(sent).reshape(height, -1)
    return np.pad(rows, ((0, 0), (0, padding))).tobytes(), rows.shape[1] + padding
