"""A USB camera that is open: negotiated with, read, and watched for what cameras do wrong."""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from camera.config.settings import Settings
from camera.sources.frame import Frame, SourceError
from camera.sources.v4l2.decode import COMPRESSED, add_huffman_tables, decode_frame
from camera.sources.v4l2.discovery import Machine, VideoDevice
from camera.sources.v4l2.errors import explain_os_error
from camera.sources.v4l2.ioctl import Buffer, CaptureFormat
from camera.sources.v4l2.negotiation import NoCommonFormatError, negotiate

FIRST_FRAME_SECONDS = 5.0  # a camera that was just plugged in
SILENT_SECONDS = 2.0
SILENT_FRAMES = 3  # for cameras that are asked for less than one a second
DAMAGED_SECONDS = 5.0
FROZEN_SECONDS = 10.0
BELIEVABLE_AGE_SECONDS = 5.0
PAUSE_SECONDS = 0.01


@dataclass(slots=True)
class ReconnectState:
    """What outlives a camera that goes and comes back."""

    camera: VideoDevice | None = None  # the one that was open last
    mode: CaptureFormat | None = None  # what it gave
    missed_at: float | None = None  # when it was first not there
    picture: bytes = b""  # the last one
    frozen: bool = False  # it was opened again because the picture stood still


def frame_timeout(settings: Settings) -> float:
    """How long a camera may be silent."""
    return max(SILENT_SECONDS, SILENT_FRAMES / settings.frame_rate)


class V4l2Stream:
    """A camera that is open and sends."""

    def __init__(self, camera: VideoDevice, settings: Settings, machine: Machine, memory: ReconnectState) -> None:
        """Open, negotiate and wait for the first frame; raises SourceError with the reason and the mend."""
        self._camera, self._devices, self._memory = camera, machine.devices, memory
        self._silent_seconds = frame_timeout(settings)
        self._number = -1
        self._buffer: Buffer | None = None
        self._last: Buffer | None = None
        self._arrived_at = self._whole_at = self._changed_at = time.monotonic()
        self._pause = threading.Event()
        try:
            self._node = machine.open_node(camera.node)
        except OSError as error:
            raise self._failure(error) from error
        try:
            wanted = CaptureFormat("", settings.frame_width, settings.frame_height, settings.frame_rate)
            self._mode = memory.mode = negotiate(self._node, wanted, camera.name)
            # A board's own nodes may be silent, one after the other.
            self._ahead: Buffer | None = self._next(FIRST_FRAME_SECONDS if camera.product else self._silent_seconds)
        except NoCommonFormatError as error:
            self.close()
            raise SourceError(f"The camera {camera.name} gives {error}, none of which is understood.") from error
        except OSError as error:
            self.close()
            raise self._failure(error) from error
        except SourceError:
            self.close()
            raise

    def grab(self) -> float:
        """Wait for the next frame, at most 2 s."""
        self._buffer = None  # what was before must not be taken for this one
        ahead, self._ahead = self._ahead, None
        try:
            self._buffer = ahead or self._next(self._silent_seconds)
        except OSError as error:
            raise self._failure(error) from error
        self._number = max(self._number + 1, self._buffer.sequence)
        self._arrived_at = self._time(self._buffer)
        return self._arrived_at

    def retrieve(self) -> Frame | None:
        """Decode; captured_at is the driver's time stamp where it gives one."""
        buffer = self._buffer
        if buffer is None:
            return None
        image = None if buffer.damaged else decode_frame(buffer.content, self._mode)
        if image is None:
            self._check_corrupt()
            return None
        self._whole_at = time.monotonic()
        self._check_frozen(buffer.content)
        captured_at = datetime.now(UTC) - timedelta(seconds=time.monotonic() - self._arrived_at)
        shown_jpeg = add_huffman_tables(buffer.content) if self._mode.fourcc in COMPRESSED else None
        return Frame(image, captured_at, self._arrived_at, self._number, shown_jpeg)

    def close(self) -> None:
        """Let go."""
        self._node.close()

    def _next(self, timeout_seconds: float) -> Buffer:
        """The next frame that is not the last one again."""
        deadline = time.monotonic() + timeout_seconds
        while self._node.wait(max(0.0, deadline - time.monotonic())):
            buffer, last = self._node.dequeue(), self._last
            if buffer is None or (last and (buffer.seconds, buffer.sequence) == (last.seconds, last.sequence)):
                self._pause.wait(PAUSE_SECONDS)
                if time.monotonic() > deadline:
                    break
                continue
            self._last = buffer if buffer.seconds is not None else None  # without times nothing tells them apart
            return buffer
        raise SourceError(f"The camera {self._camera.name} sends nothing; opening it again.")

    def _time(self, buffer: Buffer) -> float:
        now = time.monotonic()
        if buffer.seconds is None or not 0 <= now - buffer.seconds < BELIEVABLE_AGE_SECONDS:
            return now
        return buffer.seconds

    def _check_corrupt(self) -> None:
        if time.monotonic() - self._whole_at > DAMAGED_SECONDS:
            raise SourceError(
                f"The camera {self._camera.name} sends damaged pictures only: try another cable or port,"
                " or a smaller FRAME_WIDTH and FRAME_HEIGHT."
            )

    def _check_frozen(self, content: bytes) -> None:
        """Notice a picture that does not change by a single byte: a sensor is never so still."""
        if content != self._memory.picture:
            self._changed_at = time.monotonic()
            self._memory.picture, self._memory.frozen = content, False
        elif not self._memory.frozen and time.monotonic() - self._changed_at > FROZEN_SECONDS:
            self._memory.frozen = True  # once: a grabber without a signal shows a still picture for ever
            raise SourceError(f"The picture of the camera {self._camera.name} is frozen; opening it again.")

    def _failure(self, error: OSError) -> SourceError:
        return SourceError(explain_os_error(error, self._camera.node, self._devices))
