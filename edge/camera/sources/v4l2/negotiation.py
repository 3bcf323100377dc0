"""What is requested of a camera, and what to fall back to."""

import contextlib
import errno
import logging
import os
from collections.abc import Collection, Iterator, Sequence

from camera.sources.v4l2.decode import COMPRESSED, PIXEL_FORMATS, VIDEO
from camera.sources.v4l2.device import CaptureFormat, VideoNode

log = logging.getLogger(__name__)

MAX_NAMED = 20  # formats in a sentence
BUFFERS = 2  # each goes back to the driver at once; more only makes frames older
BUFFERS_OF_VIDEO = 6  # of which no frame may be lost while others are decoded
SMALLER_SIZES = ((1920, 1080), (1280, 720), (800, 600), (640, 480), (320, 240))  # where the driver names none


class NoCommonFormatError(Exception):
    """The camera delivers nothing that is understood here; the text names what it has."""


def negotiate(node: VideoNode, wanted: CaptureFormat, name: str, avoid: Collection[str] = ()) -> CaptureFormat:
    """Start the best format that camera and USB port can sustain; raises OSError, NoCommonFormatError.

    `avoid`: formats whose frames could not be decoded; they are tried when there is no other.
    """
    offered = node.pixel_formats()
    usable = _usable(offered)
    for fourcc in [fourcc for fourcc in usable if fourcc not in avoid] or usable:
        request = CaptureFormat(fourcc, wanted.width, wanted.height, wanted.rate)
        got = _start(node, request, node.frame_sizes(fourcc), name)
        if got is not None:
            _log_result(name, wanted, got, offered)
            return got
    raise NoCommonFormatError(", ".join(fourcc.strip() for fourcc in offered[:MAX_NAMED]) or "nothing")


def format_description(capture_format: CaptureFormat) -> str:
    """A format as people read it."""
    rate = f" at {capture_format.rate:g} frames a second" if capture_format.rate else ""
    return f"{capture_format.fourcc} {capture_format.width}x{capture_format.height}{rate}"


def _usable(offered: Sequence[str]) -> list[str]:
    return [fourcc for fourcc in PIXEL_FORMATS if fourcc in offered] if offered else list(PIXEL_FORMATS)


def _start(node: VideoNode, wanted: CaptureFormat, sizes: Sequence[tuple[int, int]], name: str) -> CaptureFormat | None:
    """Start the largest size for which there is bandwidth; None if the driver sets a pixel format we cannot decode."""
    failed: list[CaptureFormat] = []
    for request in _fallback_formats(wanted, sizes):
        got = node.set_format(request)
        if got.fourcc not in PIXEL_FORMATS:
            return None
        if got in failed:
            continue
        try:
            node.start(BUFFERS_OF_VIDEO if got.fourcc in VIDEO else BUFFERS)
        except OSError as error:
            with contextlib.suppress(OSError):
                node.stop()
            if error.errno != errno.ENOSPC:
                raise
            log.warning("%s: no USB bandwidth for %s, trying less", name, format_description(got))
            failed.append(got)
        else:
            return got
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _fallback_formats(wanted: CaptureFormat, sizes: Sequence[tuple[int, int]]) -> Iterator[CaptureFormat]:
    """First what is wanted, then half the rate, then the next smaller size."""
    smaller = [size for size in sizes or SMALLER_SIZES if size[0] * size[1] < wanted.width * wanted.height]
    by_area = sorted(smaller, key=lambda size: -size[0] * size[1])
    for width, height in ((wanted.width, wanted.height), *by_area):
        yield CaptureFormat(wanted.fourcc, width, height, wanted.rate)
        yield CaptureFormat(wanted.fourcc, width, height, wanted.rate / 2)


def _log_result(name: str, wanted: CaptureFormat, got: CaptureFormat, offered: Sequence[str]) -> None:
    log.info("Opened %s: %s", name, format_description(got))
    if got.fourcc not in COMPRESSED:
        log.warning("%s gives %s and not MJPG (it has %s), at a lower rate", name, got.fourcc, ", ".join(offered))
    if (got.width, got.height) != (wanted.width, wanted.height):
        log.warning("%s gives %dx%d and not %dx%d", name, got.width, got.height, wanted.width, wanted.height)
