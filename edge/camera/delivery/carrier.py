"""What goes to the broker, and when, until a receipt comes back. Decides; clock and transport are given."""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from camera.delivery.delivery_status import Bridge, DeliveryStatus
from camera.delivery.events import CaptureState, DeliveryListener
from camera.delivery.send_window import SendWindow
from camera.delivery.spool import Spool
from camera.delivery.spool_folder import SpoolError
from common.contract import topics
from common.contract.capture import Capture
from common.contract.receipt import Receipt

log = logging.getLogger(__name__)

STATES = (topics.BRIDGE_STATE, topics.TOKEN)  # the broker keeps the latest of each for whoever subscribes
SUBSCRIPTIONS = (topics.RECEIPTS, *STATES)
NO_TOKEN = b"missing"  # what the edge broker's start.sh publishes then
PING_SECONDS = 5.0


class Transport(Protocol):
    """What a carrier needs of the connection to the broker."""

    keeps_unacknowledged: bool  # and sends them again itself on the next connection

    def publish(self, capture: Capture) -> int:
        """Publish a capture; return the number under which the broker acknowledges it."""

    def ping(self) -> None:
        """Publish something that the broker acknowledges."""

    def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe to topics; the broker then sends what it keeps on them."""


class Carrier:
    """Carries captures from the spool to the broker. Everything is called on one thread."""

    def __init__(
        self,
        spool: Spool,
        window: SendWindow,
        transport: Transport,
        listeners: Sequence[DeliveryListener],
        clock: Callable[[], float],
        *,
        receipts: bool,
    ) -> None:
        """Without `receipts` the broker's acknowledgement ends a delivery. `clock`: monotonic seconds."""
        self.status = DeliveryStatus()  # replaced here alone; every thread may read it
        self._spool, self._window, self._transport, self._listeners = spool, window, transport, listeners
        self._clock, self._receipts = clock, receipts
        self._ids: dict[int, str] = {}  # packet identifier to capture
        self._ping_at = float("-inf")

    def add(self, capture_id: str) -> None:
        """Take on a capture that was put in the spool."""
        self._window.add(capture_id, self._clock())

    def step(self) -> float | None:
        """Do what is due; return in how many seconds something is due again by itself, None if nothing is."""
        if not self.status.connected:
            return None
        if self._clock() >= self._ping_at:
            self._ping_at = self._clock() + PING_SECONDS
            self._ping()
        self._send_pending()
        if (in_flight := self._window.in_flight) != self.status.in_flight:
            self.status = self.status._replace(in_flight=in_flight)
        return max(0.0, min(self._ping_at, self._window.due_at()) - self._clock())

    def on_connected(self) -> None:
        """The broker has accepted the camera; the transport repeats what was not acknowledged."""
        self.status = self.status._replace(connected=True)
        self._transport.subscribe(SUBSCRIPTIONS)
        self._window.requeue_acknowledged()

    def on_disconnected(self) -> None:
        """Nothing can be sent until the next connection."""
        self.status = self.status._replace(connected=False)

    def on_acknowledged(self, packet: int, *, accepted: bool, reason: str) -> None:
        """The broker has answered a publish."""
        self.status = self.status._replace(acknowledged_at=self._clock())
        capture_id = self._ids.pop(packet, None)
        if capture_id is None:
            return
        if not accepted:
            log.warning("The broker did not accept %s (%s), trying again", capture_id, reason)
        for listener in self._listeners if accepted else ():
            listener.on_acknowledged(capture_id)
        if accepted and not self._receipts:
            self._complete(capture_id, CaptureState.ACKNOWLEDGED)
        else:
            self._window.acknowledge(capture_id, self._clock(), accepted=accepted)

    def on_message(self, topic: str, payload: bytes) -> None:
        """The broker has sent what was subscribed to."""
        if topic == topics.BRIDGE_STATE and payload in {b"0", b"1"}:
            self._on_bridge(Bridge.UP if payload == b"1" else Bridge.DOWN)
        elif topic == topics.TOKEN:
            self.status = self.status._replace(token_missing=payload == NO_TOKEN)
        elif topic == topics.RECEIPTS and self._receipts:
            self._on_receipt(payload)

    def _send_pending(self) -> None:
        while capture_id := self._window.pop_next(self._clock()):
            try:
                capture = self._spool.read(capture_id)
            except SpoolError as error:
                log.warning("%s, trying again", error)
                self._window.acknowledge(capture_id, self._clock(), accepted=False)
                continue
            if capture is None:  # dropped from a full spool, or damaged
                self._window.complete(capture_id, self._clock())
                continue
            self._send(capture)

    def _send(self, capture: Capture) -> None:
        self._ids[self._transport.publish(capture)] = capture.id
        for listener in self._listeners:
            listener.on_published(capture)
        if not self._transport.keeps_unacknowledged:  # so the time to retry counts from now
            self._window.acknowledge(capture.id, self._clock(), accepted=self._receipts)
        log.debug("Published %s", capture.id)

    def _ping(self) -> None:
        """Have the broker acknowledge something, so that the health check knows that it answers.

        Bad news is asked for again: the word that it is over may be lost, and captures would wait until it comes.
        """
        self._transport.ping()
        if self.status.bridge is Bridge.DOWN or self.status.token_missing:
            self._transport.subscribe(STATES)

    def _on_bridge(self, bridge: Bridge) -> None:
        if bridge is not self.status.bridge:
            is_up = bridge is Bridge.UP
            log.info("The bridge to the cloud is %s", "up" if is_up else "down, captures wait in the spool")
        self.status = self.status._replace(bridge=bridge)
        self._window.update_bridge(bridge)

    def _on_receipt(self, payload: bytes) -> None:
        try:
            receipt = Receipt.parse(payload)
        except ValueError as error:
            log.warning("Ignored a message on %s: %s", topics.RECEIPTS, error)
            return
        for stored in receipt.stored:
            self._complete(stored.id, CaptureState.STORED, stored.key)
        for rejected in receipt.rejected:
            self._reject(rejected.id, rejected.reason)

    def _complete(self, capture_id: str, state: CaptureState, note: str = "") -> None:
        self._window.complete(capture_id, self._clock())
        self._notify(capture_id, state, note)
        if self._spool.remove(capture_id):
            self.status = self.status._replace(stored=self.status.stored + 1)
            log.info("Stored %s", capture_id)

    def _reject(self, capture_id: str, reason: str) -> None:
        if self._spool.remove(capture_id):
            self.status = self.status._replace(rejected=self.status.rejected + 1)
            log.error("The cloud rejected %s: %s", capture_id, reason)
        self._notify(capture_id, CaptureState.REJECTED, reason)
        self._window.complete(capture_id, self._clock())

    def _notify(self, capture_id: str, state: CaptureState, note: str) -> None:
        for listener in self._listeners:
            listener.on_completed(capture_id, state, note)
