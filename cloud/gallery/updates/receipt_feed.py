"""The uploader's receipts, passed on to every open page."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paho.mqtt.client import MQTTMessage

from common.contract import topics
from common.contract.receipt import Receipt
from gallery.updates.broker import BrokerAccess, BrokerReader

log = logging.getLogger(__name__)
RETRY_SECONDS = 5.0  # after a bug ended the loop
STOP_SECONDS = 5.0
MAX_QUEUED = 500  # events for a page that does not read; then it is told to reload

OnStored = Callable[[str, str], None]  # called with an edge and a key


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A capture was stored in the bucket."""

    edge: str
    key: str


Queue = asyncio.Queue[StoredEvent | None]  # None: something may have been missed


class ReceiptFeed:
    """A connection to the cloud broker, and the pages that subscribe to it."""

    def __init__(self, address: BrokerAccess, on_stored: OnStored) -> None:
        """`on_stored` is called on the network thread."""
        self._subscribed = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receipts", daemon=True)
        self._on_stored = on_stored
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queues: set[Queue] = set()
        self._reader = BrokerReader(address, [topics.EVERY_EDGES_RECEIPTS], self._set_listening)
        self._client = self._reader.client
        self._client.on_message = lambda _client, _data, message: self._on_message(message)

    @property
    def is_running(self) -> bool:
        """Whether the thread that reads receipts is alive."""
        return self._thread.is_alive()

    @property
    def connected(self) -> bool:
        """Whether receipts arrive."""
        return self._subscribed and self.is_running

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        self._reader.connect()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._client.disconnect()
        self._thread.join(STOP_SECONDS)

    def subscribe(self) -> Queue:
        """What is stored from now on; None when the connection came or went. Only for the event loop's thread."""
        self._loop = asyncio.get_running_loop()
        queue: Queue = asyncio.Queue()
        self._queues.add(queue)
        return queue

    def unsubscribe(self, queue: Queue) -> None:
        """Only for the event loop's thread."""
        self._queues.discard(queue)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._loop_once()
                self._set_listening(listening=False)
                self._stop.wait(RETRY_SECONDS)
        finally:
            self._subscribed = False
            self._publish([None])

    def _loop_once(self) -> None:
        """Read receipts until told to stop; what the client's own code raises is logged."""
        try:
            self._client.loop_forever(retry_first_connection=True)
        except Exception:
            log.exception("Live updates stopped because of a bug; trying again")

    def _set_listening(self, *, listening: bool) -> None:
        if listening != self._subscribed:
            log.info("Live updates %s", "are on" if listening else "are paused: the broker is not connected")
        self._subscribed = listening
        self._publish([None])

    def _on_message(self, message: MQTTMessage) -> None:
        edge = topics.edge_of_receipts(message.topic)
        try:
            keys = [entry.key for entry in Receipt.parse(message.payload).stored if entry.key]
        except ValueError:
            return  # not what uploaders write
        for key in keys:
            self._on_stored(edge, key)
        self._publish([StoredEvent(edge, key) for key in keys])

    def _publish(self, events: Sequence[StoredEvent | None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._enqueue, events)

    def _enqueue(self, events: Sequence[StoredEvent | None]) -> None:
        for queue in list(self._queues):
            missed = queue.qsize() + len(events) > MAX_QUEUED
            while missed and not queue.empty():
                queue.get_nowait()
            for event in [None] if missed else events:
                queue.put_nowait(event)
