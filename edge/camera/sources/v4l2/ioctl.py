"""The kernel's side of a camera: a V4L2 node and its ioctls, nothing decided here.

Not OpenCV's: that one hides why a stream does not start (ENOSPC), hands out the frame before when one is damaged, and
takes a camera's metadata node for a camera. What is used here is the same since Linux 3.1.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import select
from collections.abc import Callable, Iterator
from ctypes import c_uint8 as u8
from ctypes import c_uint32 as u32
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
MMAP = 1  # V4L2_MEMORY_MMAP
ANY_FIELD = 0
DISCRETE = 1
MOST_ENUMERATED = 100

StructT = TypeVar("StructT", bound=ctypes.Structure | ctypes.c_int)

CAP_VIDEO_CAPTURE, CAP_STREAMING, CAP_DEVICE_CAPS = 0x1, 0x04000000, 0x80000000
FLAG_ERROR, FLAG_TIMESTAMP_MASK, FLAG_MONOTONIC = 0x40, 0xE000, 0x2000


class Capability(ctypes.Structure):
    _fields_ = [
        ("driver", u8 * 16), ("card", u8 * 32), ("bus_info", u8 * 32),
        ("version", u32), ("capabilities", u32), ("device_caps", u32), ("reserved", u32 * 3),
    ]  # fmt: skip


class FormatDescription(ctypes.Structure):
    _fields_ = [
        ("index", u32), ("type", u32), ("flags", u32), ("description", u8 * 32),
        ("pixelformat", u32), ("mbus_code", u32), ("reserved", u32 * 3),
    ]  # fmt: skip


class FrameSize(ctypes.Structure):
    """Width and height, where the `type` is DISCRETE."""

    _fields_ = [
        ("index", u32), ("pixelformat", u32), ("type", u32),
        ("width", u32), ("height", u32), ("rest", u32 * 4), ("reserved", u32 * 2),
    ]  # fmt: skip


class PixelFormat(ctypes.Structure):
    _fields_ = [
        ("width", u32), ("height", u32), ("pixelformat", u32), ("field", u32), ("bytesperline", u32),
        ("sizeimage", u32), ("colorspace", u32), ("rest", u32 * 5),
    ]  # fmt: skip


class _FormatUnion(ctypes.Union):
    # As wide and as aligned as the kernel's: 200 bytes, with pointers in one of its members.
    _fields_ = [("pix", PixelFormat), ("raw", ctypes.c_ulong * (200 // ctypes.sizeof(ctypes.c_ulong)))]


class Format(ctypes.Structure):
    _fields_ = [("type", u32), ("fmt", _FormatUnion)]


class Parameters(ctypes.Structure):
    """`v4l2_streamparm`, of which only the time per frame is used."""

    _fields_ = [
        ("type", u32), ("capability", u32), ("capturemode", u32), ("numerator", u32), ("denominator", u32),
        ("rest", u8 * 184),
    ]  # fmt: skip


class BufferRequest(ctypes.Structure):
    _fields_ = [("count", u32), ("type", u32), ("memory", u32), ("capabilities", u32), ("rest", u8 * 4)]


class BufferDescription(ctypes.Structure):
    _fields_ = [
        ("index", u32), ("type", u32), ("bytesused", u32), ("flags", u32), ("field", u32),
        ("seconds", ctypes.c_long), ("microseconds", ctypes.c_long), ("timecode", u8 * 16),
        ("sequence", u32), ("memory", u32), ("offset", ctypes.c_ulong), ("length", u32), ("rest", u32 * 2),
    ]  # fmt: skip


READ, WRITE = 2, 1


def _code(direction: int, number: int, kind: type[ctypes.Structure] | type[ctypes.c_int]) -> int:
    """An ioctl's number, as the kernel's macros _IOR, _IOW and _IOWR make it."""
    return direction << 30 | ctypes.sizeof(kind) << 16 | ord("V") << 8 | number


QUERYCAP = _code(READ, 0, Capability)
ENUM_FMT = _code(READ | WRITE, 2, FormatDescription)
S_FMT = _code(READ | WRITE, 5, Format)
REQBUFS = _code(READ | WRITE, 8, BufferRequest)
QUERYBUF = _code(READ | WRITE, 9, BufferDescription)
QBUF = _code(READ | WRITE, 15, BufferDescription)
DQBUF = _code(READ | WRITE, 17, BufferDescription)
STREAMON = _code(WRITE, 18, ctypes.c_int)
STREAMOFF = _code(WRITE, 19, ctypes.c_int)
S_PARM = _code(READ | WRITE, 22, Parameters)
ENUM_FRAMESIZES = _code(READ | WRITE, 74, FrameSize)


@dataclass(frozen=True, slots=True)
class CaptureFormat:
    """What a camera delivers: `fourcc` is the pixel format's (`MJPG`, `YUYV`, ...), `rate` in frames a second."""

    fourcc: str
    width: int
    height: int
    rate: float = 0.0
    stride: int = 0  # bytes a line, for what is not compressed


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the driver says of a node."""

    driver: str
    card: str
    bus: str
    captures: bool  # not the metadata node of a camera, nor a decoder


@dataclass(frozen=True, slots=True)
class Buffer:
    """One frame as the driver gave it."""

    content: bytes
    seconds: float | None  # CLOCK_MONOTONIC; None where the driver keeps another time
    sequence: int  # gaps are frames that were lost
    damaged: bool


class VideoNode(Protocol):
    """An open device node. Every call may raise OSError."""

    def capabilities(self) -> Capabilities: ...
    def pixel_formats(self) -> list[str]: ...
    def frame_sizes(self, fourcc: str) -> list[tuple[int, int]]: ...
    def set_format(self, wanted: CaptureFormat) -> CaptureFormat: ...
    def start(self, buffers: int) -> None: ...
    def stop(self) -> None: ...
    def wait(self, timeout_seconds: float) -> bool: ...
    def dequeue(self) -> Buffer | None: ...
    def close(self) -> None: ...


class V4l2Device:
    """An open device node of this machine."""

    def __init__(self, path: Path) -> None:
        """Open it; that takes nothing away from another program."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._maps: list[mmap.mmap] = []
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)

    def capabilities(self) -> Capabilities:
        """Who it is. `device_caps` speaks of this node, `capabilities` of all nodes of the device."""
        found = self._call(QUERYCAP, Capability())
        own = found.device_caps if found.capabilities & CAP_DEVICE_CAPS else found.capabilities
        captures = bool(own & CAP_VIDEO_CAPTURE and own & CAP_STREAMING)
        return Capabilities(_text(found.driver), _text(found.card), _text(found.bus_info), captures)

    def pixel_formats(self) -> list[str]:
        """The pixel formats it offers."""
        found = self._enumerate(ENUM_FMT, lambda index: FormatDescription(index=index, type=CAPTURE))
        return [_name(each.pixelformat) for each in found]

    def frame_sizes(self, fourcc: str) -> list[tuple[int, int]]:
        """The frame sizes it offers; none where any size within limits will do."""
        found = self._enumerate(ENUM_FRAMESIZES, lambda index: FrameSize(index=index, pixelformat=_number(fourcc)))
        return [(each.width, each.height) for each in found if each.type == DISCRETE]

    def set_format(self, wanted: CaptureFormat) -> CaptureFormat:
        """Ask, and tell what the driver made of it: it answers success to anything."""
        asked = Format(type=CAPTURE)
        asked.fmt.pix = PixelFormat(
            width=wanted.width, height=wanted.height, pixelformat=_number(wanted.fourcc), field=ANY_FIELD
        )
        got = self._call(S_FMT, asked).fmt.pix
        return CaptureFormat(
            _name(got.pixelformat), got.width, got.height, self._set_rate(wanted.rate), got.bytesperline
        )

    def start(self, buffers: int) -> None:
        """Have frames come."""
        given = self._call(REQBUFS, BufferRequest(count=buffers, type=CAPTURE, memory=MMAP))
        for index in range(given.count):
            buffer = self._call(QUERYBUF, BufferDescription(index=index, type=CAPTURE, memory=MMAP))
            self._maps.append(mmap.mmap(self._descriptor, buffer.length, offset=buffer.offset))
            self._call(QBUF, BufferDescription(index=index, type=CAPTURE, memory=MMAP))
        self._call(STREAMON, ctypes.c_int(CAPTURE))

    def stop(self) -> None:
        """Have no more frames come, and give the buffers back, so that another mode can be set."""
        self._call(STREAMOFF, ctypes.c_int(CAPTURE))
        self._unmap()
        self._call(REQBUFS, BufferRequest(count=0, type=CAPTURE, memory=MMAP))

    def wait(self, timeout_seconds: float) -> bool:
        """Whether there is something to dequeue, be it an error."""
        return bool(self._poll.poll(timeout_seconds * 1000))

    def dequeue(self) -> Buffer | None:
        """The oldest frame that waits, if any; its buffer goes back to the driver at once."""
        try:
            found = self._call(DQBUF, BufferDescription(type=CAPTURE, memory=MMAP))
        except BlockingIOError:
            return None
        content = self._maps[found.index][: found.bytesused]
        self._call(QBUF, BufferDescription(index=found.index, type=CAPTURE, memory=MMAP))
        monotonic = found.flags & FLAG_TIMESTAMP_MASK == FLAG_MONOTONIC
        seconds = found.seconds + found.microseconds / 1e6 if monotonic else None
        return Buffer(content, seconds, found.sequence, bool(found.flags & FLAG_ERROR))

    def close(self) -> None:
        """Let go of it. While a node is held, its camera comes back under another number."""
        if self._descriptor < 0:
            return
        self._unmap()  # a map holds the node, too
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)  # this also ends the stream

    def _set_rate(self, rate: float) -> float:
        asked = Parameters(type=CAPTURE, numerator=1000, denominator=round(rate * 1000))
        try:
            got = self._call(S_PARM, asked)
        except OSError:  # not every driver knows rates
            return 0.0
        return float(got.denominator / got.numerator) if got.numerator else 0.0

    def _enumerate(self, fourcc: int, ask: Callable[[int], StructT]) -> Iterator[StructT]:
        for index in range(MOST_ENUMERATED):
            try:
                yield self._call(fourcc, ask(index))
            except OSError as error:
                if error.errno in {errno.EINVAL, errno.ENOTTY}:  # no more; no such thing
                    return
                raise

    def _call(self, fourcc: int, argument: StructT) -> StructT:
        """Have the driver answer in the argument's place."""
        while True:
            try:
                fcntl.ioctl(self._descriptor, fourcc, argument)
            except InterruptedError:
                continue
            return argument

    def _unmap(self) -> None:
        for buffer in self._maps:
            buffer.close()
        self._maps.clear()


def _text(raw: ctypes.Array[u8]) -> str:
    return bytes(raw).split(b"\0")[0].decode("utf-8", "replace").strip()


def _number(fourcc: str) -> int:
    return int.from_bytes(fourcc.encode("ascii"), "little")


def _name(number: int) -> str:
    return number.to_bytes(4, "little").decode("ascii", "replace")
