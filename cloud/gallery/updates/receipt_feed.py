"""What is stored now: the uploader's receipts, told to every open page."""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paho.mqtt.client import MQTTMessage

from common.mqtt import new_client

LOG = logging.getLogger(__name__)
RECEIPTS = "usbcam/+/receipts"
KEEPALIVE_SECONDS = 30
MOST_WAITING = 500  # for a page that does not read; it is told to begin anew

Told = Callable[[str, str], None]  # an edge, and a key


@dataclass(frozen=True, slots=True)
class Stored:
    """A capture that is in the bucket now."""

    edge: str
    key: str


class Arrivals:
    """A connection to the cloud broker, and those who listen. `listen` and `leave` are for the event loop's thread."""

    def __init__(self, host: str, port: int, *followers: Told) -> None:
        """`followers` are told on the network's thread."""
        self.connected = False
        self._address, self._followers = (host, port), followers
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[asyncio.Queue[Stored | None]] = set()
        self._client = new_client()  # any name: nothing is kept for it
        self._client.on_connect = lambda client, *_: client.subscribe(RECEIPTS, qos=1)
        self._client.on_subscribe = lambda *_: self._turn(connected=True)
        self._client.on_disconnect = lambda *_: self._turn(connected=False)
        self._client.on_message = lambda _client, _data, message: self._take(message)

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        self._client.connect_async(*self._address, KEEPALIVE_SECONDS)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def listen(self) -> asyncio.Queue[Stored | None]:
        """What is stored from now on; None when the connection came or went, or something was missed."""
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Stored | None] = asyncio.Queue()
        self._listeners.add(queue)
        return queue

    def leave(self, queue: "asyncio.Queue[Stored | None]") -> None:
        self._listeners.discard(queue)

    def _turn(self, *, connected: bool) -> None:
        if connected != self.connected:
            LOG.info("Live updates %s", "come from the broker" if connected else "are paused: the broker is away")
        self.connected = connected
        self._tell([None])

    def _take(self, message: MQTTMessage) -> None:
        edge = message.topic.split("/")[1]
        try:
            keys = [str(entry["key"]) for entry in json.loads(message.payload)["stored"] if entry.get("key")]
        except (ValueError, TypeError, KeyError, AttributeError):
            return  # not what uploaders write
        for key in keys:
            for follower in self._followers:
                follower(edge, key)
        self._tell([Stored(edge, key) for key in keys])

    def _tell(self, news: Sequence[Stored | None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hand_out, news)

    def _hand_out(self, news: Sequence[Stored | None]) -> None:
        for queue in list(self._listeners):
            if queue.qsize() > MOST_WAITING:
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            for each in news:
                queue.put_nowait(each)
