"""USB/IP: the requests of one host controller to one camera, and its answers."""

import asyncio
import contextlib
import struct
import time
from dataclasses import dataclass

from dev.vm.uvc.camera import PlayedCamera
from dev.vm.uvc.control_requests import ControlRequests, NeverAnsweredError

BROKEN_PIPE, CONNECTION_RESET = -32, -104
UNLINK, SUBMITTED, UNLINKED = 2, 3, 4
MICROFRAME_SECONDS = 125e-6
LATE_SECONDS = 0.02  # more lateness than that is forgotten
NO_PACKETS = (0, -1, 0xFFFFFFFF)
BULK_POLL_SECONDS = 0.004
TICKS_A_SECOND = 15_000_000
END_OF_HEADER, END_OF_FRAME, CLOCKS = 0x80, 0x02, 0x0C


@dataclass(frozen=True, slots=True)
class Transfer:
    """A request for a piece of the stream."""

    sequence: int
    length: int
    start_frame: int
    packets: tuple[tuple[int, int], ...]  # offset and length of each; empty for a bulk transfer


class Connection:
    """One camera that is attached to one host controller."""

    def __init__(self, camera: PlayedCamera, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._camera, self._reader, self._writer = camera, reader, writer
        self._transfers: asyncio.Queue[Transfer] = asyncio.Queue()
        self._pending: set[int] = set()
        self._taken_back: dict[int, int] = {}  # before they came: by each, the request that took it back
        self._latest = 0  # request for a transfer that came
        self._left = b""  # of the picture that is being sent
        self._toggle = 0
        self._stamp = 0
        self._starts = camera.starts
        self._requests = ControlRequests(camera)

    def cut(self) -> None:
        """Pull the plug."""
        self._camera.stop()
        self._writer.transport.abort()

    async def serve(self) -> None:
        """Answer until the plug is pulled, on either side."""
        stream = asyncio.create_task(self._stream())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await self._answer(await self._reader.readexactly(48))
        stream.cancel()
        self._camera.stop()
        self._writer.close()

    async def _answer(self, head: bytes) -> None:
        command, sequence, _, direction, endpoint = struct.unpack_from(">5I", head)
        if command == UNLINK:
            self._take_back(sequence, *struct.unpack_from(">I", head, 20))
            return
        _, length, start, count, _ = struct.unpack_from(">Iiiii", head, 20)
        data = await self._reader.readexactly(length) if direction == 0 and length else b""
        described = await self._reader.readexactly(0 if endpoint == 0 or count in NO_PACKETS else 16 * count)
        self._latest = sequence
        if sequence in self._taken_back:
            self._reply_taken_back(self._taken_back.pop(sequence), CONNECTION_RESET)
            return
        if endpoint == 0:
            self._control(sequence, direction, length, head[40:48], data)
            return
        self._pending.add(sequence)
        self._transfers.put_nowait(Transfer(sequence, length, start, tuple(struct.iter_unpack(">2I8x", described))))

    def _take_back(self, sequence: int, victim: int) -> None:
        """Linux' vhci-hcd may take a transfer back before it has sent it; answered too early, it loses the device."""
        if victim > self._latest:
            self._taken_back[victim] = sequence
            return
        self._reply_taken_back(sequence, CONNECTION_RESET if victim in self._pending else 0)
        self._pending.discard(victim)

    def _reply_taken_back(self, sequence: int, status: int) -> None:
        self._writer.write(struct.pack(">5Ii24x", UNLINKED, sequence, 0, 0, 0, status))

    def _control(self, sequence: int, direction: int, length: int, setup: bytes, data: bytes) -> None:
        try:
            answer = self._requests.answer(setup, data)
        except NeverAnsweredError:
            self._pending.add(sequence)  # the driver takes it back when its time is over
            return
        if answer is None:
            self._reply(sequence, BROKEN_PIPE, b"", 0)
        elif direction:
            self._reply(sequence, 0, answer[:length], len(answer[:length]))
        else:
            self._reply(sequence, 0, b"", length)

    async def _stream(self) -> None:
        due = 0.0
        with contextlib.suppress(ConnectionError):
            while True:
                transfer = await self._transfers.get()
                if transfer.packets:
                    due = max(due + len(transfer.packets) * MICROFRAME_SECONDS, time.monotonic() - LATE_SECONDS)
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    self._send_packets(transfer)
                else:
                    await self._send_bulk(transfer)
                await self._writer.drain()

    def _send_packets(self, transfer: Transfer) -> None:
        if transfer.sequence not in self._pending:
            return
        self._pending.discard(transfer.sequence)
        parts = [self._payload(length) for _, length in transfer.packets]
        described = b"".join(
            struct.pack(">4I", offset, length, len(part), 0)
            for (offset, length), part in zip(transfer.packets, parts, strict=True)
        )
        raw = b"".join(parts)
        numbers = (SUBMITTED, transfer.sequence, 0, 0, 0, 0, len(raw), transfer.start_frame, len(parts), 0)
        self._writer.write(struct.pack(">5Iiiiii8x", *numbers) + raw + described)

    async def _send_bulk(self, transfer: Transfer) -> None:
        while transfer.sequence in self._pending:
            part = self._payload(transfer.length)
            if part:
                self._pending.discard(transfer.sequence)
                self._reply(transfer.sequence, 0, part, len(part))
                return
            await asyncio.sleep(BULK_POLL_SECONDS)

    def _payload(self, room: int) -> bytes:
        """The next packet: a header, and what fits of the picture."""
        model = self._camera.model
        if self._starts != self._camera.starts:  # of a stream that is over
            self._left, self._starts = b"", self._camera.starts
        if not self._left:
            self._left = self._camera.next_picture() or b""
            if not self._left:
                return b"" if model.bulk else bytes([2, END_OF_HEADER | self._toggle])
            self._toggle ^= 1
            self._stamp = _ticks()
        size = 12 if model.clock else 2
        part, self._left = self._left[: room - size], self._left[room - size :]
        flags = END_OF_HEADER | self._toggle | (0 if self._left else END_OF_FRAME)
        if not model.clock:
            return bytes([size, flags]) + part
        frame_number = int(time.monotonic() * 1000) & 0x7FF
        return struct.pack("<BBIIH", size, flags | CLOCKS, self._stamp, _ticks(), frame_number) + part

    def _reply(self, sequence: int, status: int, data: bytes, length: int) -> None:
        self._writer.write(struct.pack(">5Iiiiii8x", SUBMITTED, sequence, 0, 0, 0, status, length, 0, 0, 0) + data)


def _ticks() -> int:
    return int(time.monotonic() * TICKS_A_SECOND) & 0xFFFFFFFF
