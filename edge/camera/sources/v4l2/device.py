"""An open video device node and what it answers; nothing is decided here.

Not OpenCV's: that one hides why a stream does not start (ENOSPC), hands out the previous frame when one is damaged, and
takes a camera's metadata node for a camera.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import select
from collections.abc import Callable, Iterator
from ctypes import c_uint8 as u8
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from camera.sources.v4l2 import ioctl
from camera.sources.v4l2.ioctl import V4L2_BUF_TYPE_VIDEO_CAPTURE as CAPTURE
from camera.sources.v4l2.ioctl import V4L2_MEMORY_MMAP as MMAP

MAX_ENUMERATED = 100
BIG_ENDIAN, BIG_ENDIAN_BIT = "-BE", 1 << 31
NAME_LENGTH, HEXADECIMAL = 4, "0x"

StructT = TypeVar("StructT", bound=ctypes.Structure | ctypes.c_int)


@dataclass(frozen=True, slots=True)
class CaptureFormat:
    """What a camera delivers: `fourcc` names the pixel format (`MJPG`, `YUYV`, ...), `rate` is in frames a second."""

    fourcc: str
    width: int
    height: int
    rate: float = 0.0
    stride: int = 0  # bytes a line, for what is not compressed


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the driver says about a node."""

    driver: str
    card: str
    bus: str
    captures: bool  # not the metadata node of a camera, nor a decoder
    multi_planar: bool = False  # captures, but by an interface that is not supported


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
        """What it is. `device_caps` describes this node, `capabilities` all nodes of the device."""
        found = self._call(ioctl.VIDIOC_QUERYCAP, ioctl.v4l2_capability())
        own = found.device_caps if found.capabilities & ioctl.V4L2_CAP_DEVICE_CAPS else found.capabilities
        captures = bool(own & ioctl.V4L2_CAP_VIDEO_CAPTURE and own & ioctl.V4L2_CAP_STREAMING)
        planar = bool(own & ioctl.V4L2_CAP_VIDEO_CAPTURE_MPLANE) and not captures
        return Capabilities(_text(found.driver), _text(found.card), _text(found.bus_info), captures, planar)

    def pixel_formats(self) -> list[str]:
        """The pixel formats it offers."""
        found = self._enumerate(ioctl.VIDIOC_ENUM_FMT, lambda index: ioctl.v4l2_fmtdesc(index=index, type=CAPTURE))
        return [fourcc_name(each.pixelformat) for each in found]

    def frame_sizes(self, fourcc: str) -> list[tuple[int, int]]:
        """The frame sizes it offers; none where any size within limits will do."""
        number = fourcc_number(fourcc)
        found = self._enumerate(
            ioctl.VIDIOC_ENUM_FRAMESIZES, lambda index: ioctl.v4l2_frmsizeenum(index=index, pixel_format=number)
        )
        return [(each.width, each.height) for each in found if each.type == ioctl.V4L2_FRMSIZE_TYPE_DISCRETE]

    def set_format(self, wanted: CaptureFormat) -> CaptureFormat:
        """Request a format and return what the driver made of it: it answers success to anything."""
        request = ioctl.v4l2_format(type=CAPTURE)
        request.fmt.pix = ioctl.v4l2_pix_format(
            width=wanted.width,
            height=wanted.height,
            pixelformat=fourcc_number(wanted.fourcc),
            field=ioctl.V4L2_FIELD_ANY,
        )
        got = self._call(ioctl.VIDIOC_S_FMT, request).fmt.pix
        rate = self._set_rate(wanted.rate)
        return CaptureFormat(fourcc_name(got.pixelformat), got.width, got.height, rate, got.bytesperline)

    def start(self, buffers: int) -> None:
        """Start streaming."""
        request = ioctl.v4l2_requestbuffers(count=buffers, type=CAPTURE, memory=MMAP)
        granted = self._call(ioctl.VIDIOC_REQBUFS, request).count
        for index in range(granted):
            buffer = self._call(ioctl.VIDIOC_QUERYBUF, _buffer(index))
            self._maps.append(mmap.mmap(self._descriptor, buffer.length, offset=buffer.offset))
            self._call(ioctl.VIDIOC_QBUF, _buffer(index))
        self._call(ioctl.VIDIOC_STREAMON, ctypes.c_int(CAPTURE))

    def stop(self) -> None:
        """Stop streaming and give the buffers back, so that another format can be set."""
        self._call(ioctl.VIDIOC_STREAMOFF, ctypes.c_int(CAPTURE))
        self._unmap()
        self._call(ioctl.VIDIOC_REQBUFS, ioctl.v4l2_requestbuffers(count=0, type=CAPTURE, memory=MMAP))

    def wait(self, timeout_seconds: float) -> bool:
        """Whether there is something to dequeue, be it an error."""
        return bool(self._poll.poll(timeout_seconds * 1000))

    def dequeue(self) -> Buffer | None:
        """The oldest frame that waits, if any; its buffer goes back to the driver at once."""
        try:
            found = self._call(ioctl.VIDIOC_DQBUF, _buffer())
        except BlockingIOError:
            return None
        content = self._maps[found.index][: found.bytesused]
        self._call(ioctl.VIDIOC_QBUF, _buffer(found.index))
        clock = found.flags & ioctl.V4L2_BUF_FLAG_TIMESTAMP_MASK
        is_monotonic = clock == ioctl.V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC
        seconds = found.tv_sec + found.tv_usec / 1e6 if is_monotonic else None
        return Buffer(content, seconds, found.sequence, bool(found.flags & ioctl.V4L2_BUF_FLAG_ERROR))

    def close(self) -> None:
        """Release it. While a node is held, its camera comes back under another number."""
        if self._descriptor < 0:
            return
        self._unmap()  # a map holds the node, too
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)  # this also ends the stream

    def _set_rate(self, rate: float) -> float:
        request = ioctl.v4l2_streamparm(type=CAPTURE, numerator=1000, denominator=round(rate * 1000))
        try:
            got = self._call(ioctl.VIDIOC_S_PARM, request)
        except OSError:  # not every driver supports rates
            return 0.0
        return float(got.denominator / got.numerator) if got.numerator else 0.0

    def _enumerate(self, number: int, request: Callable[[int], StructT]) -> Iterator[StructT]:
        for index in range(MAX_ENUMERATED):
            try:
                yield self._call(number, request(index))
            except OSError as error:
                if error.errno in {errno.EINVAL, errno.ENOTTY}:  # no more; not supported
                    return
                raise

    def _call(self, number: int, argument: StructT) -> StructT:
        """Call the driver, which answers in place of the argument."""
        while True:
            try:
                fcntl.ioctl(self._descriptor, number, argument)
            except InterruptedError:
                continue
            return argument

    def _unmap(self) -> None:
        for buffer in self._maps:
            buffer.close()
        self._maps.clear()


