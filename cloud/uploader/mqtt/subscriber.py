"""The uploader's session at the cloud broker: what it delivers, and what is acknowledged."""

import contextlib
import logging
import sys
import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from time import monotonic

from paho.mqtt.client import (
    MQTT_ERR_SUCCESS,
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    MQTTMessageInfo,
)
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from common.mqtt import new_client
from common.runtime.repeats import Repeats
from uploader.ingest.parser import Message
from uploader.mqtt.session import Session, end_session_of_one, refused, subscription_refused, unreachable
from uploader.mqtt.status_query import QUESTION, Present, may_answer_on

KEEPALIVE_SECONDS = 15
MAX_RECONNECT_SECONDS = 15
LONGEST_GOODBYE_SECONDS = 2.0
RECEIPTS_REMEMBERED = 200  # messages, each with many receipts; more are not under way together
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message, and the connection on which it may be acknowledged."""

    message: Message
    qos: int
    packet_id: int
    connection: int


Deliveries = SimpleQueue[Delivery | None]


class Subscriber:
    """One persistent MQTT 5 session; its callbacks only note things and queue deliveries."""

    def __init__(self, session: Session, host: str, port: int, window: int, deliveries: Deliveries) -> None:
        self._session = session
        self._where = (host, port)
        self._address = f"{host}:{port} (CLOUD_BROKER_HOST, CLOUD_BROKER_PORT)"
        self._window = window
        self._deliveries = deliveries
        self._lock = threading.Lock()
        self._connection = 0
        self._live = False
        self._gone = threading.Event()
        self._answered_at: float | None = None
        self._unanswered = 0
        self._problem = "it has not answered yet"
        self.state: str | None = "it is starting"  # what whoever asks is told
        self._repeats = Repeats()
        self._dropped = 0
        self._published: deque[MQTTMessageInfo] = deque(maxlen=RECEIPTS_REMEMBERED)
        self._client = self._new_client(host, port)

    def start(self) -> None:
        self._client.loop_start()

    def stop(self) -> None:
        """Take leave of the broker after everything that was acknowledged and published before."""
        deadline = monotonic() + LONGEST_GOODBYE_SECONDS
        for receipt in self._published:  # paho holds back what exceeds the broker's window
            if self._live:
                receipt.wait_for_publish(max(0.0, deadline - monotonic()))
        if self._live:
            self._gone.clear()
            self._client.disconnect(properties=self._session.farewell())
            self._gone.wait(LONGEST_GOODBYE_SECONDS)

    def acknowledge(self, delivery: Delivery) -> bool:
        """Let the broker forget a message, but only on the connection that delivered it.

        On another connection the same packet id belongs to another message.
        """
        with self._lock:
            if not self._live or delivery.connection != self._connection:
                return False
            self._client.ack(delivery.packet_id, delivery.qos)
            return True

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish to whoever is there; without a connection it is lost."""
        if self._live:
            published = self._client.publish(topic, payload, qos=1)
            if published.rc == MQTT_ERR_SUCCESS:
                self._published.append(published)

    def subscribe(self) -> None:
        """Subscribe, or ask again: the answer proves connection, subscription and network thread."""
        # The broker sends retained images only to a subscription that it does not know yet.
        new = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        if self._live:
            self._unanswered += 1
            self._client.subscribe([(self._session.topics, new), (QUESTION, SubscribeOptions(qos=0))])

    @property
    def stuck(self) -> bool:
        """Tell whether the connection stands but the network thread does not turn any more."""
        return self._live and self._unanswered > 6  # noqa: PLR2004 (a minute; keep-alive finds a dead broker in half of that)

    def problem(self, longest_silence_seconds: float) -> str | None:
        """Say what is wrong with the subscription, if anything is."""
        answered_at = self._answered_at
        if not self._live or answered_at is None:
            return f"not subscribed at the broker at {self._address}: {self._problem}"
        silence = monotonic() - answered_at
        if silence > longest_silence_seconds:
            return f"the broker at {self._address} has not answered for {silence:.0f} s"
        return None

    def _new_client(self, host: str, port: int) -> Client:
        client = new_client(self._session.client_id, manual_ack=True, max_reconnect_seconds=MAX_RECONNECT_SECONDS)
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.max_queued_messages_set(1000)  # receipts; what does not fit is sent for again
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = self._session.expiry_seconds
        session.ReceiveMaximum = self._window
        client.connect_async(host, port, KEEPALIVE_SECONDS, clean_start=False, properties=session)
        return client

    def _on_pre_connect(self, _client: Client, _userdata: object) -> None:
        self._end_connection()

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._note_problem(refused(reason))
            return
        if flags.session_present:
            self._forget_queued()
        self._live = True
        self._unanswered = 0
        self.subscribe()
        if self._session.shared:
            threading.Thread(target=end_session_of_one, args=self._where, name="session", daemon=True).start()

    def _forget_queued(self) -> None:
        """Drop what nobody has begun: the broker has kept the session and delivers it again."""
        kept: list[Delivery | None] = []
        with contextlib.suppress(Empty):
            while True:
                delivery = self._deliveries.get_nowait()
                if delivery is None or delivery.qos == 0:
                    kept.append(delivery)
        for delivery in kept:
            self._deliveries.put(delivery)

    def _on_connect_fail(self, _client: Client, _userdata: object) -> None:
        # paho calls this while it handles the error, and does not pass it on.
        self._note_problem(unreachable(sys.exc_info()[1]))

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        lost = self._live
        self._end_connection()
        self._gone.set()
        if lost and reason.is_failure:
            taken = "; run only one uploader, or set UPLOADERS" if str(reason) == "Session taken over" else ""
            self._note_problem(f"the connection was lost ({reason}){taken}")

    def _end_connection(self) -> None:
        with self._lock:
            self._connection += 1
            self._live = False
            self._answered_at = None

    def _on_subscribe(
        self, _client: Client, _userdata: object, _mid: int, reasons: list[ReasonCode], _properties: Properties
    ) -> None:
        images = reasons[0]
        if images.is_failure:
            self._note_problem(subscription_refused(self._session.topics, images))
            return
        if self._answered_at is None:
            LOG.info("Subscribed to %s at the broker at %s", self._session.topics, self._address)
        self._answered_at = monotonic()
        self._unanswered = 0

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        # Nothing here may raise: an exception would end paho's thread without a word.
        if message.topic == QUESTION:
            self._answer(message)
            return
        if message.qos == 0 and self._deliveries.qsize() >= 4 * self._window:
            self._note_dropped()
            return
        properties = getattr(message.properties, "UserProperty", [])
        read = Message(
            topic=message.topic,  # the broker has checked that it is UTF-8
            payload=bytes(message.payload),
            properties=dict(properties),
            arrived_at=datetime.now(UTC),
        )
        self._deliveries.put(Delivery(read, message.qos, message.mid, self._connection))

    def _answer(self, question: MQTTMessage) -> None:
        if question.qos:
            self._client.ack(question.mid, question.qos)
        asked_by = getattr(question.properties, "ResponseTopic", "")
        if may_answer_on(asked_by):
            self._client.publish(asked_by, Present(self._session.client_id, self.state).write())

    def _note_problem(self, problem: str) -> None:
        self._problem = problem
        if self._repeats.is_news(problem):
            LOG.warning("No captures from the broker at %s: %s", self._address, problem)

    def _note_dropped(self) -> None:
        self._dropped += 1
        if self._dropped % 1000 == 1:
            LOG.warning("Dropped %d messages of QoS 0: they come faster than S3 takes them", self._dropped)
