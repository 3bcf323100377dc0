"""Publishing: from the spool to the edge broker, until a receipt comes back."""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from camera.config.broker_login import new_camera_client
from camera.config.settings import Settings
from camera.delivery.events import CaptureState, DeliveryListener
from camera.delivery.send_window import SendWindow
from camera.delivery.spool import Spool
from camera.delivery.spool_folder import SpoolError
from common.contract import topics
from common.contract.capture import Capture, Visit
from common.contract.receipt import Receipt
from common.mqtt import MAX_RECEIPT_BYTES, NO_MATCHING_SUBSCRIBERS, accept_packets_up_to

log = logging.getLogger(__name__)

STATES = (topics.BRIDGE_STATE, topics.TOKEN)  # the broker keeps the latest of each for whoever subscribes
SUBSCRIPTIONS = (topics.RECEIPTS, *STATES)
NO_TOKEN = b"missing"  # what the edge broker's start.sh publishes then
KEEPALIVE_SECONDS = 15
TICK_SECONDS = 1.0
PING_SECONDS = 5.0
STOP_SECONDS = 5.0


class Publisher:
    """Carries captures from the spool to the broker. Everything happens on one thread, fed by a queue."""

    def __init__(self, settings: Settings, spool: Spool, listeners: Sequence[DeliveryListener]) -> None:
        """Nothing happens before `start`; `listeners` hear where each capture is."""
        self.stored = 0
        self.rejected = 0
        self.connected = False
        self.token_missing = False  # as far as the broker says
        self.acknowledged_at: float | None = None  # when the broker last acknowledged something
        self._settings, self._spool, self._listeners = settings, spool, listeners
        self._window = SendWindow(settings.window, spool.ids(), spool.size)
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._ids: dict[int, str] = {}  # packet identifier to capture
        self._stopping = threading.Event()
        self._refused: ReasonCode | None = None
        self._logged_unreachable = False
        self._client = self._new_client()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    @property
    def bridge_up(self) -> bool | None:
        """Whether the bridge to the cloud is up; None if unknown."""
        return self._window.bridge_up

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        address = self._settings.edge_broker_host, self._settings.edge_broker_port
        self._client.connect_async(*address, KEEPALIVE_SECONDS, properties=accept_packets_up_to(MAX_RECEIPT_BYTES))
        self._client.loop_start()
        self._thread.start()

    def publish(self, capture_id: str) -> None:
        """Publish a capture that was put in the spool."""
        self._events.put(lambda: self._window.add(capture_id, time.monotonic()))

    def publish_visit(self, visit: Visit) -> None:
        """Publish that a visit is over, once; paho keeps the message while the broker is unreachable."""
        self._client.publish(topics.VISITS, visit.to_json(), qos=1)

    def stop(self) -> None:
        """Disconnect and stop; what is in the spool stays there."""
        self._stopping.set()
        self._events.put(lambda: None)
        self._thread.join(timeout=STOP_SECONDS)
        self._client.disconnect()
        self._client.loop_stop()

    def _new_client(self) -> mqtt.Client:
        client = new_camera_client(self._settings, "captures")
        client.max_inflight_messages_set(self._settings.window)
        client.on_connect = lambda _c, _u, _f, reason, _p: self._events.put(lambda: self._on_connected(reason))
        client.on_connect_fail = lambda _c, _u: self._events.put(self._on_unreachable)
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._events.put(lambda: self._on_disconnected(reason))
        client.on_publish = lambda _c, _u, mid, reason, _p: self._events.put(lambda: self._on_acknowledged(mid, reason))
        client.on_message = lambda _c, _u, message: self._events.put(lambda: self._on_message(message))
        return client

    def _run(self) -> None:
        next_ping = 0.0
        while not self._stopping.is_set():
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=TICK_SECONDS)()
            if self.connected and time.monotonic() >= next_ping:
                next_ping = time.monotonic() + PING_SECONDS
                self._ping()
            self._send_pending()

    def _send_pending(self) -> None:
        while self.connected and (capture_id := self._window.pop_next(time.monotonic())):
            try:
                capture = self._spool.read(capture_id)
            except SpoolError as error:
                log.warning("%s, trying again", error)
                self._window.acknowledge(capture_id, time.monotonic(), accepted=False)
                continue
            if capture is None:  # dropped from a full spool, or damaged
                self._window.complete(capture_id, time.monotonic())
                continue
            self._send(capture)

    def _send(self, capture: Capture) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = capture.content_type
        properties.UserProperty = capture.properties()
        info = self._client.publish(topics.IMAGES, capture.image, self._settings.mqtt_qos, properties=properties)
        self._ids[info.mid] = capture.id
        for listener in self._listeners:
            listener.on_published(capture)
        if self._settings.mqtt_qos == 0:  # paho drops these with the connection, so the time to retry counts from now
            self._window.acknowledge(capture.id, time.monotonic(), accepted=self._settings.receipts == "on")
        log.debug("Published %s", capture.id)

    def _ping(self) -> None:
        """Have the broker acknowledge something, so that the health check knows that it answers.

        Bad news is asked for again: the word that it is over may be lost, and captures would wait until it comes.
        """
        self._client.publish(topics.ping(self._settings.camera_name), b"", qos=1)
        if self._window.bridge_up is False or self.token_missing:
            self._subscribe(STATES)

    def _subscribe(self, filters: Sequence[str]) -> None:
        self._client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in filters])

    def _on_connected(self, reason: ReasonCode) -> None:
        if reason.is_failure:
            if reason != self._refused:
                log.error("The broker at %s refused the camera: %s", self._address, reason)
            self._refused = reason
            return
        log.info("Connected to the broker at %s", self._address)
        self.connected, self._logged_unreachable, self._refused = True, False, None
        self._subscribe(SUBSCRIPTIONS)
        self._window.requeue_acknowledged()  # paho itself repeats what was not acknowledged

    def _on_disconnected(self, reason: ReasonCode) -> None:
        if self.connected:
            log.warning("Lost the broker at %s: %s", self._address, reason)
        self.connected = False

    def _on_unreachable(self) -> None:
        if not self._logged_unreachable:
            log.warning(
                "No broker answers at %s: start edge-broker or fix EDGE_BROKER_HOST, EDGE_BROKER_PORT; captures wait",
                self._address,
            )
        self._logged_unreachable = True

    @property
    def _address(self) -> str:
        return f"{self._settings.edge_broker_host}:{self._settings.edge_broker_port}"

    def _on_acknowledged(self, mid: int, reason: ReasonCode) -> None:
        self.acknowledged_at = time.monotonic()
        capture_id = self._ids.pop(mid, None)
        if capture_id is None:
            return
        accepted = not reason.is_failure and reason != NO_MATCHING_SUBSCRIBERS
        if not accepted:
            log.warning("The broker did not accept %s (%s), trying again", capture_id, reason)
        for listener in self._listeners if accepted else ():
            listener.on_acknowledged(capture_id)
        if accepted and self._settings.receipts == "off":
            self._complete(capture_id, CaptureState.ACKNOWLEDGED)
        else:
            self._window.acknowledge(capture_id, time.monotonic(), accepted=accepted)

    def _on_message(self, message: mqtt.MQTTMessage) -> None:
        if message.topic == topics.BRIDGE_STATE and message.payload in {b"0", b"1"}:
            self._on_bridge(up=message.payload == b"1")
        elif message.topic == topics.TOKEN:
            self.token_missing = message.payload == NO_TOKEN
        elif message.topic == topics.RECEIPTS and self._settings.receipts == "on":
            self._on_receipt(bytes(message.payload))

    def _on_bridge(self, *, up: bool) -> None:
        if up != self._window.bridge_up:
            log.info("The bridge to the cloud is %s", "up" if up else "down, captures wait in the spool")
        if up and self._window.bridge_up is False:
            self._window.requeue_acknowledged()
        self._window.bridge_up = up

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
        self._window.complete(capture_id, time.monotonic())
        self._notify(capture_id, state, note)
        if self._spool.remove(capture_id):
            self.stored += 1
            log.info("Stored %s", capture_id)

    def _reject(self, capture_id: str, reason: str) -> None:
        if self._spool.remove(capture_id):
            self.rejected += 1
            log.error("The cloud rejected %s: %s", capture_id, reason)
        self._notify(capture_id, CaptureState.REJECTED, reason)
        self._window.complete(capture_id, time.monotonic())

    def _notify(self, capture_id: str, state: CaptureState, note: str) -> None:
        for listener in self._listeners:
            listener.on_completed(capture_id, state, note)
