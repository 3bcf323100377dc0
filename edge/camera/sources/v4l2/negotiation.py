"""What is asked of a camera, and what to settle for."""

import contextlib
import errno
import logging
import os
from collections.abc import Iterator, Sequence

from camera.sources.v4l2.decode import COMPRESSED, RAW
from camera.sources.v4l2.ioctl import Mode, Node

log = logging.getLogger(__name__)

BUFFERS = 2  # each goes back to the driver at once; more only makes frames older
CODES = (*COMPRESSED, *RAW)  # compressed first: raw frames of any size that is worth it do not fit USB 2
SMALLER_SIZES = ((1920, 1080), (1280, 720), (800, 600), (640, 480), (320, 240))  # where the driver names none


class NoCommonFormatError(Exception):
    """The camera delivers nothing that is understood here; the text names what it has."""


def negotiate(node: Node, wanted: Mode, name: str) -> Mode:
    """Set the best mode that the camera and its USB port bear, and start it; raises OSError, NoCommonFormatError."""
    offered = node.codes()
    for code in _codes(offered):
        got = _start(node, Mode(code, wanted.width, wanted.height, wanted.rate), node.sizes(code), name)
        if got is not None:
            _tell(name, wanted, got, offered)
            return got
    raise NoCommonFormatError(", ".join(offered) or "nothing")


def _codes(offered: Sequence[str]) -> list[str]:
    return [code for code in CODES if code in offered] if offered else list(CODES)


def _start(node: Node, wanted: Mode, sizes: Sequence[tuple[int, int]], name: str) -> Mode | None:
    """Start the largest mode for which there is bandwidth; None if the driver sets another format than it offered."""
    failed: list[Mode] = []
    for mode in _ladder(wanted, sizes):
        got = node.set_mode(mode)
        if got.code not in CODES:
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


def _ladder(wanted: Mode, sizes: Sequence[tuple[int, int]]) -> Iterator[Mode]:
    """First what is wanted, then half as often, then the next smaller size."""
    smaller = [size for size in sizes or SMALLER_SIZES if size[0] * size[1] < wanted.width * wanted.height]
    by_area = sorted(smaller, key=lambda size: -size[0] * size[1])
    for width, height in ((wanted.width, wanted.height), *by_area):
        yield Mode(wanted.code, width, height, wanted.rate)
        yield Mode(wanted.code, width, height, wanted.rate / 2)


def _tell(name: str, wanted: Mode, got: Mode, offered: Sequence[str]) -> None:
    log.info("Opened %s: %s", name, text(got))
    if got.code not in COMPRESSED:
        log.warning("%s gives %s and not MJPG (it has %s), at a lower rate", name, got.code, ", ".join(offered))
    if (got.width, got.height) != (wanted.width, wanted.height):
        log.warning("%s gives %dx%d and not %dx%d", name, got.width, got.height, wanted.width, wanted.height)


def text(mode: Mode) -> str:
    """A mode as people read it."""
    rate = f" at {mode.rate:g} frames a second" if mode.rate else ""
    return f"{mode.code} {mode.width}x{mode.height}{rate}"
