"""A USB/IP server: the ports into which cameras are plugged. It runs in a thread of its own."""

import asyncio
import contextlib
import struct
import threading
from collections.abc import Iterable

from dev.harness.process import LOOPBACK, free_port
from dev.vm.uvc.camera import PlayedCamera
from dev.vm.uvc.connection import Connection

IMPORT, IMPORTED, VERSION = 0x8003, 0x0003, 0x0111
HIGH_SPEED = 3


class UsbServer:
    """Cameras that another machine can attach by their bus ids."""

    def __init__(self, cameras: Iterable[PlayedCamera]) -> None:
        self.cameras = {camera.model.bus_id: camera for camera in cameras}
        self.port = free_port()
        self._connections: dict[str, Connection] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="usb", daemon=True)
        self._ready = threading.Event()

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def pull(self, bus_id: str) -> None:
        """Pull a camera out, as a hand does."""
        self._loop.call_soon_threadsafe(self._cut, bus_id)

    def _cut(self, bus_id: str) -> None:
        connection = self._connections.pop(bus_id, None)
        if connection is not None:
            connection.cut()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, LOOPBACK, self.port))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            _, code, _ = struct.unpack(">HHI", await reader.readexactly(8))
            bus_id = (await reader.readexactly(32)).split(b"\0")[0].decode() if code == IMPORT else ""
            camera = self.cameras.get(bus_id)
            if camera is None:
                writer.write(struct.pack(">HHI", VERSION, IMPORTED, 1))
                await writer.drain()
            else:
                writer.write(struct.pack(">HHI", VERSION, IMPORTED, 0) + _about(camera))
                connection = self._connections[bus_id] = Connection(camera, reader, writer)
                await connection.serve()
        writer.close()


def _about(camera: PlayedCamera) -> bytes:
    model = camera.model
    path, number = f"/sys/devices/virtual/{model.bus_id}", int(model.bus_id.rpartition("-")[2]) + 1
    ids = (model.vendor, model.product, 0x0011, 0xEF, 2, 1, 1, 1, 2)
    return struct.pack(">256s32sIIIHHHBBBBBB", path.encode(), model.bus_id.encode(), 1, number, HIGH_SPEED, *ids)
