"""Publishing: from the spool to the broker beside the camera, until a receipt comes back."""

import contextlib
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from camera.config.settings import Settings
from camera.delivery.send_window import Window
from camera.delivery.spool import Spool
from common.contract.capture import IMAGES_TOPIC, RECEIPTS_TOPIC, VISITS_TOPIC, Capture, Visit
from common.contract.receipt import State, read_receipt
from common.mqtt import NO_MATCHING_SUBSCRIBERS, new_client

log = logging.getLogger(__name__)

BRIDGE_STATE_TOPIC = "usbcam-bridge/state"  # made by the bridge itself, never leaves the edge
TOKEN_TOPIC, NO_TOKEN = "usbcam-bridge/token", b"missing"  # said by the edge broker's start.sh
PROOF_TOPIC = "usbcam-camera"  # not below usbcam/, so the bridge leaves it alone
KEEPALIVE_SECONDS = 15
TICK_SECONDS = 1.0


class Follower(Protocol):
    """Somebody who wants to know where captures are; is told on the publisher's thread."""

    def sent(self, capture: Capture) -> None:
        """A capture was published, perhaps not for the first time."""

    def answered(self, capture_id: str) -> None:
        """The broker beside the camera has answered for it."""

    def settled(self, capture_id: str, state: State, note: str) -> None:
        """Its way is over; `note` is its key in the bucket, or why it was rejected."""


