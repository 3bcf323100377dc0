"""Publishing: the thread, the queue and the MQTT client around what `carrier` decides."""

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
from camera.delivery.carrier import Carrier
from camera.delivery.delivery_status import DeliveryStatus
from camera.delivery.events import DeliveryListener
from camera.delivery.send_window import SendWindow
from camera.delivery.spool import Spool
from common.contract import topics
from common.contract.capture import Capture
from common.contract.visit import Visit
from common.mqtt import MAX_RECEIPT_BYTES, NO_MATCHING_SUBSCRIBERS, accept_packets_up_to

log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 15
MAX_VISITS = 1000  # that wait for the broker; each may take 17 KB
STOP_SECONDS = 5.0


class Publisher:
    """Runs a carrier on one thread, fed by a queue, with paho's client."""

    def __init__(self, settings: Settings, spool: Spool, listeners: Sequence[DeliveryListener]) -> None:
        """Nothing happens before `start`; `listeners` hear where each capture is."""
        self._settings = settings
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._refused: ReasonCode | None = None
        self._visits = set[int]()  # packets of visits that the broker has not acknowledged
        self._visits_lock = threading.Lock()
        self._logged_unreachable = False
        self._client = self._new_client()
        window = SendWindow(settings.window, spool.ids(), spool.size)
        transport = _PahoTransport(self._client, settings)
        receipts = settings.receipts == "on"
        self._carrier = Carrier(spool, window, transport, listeners, time.monotonic, receipts=receipts)
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    @property
    def status(self) -> DeliveryStatus:
        """How delivery goes now; for every thread."""
        return self._carrier.status

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        address = self._settings.edge_broker_host, self._settings.edge_broker_port
        self._client.connect_async(*address, KEEPALIVE_SECONDS, properties=accept_packets_up_to(MAX_RECEIPT_BYTES))
        self._client.loop_start()
        self._thread.start()

    def publish(self, capture_id: str) -> None:
        """Publish a capture that was put in the spool."""
        self._events.put(lambda: self._carrier.add(capture_id))

    def publish_visit(self, visit: Visit) -> None:
        """Publish that a visit is over, once; paho keeps some messages while the broker is unreachable."""
        with self._visits_lock:  # so that no acknowledgement overtakes it
            if len(self._visits) < MAX_VISITS:
                self._visits.add(self._client.publish(topics.VISITS, visit.to_json(), qos=1).mid)
                return
        log.warning("The visit %s is not announced: %d wait for the broker already", visit.track, MAX_VISITS)

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
        client.on_message = lambda _c, _u, message: self._events.put(
            lambda: self._carrier.on_message(message.topic, bytes(message.payload))
        )
        return client

    def _run(self) -> None:
        while not self._stopping.is_set():
            seconds = self._carrier.step()
            try:
                event = self._events.get(timeout=seconds)
            except queue.Empty:
                continue
            event()

    def _on_connected(self, reason: ReasonCode) -> None:
        if reason.is_failure:
            if reason != self._refused:
                log.error("The broker at %s refused the camera: %s", self._address, reason)
            self._refused = reason
            return
        log.info("Connected to the broker at %s", self._address)
        self._logged_unreachable, self._refused = False, None
        self._carrier.on_connected()

    def _on_disconnected(self, reason: ReasonCode) -> None:
        if self.status.connected:
            log.warning("Lost the broker at %s: %s", self._address, reason)
        self._carrier.on_disconnected()

    def _on_unreachable(self) -> None:
        if not self._logged_unreachable:
            log.warning(
                "No broker answers at %s: start edge-broker or fix EDGE_BROKER_HOST, EDGE_BROKER_PORT; captures wait",
                self._address,
            )
        self._logged_unreachable = True

    def _on_acknowledged(self, mid: int, reason: ReasonCode) -> None:
        with self._visits_lock:
            self._visits.discard(mid)
        accepted = not reason.is_failure and reason != NO_MATCHING_SUBSCRIBERS
        self._carrier.on_acknowledged(mid, accepted=accepted, reason="" if accepted else str(reason))

    @property
    def _address(self) -> str:
        return f"{self._settings.edge_broker_host}:{self._settings.edge_broker_port}"


class _PahoTransport:
    """Sends with paho's client, which repeats what was not acknowledged, unless it has QoS 0."""

    def __init__(self, client: mqtt.Client, settings: Settings) -> None:
        self._client, self._qos = client, settings.mqtt_qos
        self._ping_topic = topics.ping(settings.camera_name)
        self.keeps_unacknowledged = self._qos > 0

    def publish(self, capture: Capture) -> int:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = capture.content_type
        properties.UserProperty = capture.properties()
        return self._client.publish(topics.IMAGES, capture.image, self._qos, properties=properties).mid

    def ping(self) -> None:
        self._client.publish(self._ping_topic, b"", qos=1)

    def subscribe(self, filters: Sequence[str]) -> None:
        self._client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in filters])
