"""The broker as the uploader meets it, with its own client ID, so that no session is taken over."""

import contextlib
import secrets
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from time import monotonic
from types import TracebackType
from typing import Self

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from common.contract import topics
from common.contract.uploader_status import UploaderStatus
from common.mqtt import MAX_COMMAND_BYTES, NO_MATCHING_SUBSCRIBERS, Login, accept_packets_up_to, new_client
from common.runtime.check_result import CheckResult, failed, passed, skipped, warned
from common.runtime.deployment import log_of, start
from uploader.mqtt.granted import Granted
from uploader.mqtt.session import (
    EXCLUSIVE_CLIENT_ID,
    SessionConfig,
    connection_refused,
    receipt_refused,
    session_config,
    subscription_refused,
    unreachable,
)
from uploader.settings import Settings

REPLY_TIMEOUT_SECONDS = 5.0
STATUS_TIMEOUT_SECONDS = 2.0


class BrokerError(Exception):
    """What the broker did not do; the text is a sentence for the user."""


class BrokerProbe:
    """A client for the length of a `with`, which waits for each reply."""

    def __init__(self, host: str, port: int, login: Login | None = None) -> None:
        self.client_id = f"check-{secrets.token_hex(4)}"
        self.responses: SimpleQueue[bytes] = SimpleQueue()
        self._address = (host, port)
        self._replies: SimpleQueue[ReasonCode] = SimpleQueue()
        self._client = new_client(self.client_id, login=login)
        self._client.connect_timeout = REPLY_TIMEOUT_SECONDS
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda _client, _data, _mid, reasons, _properties: self._replies.put(reasons[0])
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        self._qos = 1
        self.granted = Granted()

    def __enter__(self) -> Self:
        try:
            properties = accept_packets_up_to(MAX_COMMAND_BYTES)
            self._client.connect(*self._address, clean_start=True, properties=properties)
        except OSError as error:
            raise BrokerError(unreachable(error)) from error
        self._client.loop_start()
        reason = self._reply("the connection")
        if reason.is_failure:
            self._disconnect()
            raise BrokerError(connection_refused(reason))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._disconnect()

    def require(self, session: SessionConfig) -> None:
        """Raise BrokerError for a broker that has not what an uploader's session needs."""
        refusal = self.granted.refusal(session)
        if refusal:
            raise BrokerError(refusal)

    def subscribe(self, topic: str) -> ReasonCode:
        """Subscribe without the retained messages; QoS 0, so that nothing is queued for us."""
        options = SubscribeOptions(qos=0, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        self._client.subscribe(topic, options=options)
        return self._reply("the subscription")

    def request_status(self, *, require_ack: bool) -> ReasonCode | None:
        """Ask every uploader for its status.

        An acknowledgement says whether anyone is subscribed; without it the request also reaches an uploader whose
        receive window is full.
        """
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ResponseTopic = topics.uploader_status_response(self.client_id)
        properties.MessageExpiryInterval = int(STATUS_TIMEOUT_SECONDS)
        self._qos = int(require_ack)
        self._client.publish(topics.UPLOADER_STATUS_REQUEST, b"", qos=self._qos, properties=properties)
        return self._reply("the status request") if require_ack else None

    def _disconnect(self) -> None:
        with contextlib.suppress(ValueError):
            self._client.disconnect()
        self._client.loop_stop()

    def _reply(self, what: str) -> ReasonCode:
        try:
            return self._replies.get(timeout=REPLY_TIMEOUT_SECONDS)
        except Empty as error:
            self._disconnect()
            said = f"it did not answer {what} within {REPLY_TIMEOUT_SECONDS:g} s; {log_of('cloud-broker')} says why"
            raise BrokerError(said) from error

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self.granted = Granted.read(properties)
        self._replies.put(reason)

    def _on_publish(
        self, _client: Client, _data: object, _mid: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        if self._qos:
            self._replies.put(reason)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if message.topic == topics.uploader_status_response(self.client_id):
            self.responses.put(bytes(message.payload))


def check_broker(settings: Settings) -> Iterator[CheckResult]:
    """Check the connection, the uploaders and the permission to subscribe."""
    address = f"{settings.cloud_broker_host}:{settings.cloud_broker_port}"
    try:
        with BrokerProbe(settings.cloud_broker_host, settings.cloud_broker_port, settings.broker_login()) as probe:
            probe.require(session_config(settings.uploaders))
            yield passed("broker", f"{address} answers")
            yield _check_uploaders(probe, settings.uploaders)
            yield _check_subscription(probe, settings.uploaders)
    except BrokerError as error:
        yield failed("broker", f"{address} (CLOUD_BROKER_HOST, CLOUD_BROKER_PORT): {error}")
        yield skipped("uploader", "not checked without the broker, nor is the subscription")


def _check_subscription(probe: BrokerProbe, uploaders: int) -> CheckResult:
    # In the uploaders' own group the probe would be given some of their images.
    subscription = topics.EVERY_EDGES_IMAGES if uploaders == 1 else topics.SHARED_IMAGES
    if uploaders > 1:
        problem = "this check would receive images meant for the uploaders"
        return skipped("subscription", f"{subscription} not tried: {problem}")
    reason = probe.subscribe(subscription)
    if reason.is_failure:
        return failed("subscription", subscription_refused(subscription, reason))
    return passed("subscription", f"{subscription} is granted")


def _check_uploaders(probe: BrokerProbe, wanted: int) -> CheckResult:
    probe.subscribe(topics.uploader_status_response(probe.client_id))
    reason = probe.request_status(require_ack=True)
    probe.request_status(require_ack=False)
    statuses = _collect_statuses(probe, wanted)
    if statuses:
        return _judge(statuses, wanted)
    if reason is not None and reason.is_failure:
        return failed("uploader", receipt_refused(reason))
    if reason == NO_MATCHING_SUBSCRIBERS:
        lost = "nobody has subscribed, so the broker discards images and cameras send them again"
        return failed("uploader", f"{lost}; start it: {start('uploader')}")
    return warned("uploader", f"none is connected, its session keeps what arrives; start it: {start('uploader')}")


def _collect_statuses(probe: BrokerProbe, wanted: int) -> dict[str, UploaderStatus]:
    """Collect the responses: a little longer than needed, since one uploader too many is worth knowing."""
    statuses: dict[str, UploaderStatus] = {}
    deadline = monotonic() + STATUS_TIMEOUT_SECONDS
    with contextlib.suppress(Empty):
        while (left := deadline - monotonic()) > 0:
            status = UploaderStatus.parse(probe.responses.get(timeout=left))
            if status is not None:
                statuses[status.uploader] = status
            if len(statuses) >= wanted:
                deadline = min(deadline, monotonic() + STATUS_TIMEOUT_SECONDS / 4)
    return statuses


def _judge(statuses: dict[str, UploaderStatus], wanted: int) -> CheckResult:
    names = ", ".join(sorted(statuses))
    is_exclusive = EXCLUSIVE_CLIENT_ID in statuses
    if len(statuses) > 1 and (wanted == 1 or is_exclusive):
        problem = f"{len(statuses)} receive the same images ({names})"
        return failed("uploader", f"{problem}; run only one, or set UPLOADERS for all")
    if is_exclusive != (wanted == 1):
        return warned("uploader", f"{names} was started with another UPLOADERS; restart it: {start('uploader')}")
    problems = [f"{status.uploader} reports: {status.problem}" for status in statuses.values() if status.problem]
    if problems:
        return warned("uploader", "; ".join(problems))
    if len(statuses) < wanted:
        return warned("uploader", f"{len(statuses)} of UPLOADERS={wanted} answered: {names}")
    return passed("uploader", f"{names} is connected and healthy")
