"""The uploader's session at the cloud broker: what it delivers, and what is acknowledged."""

import logging
from collections.abc import Callable
from time import monotonic

from common.mqtt import new_client
from uploader.mqtt.callbacks import SessionCallbacks
from uploader.mqtt.connection import Connection, ConnectionState
from uploader.mqtt.delivery import Delivery
from uploader.mqtt.inbox import Inbox
from uploader.mqtt.outbox import Outbox
from uploader.mqtt.session import BrokerAddress, SessionConfig

KEEPALIVE_SECONDS = 15
MAX_RECONNECT_SECONDS = 15
MAX_DISCONNECT_SECONDS = 2.0
FETCH_SECONDS = 1.0  # from one fetch to the next: it may have brought nothing that fits
log = logging.getLogger(__name__)


class Subscriber:
    """One persistent MQTT 5 session, for the threads that use it; paho's own thread is in `SessionCallbacks`."""

    def __init__(
        self, session: SessionConfig, host: str, port: int, inbox: Inbox, on_lost: Callable[[], None] = lambda: None
    ) -> None:
        """`on_lost` is called when a connection ended that nobody closed."""
        self._session = session
        self._broker = BrokerAddress(host, port)
        self._inbox = inbox
        self._state = ConnectionState()
        self._fetched_at = float("-inf")
        self._client = new_client(
            session.client_id, login=session.login, manual_ack=True, max_reconnect_seconds=MAX_RECONNECT_SECONDS
        )
        self._outbox = Outbox(self._client, session.client_id, self._broker)
        self._callbacks = SessionCallbacks(session, self._broker, self._state, inbox, self._outbox, on_lost)
        self._callbacks.attach(self._client)
        properties = session.connect_properties()
        self._client.connect_async(host, port, KEEPALIVE_SECONDS, clean_start=False, properties=properties)

    @property
    def connection(self) -> Connection:
        return self._state.now

    @property
    def is_stuck(self) -> bool:
        return self._state.now.is_stuck

    def problem(self, max_silence_seconds: float) -> str | None:
        """Say what is wrong with the subscription, if anything is."""
        return self._state.now.describe_problem(str(self._broker), monotonic(), max_silence_seconds)

    def respond_status(self, problem: Callable[[], str | None]) -> None:
        """Answer status requests with what `problem` returns at that moment; it must not block."""
        self._outbox.report_by(problem)

    def publish_status(self) -> None:
        """Tell everybody what `respond_status` was given; without a connection it is lost."""
        if self._state.now.is_up:
            self._outbox.publish_status()

    def start(self) -> None:
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect, after everything acknowledged and published before has been sent."""
        self._outbox.flush(MAX_DISCONNECT_SECONDS, lambda: self._state.now.is_up)
        if self._state.now.is_up:
            self._callbacks.disconnected.clear()
            self._client.disconnect(properties=self._session.disconnect_properties())
            self._callbacks.disconnected.wait(MAX_DISCONNECT_SECONDS)

    def acknowledge(self, delivery: Delivery) -> bool:
        """Let the broker forget a message, but only on the connection that delivered it.

        On another connection the same packet id belongs to another message.
        """
        with self._state.held(delivery.connection) as is_current:
            if is_current:
                self._client.ack(delivery.packet_id, delivery.qos)
            return is_current

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a receipt; without a connection it waits for the next one."""
        self._outbox.publish(topic, payload)

    def ping(self) -> None:
        """Subscribe again: the acknowledgement proves connection, subscription and network thread."""
        if self._state.record_ping():
            self._client.subscribe(self._session.subscriptions())

    def fetch_what_was_left(self) -> None:
        """Connect again once there is room: then the broker delivers again what was left unacknowledged."""
        is_due = monotonic() - self._fetched_at >= FETCH_SECONDS
        if is_due and self._client.is_connected() and self._inbox.should_fetch:
            self._fetched_at = monotonic()
            log.info("Connecting again: messages that did not fit into memory wait at the broker")
            self._client.reconnect_at_once()
