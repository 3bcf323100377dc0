"""The uploader's session at the cloud broker: what it delivers, and what is acknowledged."""

import contextlib
import logging
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.contract import topics
from common.mqtt import new_client
from common.runtime.log import RepeatFilter, filtered_logger
from uploader.mqtt.connection import Connection, Phase
from uploader.mqtt.delivery import Delivery
from uploader.mqtt.granted import Granted, qos_refusal
from uploader.mqtt.inbox import Arrival, Inbox
from uploader.mqtt.outbox import Outbox
from uploader.mqtt.session import (
    SessionConfig,
    connection_refused,
    discard_exclusive_session,
    subscription_refused,
    unreachable,
)

KEEPALIVE_SECONDS = 15
MAX_RECONNECT_SECONDS = 15
MAX_DISCONNECT_SECONDS = 2.0
SESSION_TAKEN_OVER = "Session taken over"  # paho's name of reason code 0x8E
log = logging.getLogger(__name__)


class Subscriber:
    """One persistent MQTT 5 session; its callbacks replace the state, queue deliveries and report a loss."""

    def __init__(
        self, session: SessionConfig, host: str, port: int, inbox: Inbox, on_lost: Callable[[], None] = lambda: None
    ) -> None:
        """`on_lost` is called when a connection ended that nobody closed."""
        self._session = session
        self._host_and_port = (host, port)
        self._address = f"{host}:{port} (CLOUD_BROKER_HOST, CLOUD_BROKER_PORT)"
        self._inbox = inbox
        self._on_lost = on_lost
        self._lock = threading.Lock()
        self._connection = Connection()
        self._disconnected = threading.Event()
        self._log = filtered_logger(log, RepeatFilter())
        self._client = new_client(
            session.client_id, login=session.login, manual_ack=True, max_reconnect_seconds=MAX_RECONNECT_SECONDS
        )
        self._outbox = Outbox(self._client, session.client_id, self._address)
        self._prepare_connection(self._client)

    @property
    def connection(self) -> Connection:
        return self._connection

    @property
    def is_stuck(self) -> bool:
        return self._connection.is_stuck

    def problem(self, max_silence_seconds: float) -> str | None:
        """Say what is wrong with the subscription, if anything is."""
        return self._connection.describe_problem(self._address, monotonic(), max_silence_seconds)

    def respond_status(self, problem: Callable[[], str | None]) -> None:
        """Answer status requests with what `problem` returns at that moment; it must not block."""
        self._outbox.report_by(problem)

    def publish_status(self) -> None:
        """Tell everybody what `respond_status` was given; without a connection it is lost."""
        if self._connection.is_up:
            self._outbox.publish_status()

    def start(self) -> None:
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect, after everything acknowledged and published before has been sent."""
        self._outbox.flush(MAX_DISCONNECT_SECONDS, lambda: self._connection.is_up)
        if self._connection.is_up:
            self._disconnected.clear()
            self._client.disconnect(properties=self._session.disconnect_properties())
            self._disconnected.wait(MAX_DISCONNECT_SECONDS)

    def acknowledge(self, delivery: Delivery) -> bool:
        """Let the broker forget a message, but only on the connection that delivered it.

        On another connection the same packet id belongs to another message.
        """
        with self._lock:
            if not self._connection.is_up or delivery.connection != self._connection.number:
                return False
            self._client.ack(delivery.packet_id, delivery.qos)
            return True

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a receipt; without a connection it waits for the next one."""
        self._outbox.publish(topic, payload)

    def subscribe(self) -> None:
        """Subscribe, or ping: the acknowledgement proves connection, subscription and network thread."""
        with self._lock:
            if not self._connection.is_up:
                return
            self._connection = replace(self._connection, pending_pings=self._connection.pending_pings + 1)
        self._client.subscribe(self._session.subscriptions())

    def fetch_what_was_left(self) -> None:
        """Connect again once there is room: then the broker delivers again what was left unacknowledged."""
        connection = self._client.socket()
        if not isinstance(connection, socket.socket) or not self._inbox.should_fetch:
            return
        log.info("Connecting again: messages that did not fit into memory wait at the broker")
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def _prepare_connection(self, client: Client) -> None:
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.connect_async(
            *self._host_and_port, KEEPALIVE_SECONDS, clean_start=False, properties=self._session.connect_properties()
        )

    def _on_pre_connect(self, _client: Client, _userdata: object) -> None:
        self._begin_connection(Phase.CONNECTING)

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._report_problem(connection_refused(reason))
            return
        if not self._accept_grant(Granted.read(properties)):
            return
        if flags.session_present:
            self._inbox.drop_unacknowledged()
        with self._lock:
            self._connection = replace(self._connection, phase=Phase.CONNECTED, pending_pings=0)
        self.subscribe()
        if self._session.is_shared:
            discard = threading.Thread(
                target=discard_exclusive_session,
                args=(*self._host_and_port, self._session.login),
                name="session",
                daemon=True,
            )
            discard.start()

    def _accept_grant(self, granted: Granted) -> bool:
        """Take what the broker grants, and log what it lacks; return whether that is enough."""
        refusal = granted.refusal(self._session)
        if refusal:
            with self._lock:
                self._connection = replace(self._connection, phase=Phase.UNUSABLE, pending_pings=0)
            self._report_problem(refusal)
            return False
        shortfall = granted.shortfall(self._session)
        if shortfall:
            self._log.warning("The broker at %s: %s", self._address, shortfall)
        return True

    def _on_connect_fail(self, _client: Client, _userdata: object) -> None:
        # paho calls this while it handles the error, and does not pass it on.
        self._report_problem(unreachable(sys.exc_info()[1]))

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        was_up, was_lost = self._connection.is_up, not self._inbox.has_left_some
        self._begin_connection(Phase.LOST)
        self._disconnected.set()
        if was_up and was_lost and reason.is_failure:
            hint = "; run only one uploader, or set UPLOADERS" if reason == SESSION_TAKEN_OVER else ""
            self._report_problem(f"the connection was lost ({reason}){hint}")
            self._on_lost()

    def _begin_connection(self, phase: Phase) -> None:
        """Count a new connection, so that nothing of the previous one can be acknowledged."""
        self._inbox.begin_connection()
        with self._lock:
            last = self._connection
            self._connection = Connection(
                last.number + 1, phase, pending_pings=last.pending_pings, problem=last.problem
            )

    def _on_subscribe(
        self, _client: Client, _userdata: object, _mid: int, reasons: list[ReasonCode], _properties: Properties
    ) -> None:
        images = reasons[0]
        with self._lock:  # it answered, whatever it says: the network thread runs
            self._connection = replace(self._connection, pending_pings=0)
        if images.is_failure:
            self._report_problem(subscription_refused(self._session.topics, images))
            return
        refusal = qos_refusal(images.value, self._session.topics)
        if refusal:
            self._report_problem(refusal)
            return
        if self._connection.phase is not Phase.SUBSCRIBED:
            log.info("Subscribed to %s at the broker at %s", self._session.topics, self._address)
        with self._lock:
            self._connection = replace(self._connection, phase=Phase.SUBSCRIBED, last_ack_at=monotonic(), problem=None)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        if message.topic == topics.UPLOADER_STATUS_REQUEST:
            self._outbox.answer(message)
            return
        arrival = self._inbox.put(message, self._connection.number, self._outbox.name_offender)
        if arrival is Arrival.DROPPED and message.qos:
            self._client.ack(message.mid, message.qos)

    def _report_problem(self, problem: str) -> None:
        with self._lock:
            self._connection = replace(self._connection, problem=problem)
        self._log.warning("No captures from the broker at %s: %s", self._address, problem)
