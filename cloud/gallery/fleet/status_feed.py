"""A connection to the cloud broker for the statuses of cameras and uploaders, visits and receipts."""

import contextlib
import logging
import threading
from datetime import UTC, datetime
from typing import Protocol

from paho.mqtt.client import Client, MQTTMessage

from common.contract import topics
from common.contract.receipt import Receipt
from gallery.fleet.fleet import Fleet
from gallery.fleet.json_state import JsonState
from gallery.updates.broker import BrokerAccess, BrokerReader

log = logging.getLogger(__name__)

SAVE_SECONDS = 10.0
STOP_SECONDS = 5.0


class Listener(Protocol):
    """Handles messages on the network thread; must not block."""

    def on_visit(self, edge: str, payload: bytes, now: datetime) -> None: ...
    def on_receipt(self, edge: str, receipt: Receipt) -> None: ...
    def on_uploader_status(self, payload: bytes, now: datetime) -> None: ...


class StatusFeed:
    """Fills the fleet, and saves it every few seconds."""

    def __init__(self, address: BrokerAccess, fleet: Fleet, state: JsonState, listener: Listener | None) -> None:
        """Nothing happens before `start`."""
        self._fleet, self._state, self._listener = fleet, state, listener
        self._stop = threading.Event()
        self._saved = -1
        self._saving = threading.Thread(target=self._save_periodically, name="fleet", daemon=True)
        self._reader = BrokerReader(address, topics.GALLERY_READS, self._set_listening)
        self._client = self._reader.client
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        self._state.load(self._fleet.load)
        self._reader.connect()
        self._client.loop_start()
        self._saving.start()

    def stop(self) -> None:
        self._stop.set()
        self._client.disconnect()
        self._client.loop_stop()
        self._saving.join(STOP_SECONDS)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        now, topic, payload = datetime.now(UTC), message.topic, bytes(message.payload)
        if topics.is_status(topic):
            self._fleet.record(*topics.edge_and_camera(topic), payload, now)
        elif self._listener is None:
            return
        elif topic == topics.UPLOADER_STATUSES:
            self._listener.on_uploader_status(payload, now)
        elif topics.is_visits(topic):
            self._listener.on_visit(topics.edge_of_visits(topic), payload, now)
        else:
            with contextlib.suppress(ValueError):
                self._listener.on_receipt(topics.edge_of_receipts(topic), Receipt.parse(payload))

    def _set_listening(self, *, listening: bool) -> None:
        self._fleet.set_listening(datetime.now(UTC) if listening else None)

    def _save_periodically(self) -> None:
        while not self._stop.wait(SAVE_SECONDS):
            self._save()
        self._save()

    def _save(self) -> None:
        changes = self._fleet.changes
        if changes != self._saved:
            self._saved = changes
            self._state.save(self._fleet.to_json())