class Publisher:
    """Carries captures from the spool to the broker. Everything happens on one thread, fed by a queue."""

    def __init__(self, settings: Settings, spool: Spool, followers: Sequence[Follower]) -> None:
        """Nothing happens before `start`; `followers` are told where each capture is."""
        self.stored = 0
        self.rejected = 0
        self.connected = False
        self.lacks_token = False  # as far as the broker says
        self.answered_at: float | None = None  # when the broker last acknowledged something
        self._settings, self._spool, self._followers = settings, spool, followers
        self._window = Window(settings.window, spool.ids(), spool.size)
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._ids: dict[int, str] = {}  # packet identifier to capture
        self._stopping = threading.Event()
        self._refused: ReasonCode | None = None
        self._said_away = False
        self._client = self._make_client()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    @property
    def bridge_up(self) -> bool | None:
        """Whether the bridge to the cloud is up; None if nobody says."""
        return self._window.bridge_up

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        self._client.connect_async(self._settings.edge_broker_host, self._settings.edge_broker_port, KEEPALIVE_SECONDS)
        self._client.loop_start()
        self._thread.start()

    def publish(self, capture_id: str) -> None:
        """Publish a capture that was put in the spool."""
        self._events.put(lambda: self._window.add(capture_id, time.monotonic()))

    def tell(self, visit: Visit) -> None:
        """Publish that a visit is over, once; paho keeps it while the broker is away."""
        self._client.publish(VISITS_TOPIC, json.dumps(visit.content()), qos=1)

    def stop(self) -> None:
        """Say goodbye and stop; what is in the spool stays there."""
        self._stopping.set()
        self._events.put(lambda: None)
        self._thread.join(timeout=5)
        self._client.disconnect()
        self._client.loop_stop()

    def _make_client(self) -> mqtt.Client:
        client = new_client(f"captures-{self._settings.camera_name}")
        client.max_inflight_messages_set(self._settings.window)
        client.on_connect = lambda _c, _u, _f, reason, _p: self._events.put(lambda: self._on_connected(reason))
        client.on_connect_fail = lambda _c, _u: self._events.put(self._on_away)
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._events.put(lambda: self._on_disconnected(reason))
        client.on_publish = lambda _c, _u, mid, reason, _p: self._events.put(lambda: self._on_answered(mid, reason))
        client.on_message = lambda _c, _u, message: self._events.put(lambda: self._on_message(message))
        return client

    def _run(self) -> None:
        next_tick = 0.0
        while not self._stopping.is_set():
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=TICK_SECONDS)()
            if self.connected and time.monotonic() >= next_tick:
                next_tick = time.monotonic() + 5 * TICK_SECONDS
                self._prove()
            self._fill()

    def _fill(self) -> None:
        while self.connected and (capture_id := self._window.next(time.monotonic())):
            capture = self._spool.read(capture_id)
            if capture is None:  # dropped from a full spool, or damaged
                self._window.settle(capture_id, time.monotonic())
                continue
            self._send(capture)

    def _send(self, capture: Capture) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = capture.content_type
        properties.UserProperty = capture.properties()
        info = self._client.publish(IMAGES_TOPIC, capture.image, self._settings.mqtt_qos, properties=properties)
        self._ids[info.mid] = capture.id
        for follower in self._followers:
            follower.sent(capture)
        if self._settings.mqtt_qos == 0:  # paho forgets these when the connection breaks: be patient only so long
            self._window.answered(capture.id, time.monotonic(), taken=self._settings.receipts == "on")
        log.debug("Published %s", capture.id)

    def _prove(self) -> None:
        """Have the broker answer, so that the health check knows that it does."""
        self._client.publish(f"{PROOF_TOPIC}/{self._settings.camera_name}", b"", qos=1)

    def _on_connected(self, reason: ReasonCode) -> None:
        if reason.is_failure:
            if reason != self._refused:
                log.error("The broker at %s refused the camera: %s", self._where, reason)
            self._refused = reason
            return
        log.info("Connected to the broker at %s", self._where)
        self.connected, self._said_away, self._refused = True, False, None
        self._client.subscribe(
            [(topic, SubscribeOptions(qos=1)) for topic in (RECEIPTS_TOPIC, BRIDGE_STATE_TOPIC, TOKEN_TOPIC)]
        )
        self._window.again()  # what had no answer yet, paho repeats by itself

    def _on_disconnected(self, reason: ReasonCode) -> None:
        if self.connected:
            log.warning("Lost the broker at %s: %s", self._where, reason)
        self.connected = False

    def _on_away(self) -> None:
        if not self._said_away:
            log.warning(
                "No broker answers at %s: start edge-broker or mend EDGE_BROKER_HOST, EDGE_BROKER_PORT; captures wait",
                self._where,
            )
        self._said_away = True

    @property
    def _where(self) -> str:
        return f"{self._settings.edge_broker_host}:{self._settings.edge_broker_port}"

    def _on_answered(self, mid: int, reason: ReasonCode) -> None:
        self.answered_at = time.monotonic()
        capture_id = self._ids.pop(mid, None)
        if capture_id is None:
            return
        taken = not reason.is_failure and reason != NO_MATCHING_SUBSCRIBERS
        if not taken:
            log.warning("The broker did not take %s (%s), trying again", capture_id, reason)
        for follower in self._followers if taken else ():
            follower.answered(capture_id)
        if taken and self._settings.receipts == "off":
            self._settle(capture_id, State.TAKEN)
        else:
            self._window.answered(capture_id, time.monotonic(), taken=taken)

    def _on_message(self, message: mqtt.MQTTMessage) -> None:
        if message.topic == BRIDGE_STATE_TOPIC and message.payload in {b"0", b"1"}:
            self._on_bridge(up=message.payload == b"1")
        elif message.topic == TOKEN_TOPIC:
            self.lacks_token = message.payload == NO_TOKEN
        elif message.topic == RECEIPTS_TOPIC and self._settings.receipts == "on":
            self._on_receipt(bytes(message.payload))

    def _on_bridge(self, *, up: bool) -> None:
        if up != self._window.bridge_up:
            log.info("The bridge to the cloud is %s", "up" if up else "down, captures wait in the spool")
        if up and self._window.bridge_up is False:
            self._window.again()
        self._window.bridge_up = up

    def _on_receipt(self, payload: bytes) -> None:
        try:
            receipt = read_receipt(payload)
        except ValueError as error:
            log.warning("Ignored a message on %s: %s", RECEIPTS_TOPIC, error)
            return
        for capture_id, key in receipt.stored:
            self._settle(capture_id, State.STORED, key)
        for capture_id, reason in receipt.rejected:
            if self._spool.remove(capture_id):
                self.rejected += 1
                log.error("The cloud rejected %s: %s", capture_id, reason)
            self._say(capture_id, State.REJECTED, reason)
            self._window.settle(capture_id, time.monotonic())

    def _settle(self, capture_id: str, state: State, note: str = "") -> None:
        self._window.settle(capture_id, time.monotonic())
        self._say(capture_id, state, note)
        if self._spool.remove(capture_id):
            self.stored += 1
            log.info("Stored %s", capture_id)

    def _say(self, capture_id: str, state: State, note: str) -> None:
        for follower in self._followers:
            follower.settled(capture_id, state, note)
