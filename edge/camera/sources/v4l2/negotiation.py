"""What is asked of a camera, and what to settle for."""

import contextlib
import errno
import logging
import os
from collections.abc import Iterator, Sequence

from camera.sources.v4l2.decode import COMPRESSED, RAW
from camera.sources.v4l2.ioctl import CaptureFormat, VideoNode

log = logging.getLogger(__name__)

BUFFERS = 2  # each goes back to the driver at once; more only makes frames older
UNDERSTOOD = (*COMPRESSED, *RAW)  # compressed first: raw frames of any size that is worth it do not fit USB 2
SMALLER_SIZES = ((1920, 1080), (1280, 720), (800, 600), (640, 480), (320, 240))  # where the driver names none


class NoCommonFormatError(Exception):
    """The camera delivers nothing that is understood here; the text names what it has."""


def negotiate(node: VideoNode, wanted: CaptureFormat, name: str) -> CaptureFormat:
    """Set the best mode that the camera and its USB port bear, and start it; raises OSError, NoCommonFormatError."""
    offered = node.pixel_formats()
    for fourcc in _usable_formats(offered):
        got = _start(
            node, CaptureFormat(fourcc, wanted.width, wanted.height, wanted.rate), node.frame_sizes(fourcc), name
        )
        if got is not None:
            _tell(name, wanted, got, offered)
            return got
    raise NoCommonFormatError(", ".join(offered) or "nothing")


def _usable_formats(offered: Sequence[str]) -> list[str]:
    return [fourcc for fourcc in UNDERSTOOD if fourcc in offered] if offered else list(UNDERSTOOD)


def _start(node: VideoNode, wanted: CaptureFormat, sizes: Sequence[tuple[int, int]], name: str) -> CaptureFormat | None:
    """Start the largest mode for which there is bandwidth; None if the driver sets another format than it offered."""
    failed: list[CaptureFormat] = []
    for mode in _fallback_formats(wanted, sizes):
        got = node.set_format(mode)
        if got.fourcc not in UNDERSTOOD:
            return None
        if got in failed:
            continue
        try:
            node.start(BUFFERS)
        except OSError as error:
            with contextlib.suppress(OSError):
                node.stop()
            if error.errno != errno.ENOSPC:
                raise
            log.warning("%s: no USB bandwidth for %s, trying less", name, text(got))
            failed.append(got)
        else:
            return got
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _fallback_formats(wanted: CaptureFormat, sizes: Sequence[tuple[int, int]]) -> Iterator[CaptureFormat]:
    """First what is wanted, then half as often, then the next smaller size."""
    smaller = [size for size in sizes or SMALLER_SIZES if size[0] * size[1] < wanted.width * wanted.height]
    by_area = sorted(smaller, key=lambda size: -size[0] * size[1])
    for width, height in ((wanted.width, wanted.height), *by_area):
        yield CaptureFormat(wanted.fourcc, width, height, wanted.rate)
        yield CaptureFormat(wanted.fourcc, width, height, wanted.rate / 2)


def _tell(name: str, wanted: CaptureFormat, got: CaptureFormat, offered: Sequence[str]) -> None:
    log.info("Opened %s: %s", name, text(got))
    if got.fourcc not in COMPRESSED:
        log.warning("%s gives %s and not MJPG (it has %s), at a lower rate", name, got.fourcc, ", ".join(offered))
    if (got.width, got.height) != (wanted.width, wanted.height):
        log.warning("%s gives %dx%d and not %dx%d", name, got.width, got.height, wanted.width, wanted.height)


def text(mode: CaptureFormat) -> str:
    """A mode as people read it."""
    rate = f" at {mode.rate:g} frames a second" if mode.rate else ""
    return f"{mode.fourcc} {mode.width}x{mode.height}{rate}"
