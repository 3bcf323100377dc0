"""A USB camera that is open: negotiated with, read, and watched for what cameras do wrong."""

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from camera.config.settings import Settings
from camera.sources.frame import Frame, Image, SourceError
from camera.sources.v4l2.decode import COMPRESSED, PIXEL_FORMATS, FrameDecoder
from camera.sources.v4l2.device import Buffer, CaptureFormat, VideoNode
from camera.sources.v4l2.discovery import DeviceRegistry, VideoDevice
from camera.sources.v4l2.errors import explain_os_error
from camera.sources.v4l2.jpeg import add_huffman_tables, complete
from camera.sources.v4l2.negotiation import NoCommonFormatError, negotiate

FIRST_FRAME_SECONDS = 5.0  # a camera that was just plugged in
FRAME_TIMEOUT_SECONDS = 2.0
FRAME_TIMEOUT_FRAMES = 3  # for cameras that are asked for less than one a second
CORRUPT_SECONDS = 5.0
DOUBTFUL_SECONDS = 20.0  # in which H.264 recovers from damage, at three frames a second or more
FROZEN_SECONDS = 10.0
MAX_TIMESTAMP_AGE_SECONDS = 5.0
POLL_SECONDS = 0.01


@dataclass(slots=True)
class ReconnectState:
    """What is remembered about a camera that goes and comes back."""

    device: VideoDevice | None = None  # the one that was open last
    format: CaptureFormat | None = None  # what it delivered
    missed_at: float | None = None  # when it was first missed
    last_image: bytes = b""
    frozen: bool = False  # it was reopened because the image stood still
    undecodable: set[str] = field(default_factory=set)  # pixel formats of which not one frame could be decoded


def frame_timeout(settings: Settings) -> float:
    """How many seconds a camera may send nothing."""
    return max(FRAME_TIMEOUT_SECONDS, FRAME_TIMEOUT_FRAMES / settings.frame_rate)


