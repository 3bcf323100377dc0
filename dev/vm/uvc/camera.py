"""A camera that is plugged in: what it was asked for, what it shows, and how it misbehaves."""

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dev.vm.uvc import descriptors
from dev.vm.uvc.descriptors import INTERVALS, Model

Pictures = Callable[[str, int, int], list[bytes]]  # pixel format, width, height: some frames, shown in turn

PROBE = "<HBBI"  # the beginning of what is negotiated: hint, format, frame, interval
PROBE_BYTES = 26
PACKET_BYTES = {"MJPG": 1024, "YUYV": 3072}  # that it wants a microframe, by what it sends
BULK_BYTES = 16384
MAX_RATE = 15.0  # more would only cost CPU


@dataclass(slots=True)
class PlayedCamera:
    """One camera; what is set here takes effect at once."""

    model: Model
    pictures: Pictures
    silent: bool = False  # sends packets without a picture
    frozen: bool = False  # sends one picture for ever
    damaged: bool = False  # loses half of each picture
    deaf: bool = False  # does not answer requests of its class
    streaming: bool = False
    starts: int = 0
    sent: int = 0
    _settled: bytes = b""
    _made: dict[tuple[str, int, int], list[bytes]] = field(default_factory=dict)
    _began: float = 0.0
    _due: float = 0.0
    _number: int = 0

    @property
    def settled(self) -> bytes:
        """What was negotiated last, as USB Video Class has it."""
        return self._settled or self.settle(struct.pack(PROBE, 1, 1, 1, INTERVALS[1]))

    def settle(self, asked: bytes) -> bytes:
        """Take what is nearest to what is asked for."""
        _, form, frame, interval = struct.unpack_from(PROBE, asked)
        form = min(max(form, 1), len(self.model.formats))
        fourcc, sizes = list(self.model.formats.items())[form - 1]
        frame = min(max(frame, 1), len(sizes))
        interval = min(INTERVALS, key=lambda each: abs(each - (interval or INTERVALS[1])))
        width, height = sizes[frame - 1]
        payload = BULK_BYTES if self.model.bulk else PACKET_BYTES[fourcc]
        self._settled = struct.pack(
            "<HBBIHHHHHII", 1, form, frame, interval, 0, 0, 0, 0, 0, width * height * 2, payload
        )
        return self._settled

    def start(self) -> None:
        self.streaming, self._began, self._number = True, time.monotonic(), 0
        self.starts += 1
        self._due = self._began

    def stop(self) -> None:
        self.streaming = False

    def next_picture(self) -> bytes | None:
        """The next picture, if one is due."""
        now = time.monotonic()
        if self.silent or not self.streaming or now < self._due:
            return None
        fourcc, width, height, rate = self._mode()
        elapsed = now - self._began
        self._due = self._began + (int(elapsed * rate) + 1) / rate
        if not self.frozen:
            self._number = int(elapsed * rate)
        pictures = self._pictures(fourcc, width, height)
        content = pictures[self._number % len(pictures)]
        self.sent += 1
        return content[: len(content) // 2] if self.damaged else content

    def describe(self, kind: int, number: int) -> bytes | None:
        """Answer GET_DESCRIPTOR."""
        match kind:
            case 1:
                return descriptors.device(self.model)
            case 2:
                return descriptors.configuration(self.model)
            case 3:
                return descriptors.text(self.model, number)
            case 6:
                return descriptors.qualifier()
        return None

    def _mode(self) -> tuple[str, int, int, float]:
        _, form, frame, interval = struct.unpack_from(PROBE, self.settled)
        fourcc, sizes = list(self.model.formats.items())[form - 1]
        return fourcc, *sizes[frame - 1], min(1e7 / interval, MAX_RATE)

    def _pictures(self, fourcc: str, width: int, height: int) -> list[bytes]:
        key = fourcc, width, height
        if key not in self._made:
            self._made[key] = self.pictures(*key)
        return self._made[key]
