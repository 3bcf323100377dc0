"""What happens on a connection, as paho's network thread reports it."""

import logging
import sys
import threading
from collections.abc import Callable
from time import monotonic

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.contract import topics
from common.runtime.log import RepeatFilter, filtered_logger
from uploader.mqtt.connection import ConnectionState, Phase
from uploader.mqtt.granted import Granted, qos_refusal
from uploader.mqtt.inbox import Arrival, Inbox
from uploader.mqtt.outbox import Outbox
from uploader.mqtt.session import (
    BrokerAddress,
    SessionConfig,
    connection_refused,
    discard_exclusive_session,
    subscription_refused,
    unreachable,
)

SESSION_TAKEN_OVER = "Session taken over"  # paho's name of reason code 0x8E
log = logging.getLogger(__name__)


class SessionCallbacks:
    """Replace the state of the connection, queue what is delivered, and report a loss."""

    def __init__(
        self,
        session: SessionConfig,
        broker: BrokerAddress,
        state: ConnectionState,
        inbox: Inbox,
        outbox: Outbox,
        on_lost: Callable[[], None],
    ) -> None:
        """`on_lost` is called when a connection ended that nobody closed."""
        self._session, self._broker, self._state = session, broker, state
        self._inbox, self._outbox, self._on_lost = inbox, outbox, on_lost
        self._log = filtered_logger(log, RepeatFilter())
        self.disconnected = threading.Event()

    def attach(self, client: Client) -> None:
        """Have the client call these."""
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message

    def _on_pre_connect(self, _client: Client, _userdata: object) -> None:
        self._begin_connection(Phase.CONNECTING)

    def _on_connect(
        self, client: Client, _userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._report_problem(connection_refused(reason))
            return
        if not self._accept_grant(Granted.read(properties)):
            return
        if flags.session_present:
            self._inbox.drop_unacknowledged()
        self._state.record_accepted()
        self._state.record_ping()
        client.subscribe(self._session.subscriptions())
        if self._session.is_shared:
            discard = threading.Thread(
                target=discard_exclusive_session,
                args=(self._broker, self._session.login),
                name="session",
                daemon=True,
            )
            discard.start()

    def _accept_grant(self, granted: Granted) -> bool:
        """Take what the broker grants, and log what it lacks; return whether that is enough."""
        refusal = granted.refusal(self._session)
        if refusal:
            self._state.record_unusable()
            self._report_problem(refusal)
            return False
        shortfall = granted.shortfall(self._session)
        if shortfall:
            self._log.warning("The broker at %s: %s", self._broker, shortfall)
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
        was_up, was_lost = self._state.now.is_up, not self._inbox.has_left_some
        self._begin_connection(Phase.LOST)
        self.disconnected.set()
        if was_up and was_lost and reason.is_failure:
            hint = "; run only one uploader, or set UPLOADERS" if reason == SESSION_TAKEN_OVER else ""
            self._report_problem(f"the connection was lost ({reason}){hint}")
            self._on_lost()

    def _begin_connection(self, phase: Phase) -> None:
        self._inbox.begin_connection()
        self._state.begin(phase)

    def _on_subscribe(
        self, _client: Client, _userdata: object, _mid: int, reasons: list[ReasonCode], _properties: Properties
    ) -> None:
        images = reasons[0]
        self._state.record_answer()
        if images.is_failure:
            self._report_problem(subscription_refused(self._session.topics, images))
            return
        refusal = qos_refusal(images.value, self._session.topics)
        if refusal:
            self._report_problem(refusal)
            return
        if self._state.now.phase is not Phase.SUBSCRIBED:
            log.info("Subscribed to %s at the broker at %s", self._session.topics, self._broker)
        self._state.record_subscribed(monotonic())

    def _on_message(self, client: Client, _userdata: object, message: MQTTMessage) -> None:
        if message.topic == topics.UPLOADER_STATUS_REQUEST:
            self._outbox.answer(message)
            return
        arrival = self._inbox.put(message, self._state.now.number, self._outbox.name_offender)
        if arrival is Arrival.DROPPED and message.qos:
            client.ack(message.mid, message.qos)

    def _report_problem(self, problem: str) -> None:
        self._state.record_problem(problem)
        self._log.warning("No captures from the broker at %s: %s", self._broker, problem)