class V4l2Stream:
    """A camera that is open and streams; made by `open`."""

    def __init__(
        self,
        node: VideoNode,
        device: VideoDevice,
        devices: Path,
        reconnect: ReconnectState,
        negotiated: CaptureFormat,
        timeout_seconds: float,
    ) -> None:
        """`node` streams in the format that was negotiated."""
        self._node, self._device, self._devices = node, device, devices
        self._reconnect, self._format, self._timeout_seconds = reconnect, negotiated, timeout_seconds
        self._decoder = FrameDecoder(negotiated)
        self._image: Image | None = None  # where each must be decoded
        self._decoded = self._marked = 0  # frames that were whole, and that the driver marked as damaged
        self._number = -1
        self._expected = math.inf  # the number of the driver's next frame
        self._counts_up = False  # it numbers frames one after the other, so that a gap is a loss
        self._ahead: Buffer | None = None  # read before it was asked for
        self._buffer: Buffer | None = None
        self._last: Buffer | None = None
        self._arrived_at = self._intact_at = self._changed_at = time.monotonic()
        self._pause = threading.Event()

    @classmethod
    def open(cls, device: VideoDevice, settings: Settings, registry: DeviceRegistry, reconnect: ReconnectState) -> Self:
        """Open, negotiate and wait for the first frame; raises SourceError with the reason and the remedy."""
        wanted = CaptureFormat("", settings.frame_width, settings.frame_height, settings.frame_rate)
        timeout_seconds = frame_timeout(settings)
        with _explained(device, registry.devices), contextlib.ExitStack() as undo:
            if reconnect.device is not None and not device.same_device(reconnect.device):
                reconnect.undecodable.clear()
            node = registry.open_node(device.node)
            undo.callback(node.close)
            reconnect.format = negotiate(node, wanted, device.name, reconnect.undecodable)
            stream = cls(node, device, registry.devices, reconnect, reconnect.format, timeout_seconds)
            # A board's own nodes may be silent, one after the other.
            stream._ahead = stream._next(FIRST_FRAME_SECONDS if device.product else timeout_seconds)
            undo.pop_all()
        return stream

    def grab(self) -> float:
        """Wait for the next frame, at most 2 s."""
        self._buffer = None  # the previous one must not be taken for this one
        ahead, self._ahead = self._ahead, None
        with _explained(self._device, self._devices):
            self._buffer = ahead or self._next(self._timeout_seconds)
        if self._decoder.needs_every_frame:
            follows_loss, damaged = self._follows_loss(self._buffer), self._buffer.damaged
            self._image = self._decoder.decode(self._buffer.content, follows_loss=follows_loss, damaged=damaged)
        self._number = max(self._number + 1, self._buffer.sequence)
        self._arrived_at = self._time(self._buffer)
        return self._arrived_at

    def retrieve(self) -> Frame | None:
        """Decode; captured_at is the driver's time stamp where it gives one."""
        buffer = self._buffer
        if buffer is None:
            return None
        image = None if buffer.damaged else self._decode(buffer)
        if image is None:
            self._marked += buffer.damaged
            self._check_corrupt()
            return None
        self._decoded += 1
        self._intact_at = time.monotonic()
        self._check_frozen(buffer.content)
        captured_at = datetime.now(UTC) - timedelta(seconds=time.monotonic() - self._arrived_at)
        jpeg = add_huffman_tables(complete(buffer.content)) if self._format.fourcc in COMPRESSED else None
        return Frame(image, captured_at, self._arrived_at, self._number, jpeg)

    def _follows_loss(self, buffer: Buffer) -> bool:
        """Whether a frame before this one was lost."""
        expected, self._expected = self._expected, buffer.sequence + 1
        self._counts_up |= buffer.sequence == expected
        return self._counts_up and buffer.sequence > expected

    def _decode(self, buffer: Buffer) -> Image | None:
        return self._image if self._decoder.needs_every_frame else self._decoder.decode(buffer.content)

    def close(self) -> None:
        """Release the device."""
        self._node.close()

    def _next(self, timeout_seconds: float) -> Buffer:
        """The next frame that does not repeat the last one."""
        deadline = time.monotonic() + timeout_seconds
        while self._node.wait(max(0.0, deadline - time.monotonic())):
            buffer = self._node.dequeue()
            if buffer is not None and not self._is_repeated(buffer):
                self._last = buffer if buffer.seconds is not None else None  # without times nothing tells them apart
                return buffer
            self._pause.wait(POLL_SECONDS)
            if time.monotonic() > deadline:
                break
        raise SourceError(f"The camera {self._device.name} sends nothing; opening it again.")

    def _is_repeated(self, buffer: Buffer) -> bool:
        last = self._last
        return last is not None and (buffer.seconds, buffer.sequence) == (last.seconds, last.sequence)

    def _time(self, buffer: Buffer) -> float:
        now = time.monotonic()
        if buffer.seconds is None or not 0 <= now - buffer.seconds < MAX_TIMESTAMP_AGE_SECONDS:
            return now
        return buffer.seconds

    def _check_corrupt(self) -> None:
        """Give up on a camera that has sent no intact image for a while."""
        is_doubtful = self._decoder.needs_every_frame and self._decoded  # what follows damage is refused for a while
        if time.monotonic() - self._intact_at > (DOUBTFUL_SECONDS if is_doubtful else CORRUPT_SECONDS):
            fourcc, state = self._format.fourcc, self._reconnect
            if not self._decoded and not self._marked and fourcc not in state.undecodable:
                state.undecodable.add(fourcc)
                raise SourceError(
                    f"No {fourcc.strip()} of the camera {self._device.name} can be decoded; trying its next format."
                )
            raise SourceError(
                f"The camera {self._device.name} sends damaged images only: try another cable or port,"
                " or a smaller FRAME_WIDTH and FRAME_HEIGHT."
            )

    def _check_frozen(self, content: bytes) -> None:
        """Give up on an image in which not a single byte changes: a sensor is never so still."""
        state = self._reconnect
        if content != state.last_image:
            self._changed_at = time.monotonic()
            state.last_image, state.frozen = content, False
        elif not state.frozen and time.monotonic() - self._changed_at > FROZEN_SECONDS:
            state.frozen = True  # once: a grabber without a signal shows a still image indefinitely
            raise SourceError(f"The image of the camera {self._device.name} is frozen; opening it again.")


@contextlib.contextmanager
def _explained(device: VideoDevice, devices: Path) -> Iterator[None]:
    """Turn what went wrong into a sentence."""
    try:
        yield
    except NoCommonFormatError as error:
        understood = ", ".join(fourcc.strip() for fourcc in PIXEL_FORMATS)
        raise SourceError(
            f"The camera {device.name} gives {error}, none of which is understood; these are: {understood}."
        ) from error
    except OSError as error:
        raise SourceError(explain_os_error(error, device.node, devices)) from error