def _buffer(index: int = 0) -> ioctl.v4l2_buffer:
    return ioctl.v4l2_buffer(index=index, type=CAPTURE, memory=MMAP)


def _text(raw: ctypes.Array[u8]) -> str:
    return printable(bytes(raw).split(b"\0")[0].decode("utf-8", "replace").strip())


def printable(text: str) -> str:
    """What a camera calls itself, as a terminal may show it: its maker, or an attacker, wrote what he liked."""
    return "".join(each if each.isprintable() else "?" for each in text)


def fourcc_number(fourcc: str) -> int:
    """The kernel's number for a name that `fourcc_name` gave."""
    name, more = fourcc[:NAME_LENGTH], fourcc[NAME_LENGTH:]
    if more and more != BIG_ENDIAN:
        return int(fourcc, 16)
    return int.from_bytes(name.encode("ascii"), "little") | (BIG_ENDIAN_BIT if more else 0)


def fourcc_name(number: int) -> str:
    """A pixel format's name; like the kernel's own, with `-BE` for big-endian, and a number for what is no name."""
    raw = (number & ~BIG_ENDIAN_BIT).to_bytes(4, "little")
    if not all(0x20 <= each < 0x7F for each in raw):  # noqa: PLR2004 -- what ASCII can print
        return f"{HEXADECIMAL}{number:08X}"
    return raw.decode("ascii") + (BIG_ENDIAN if number & BIG_ENDIAN_BIT else "")
