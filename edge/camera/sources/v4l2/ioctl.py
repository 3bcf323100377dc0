"""Video4Linux2 as the kernel's videodev2.h has it: structs and ioctl numbers, the same since Linux 3.1."""

import ctypes
from ctypes import c_uint8 as u8
from ctypes import c_uint32 as u32

V4L2_BUF_TYPE_VIDEO_CAPTURE = 1
V4L2_MEMORY_MMAP = 1
V4L2_FIELD_ANY = 0
V4L2_FRMSIZE_TYPE_DISCRETE = 1
V4L2_CAP_VIDEO_CAPTURE_MPLANE = 0x1000
V4L2_CAP_VIDEO_CAPTURE, V4L2_CAP_STREAMING, V4L2_CAP_DEVICE_CAPS = 0x1, 0x04000000, 0x80000000
V4L2_BUF_FLAG_ERROR, V4L2_BUF_FLAG_TIMESTAMP_MASK, V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC = 0x40, 0xE000, 0x2000


class v4l2_capability(ctypes.Structure):  # noqa: N801 (here and below: the kernel's names)
    _fields_ = [
        ("driver", u8 * 16), ("card", u8 * 32), ("bus_info", u8 * 32),
        ("version", u32), ("capabilities", u32), ("device_caps", u32), ("reserved", u32 * 3),
    ]  # fmt: skip


class v4l2_fmtdesc(ctypes.Structure):  # noqa: N801
    _fields_ = [
        ("index", u32), ("type", u32), ("flags", u32), ("description", u8 * 32),
        ("pixelformat", u32), ("mbus_code", u32), ("reserved", u32 * 3),
    ]  # fmt: skip


class v4l2_frmsizeenum(ctypes.Structure):  # noqa: N801
    """Width and height stand in a union; they are valid where the `type` is discrete."""

    _fields_ = [
        ("index", u32), ("pixel_format", u32), ("type", u32),
        ("width", u32), ("height", u32), ("rest", u32 * 4), ("reserved", u32 * 2),
    ]  # fmt: skip


class v4l2_pix_format(ctypes.Structure):  # noqa: N801
    _fields_ = [
        ("width", u32), ("height", u32), ("pixelformat", u32), ("field", u32), ("bytesperline", u32),
        ("sizeimage", u32), ("colorspace", u32), ("rest", u32 * 5),
    ]  # fmt: skip


class _FormatUnion(ctypes.Union):
    # As wide and as aligned as the kernel's: 200 bytes, with pointers in one of its members.
    _fields_ = [("pix", v4l2_pix_format), ("raw", ctypes.c_ulong * (200 // ctypes.sizeof(ctypes.c_ulong)))]


class v4l2_format(ctypes.Structure):  # noqa: N801
    _fields_ = [("type", u32), ("fmt", _FormatUnion)]


class v4l2_streamparm(ctypes.Structure):  # noqa: N801
    """Of the capture parameters only the time per frame is used, a fraction of a second."""

    _fields_ = [
        ("type", u32), ("capability", u32), ("capturemode", u32), ("numerator", u32), ("denominator", u32),
        ("rest", u8 * 184),
    ]  # fmt: skip


class v4l2_requestbuffers(ctypes.Structure):  # noqa: N801
    _fields_ = [("count", u32), ("type", u32), ("memory", u32), ("capabilities", u32), ("rest", u8 * 4)]


class v4l2_buffer(ctypes.Structure):  # noqa: N801
    """The time stamp is flattened into seconds and microseconds."""

    _fields_ = [
        ("index", u32), ("type", u32), ("bytesused", u32), ("flags", u32), ("field", u32),
        ("tv_sec", ctypes.c_long), ("tv_usec", ctypes.c_long), ("timecode", u8 * 16),
        ("sequence", u32), ("memory", u32), ("offset", ctypes.c_ulong), ("length", u32), ("rest", u32 * 2),
    ]  # fmt: skip


READ, WRITE = 2, 1


def _ioctl_number(direction: int, number: int, kind: type[ctypes.Structure] | type[ctypes.c_int]) -> int:
    """An ioctl's number, as the kernel's macros _IOR, _IOW and _IOWR make it."""
    return direction << 30 | ctypes.sizeof(kind) << 16 | ord("V") << 8 | number


VIDIOC_QUERYCAP = _ioctl_number(READ, 0, v4l2_capability)
VIDIOC_ENUM_FMT = _ioctl_number(READ | WRITE, 2, v4l2_fmtdesc)
VIDIOC_S_FMT = _ioctl_number(READ | WRITE, 5, v4l2_format)
VIDIOC_REQBUFS = _ioctl_number(READ | WRITE, 8, v4l2_requestbuffers)
VIDIOC_QUERYBUF = _ioctl_number(READ | WRITE, 9, v4l2_buffer)
VIDIOC_QBUF = _ioctl_number(READ | WRITE, 15, v4l2_buffer)
VIDIOC_DQBUF = _ioctl_number(READ | WRITE, 17, v4l2_buffer)
VIDIOC_STREAMON = _ioctl_number(WRITE, 18, ctypes.c_int)
VIDIOC_STREAMOFF = _ioctl_number(WRITE, 19, ctypes.c_int)
VIDIOC_S_PARM = _ioctl_number(READ | WRITE, 22, v4l2_streamparm)
VIDIOC_ENUM_FRAMESIZES = _ioctl_number(READ | WRITE, 74, v4l2_frmsizeenum)
