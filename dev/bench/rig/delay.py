"""A TCP proxy before an S3 server, after which each request takes some time longer, as over a network."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dev.harness.process import LOOPBACK

CHUNK = 65536


@contextmanager
def delayed(port: int, seconds: float) -> Iterator[int]:
    """Return the proxy's port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def serve() -> asyncio.Server:
        return await asyncio.start_server(lambda reader, writer: _connect(reader, writer, port, seconds), LOOPBACK, 0)

    server = asyncio.run_coroutine_threadsafe(serve(), loop).result()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, seconds: float) -> None:
    with contextlib.suppress(asyncio.CancelledError, OSError):  # at the end, or the server has ended
        there_reader, there_writer = await asyncio.open_connection(LOOPBACK, port)
        await asyncio.gather(_pass_on(reader, there_writer, seconds), _pass_on(there_reader, writer, 0))
    writer.close()


async def _end(server: asyncio.Server) -> None:
    """Close what is still connected; a loop that just stops complains of each."""
    server.close()
    connections = asyncio.all_tasks() - {asyncio.current_task()}
    for connection in connections:
        connection.cancel()
    await asyncio.gather(*connections, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    try:
        while data := await reader.read(CHUNK):
            if seconds:
                await asyncio.sleep(seconds)
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
