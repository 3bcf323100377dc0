"""The broker, as the uploader would meet it; under a name of its own, so that nobody loses a session."""

import contextlib
import secrets
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from time import monotonic
from types import TracebackType
from typing import Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from common.mqtt import NO_MATCHING_SUBSCRIBERS, new_client
from common.runtime.check_result import CheckResult, failed, passed, skipped, warned
from uploader.mqtt.session import (
    EXCLUSIVE_CLIENT_ID,
    IMAGES,
    connection_refused,
    subscription_refused,
    unreachable,
)
from uploader.mqtt.status_query import STATUS_REQUEST_TOPIC, UploaderStatus, response_topic
from uploader.settings import Settings

ANSWER_SECONDS = 5.0
PRESENCE_SECONDS = 2.0
START = "docker compose -f docker-compose.cloud.yml up --detach"


class BrokerError(Exception):
    """What the broker did not do, in a sentence."""


class Visitor:
    """A client for the length of a `with`, which waits for each answer."""

    def __init__(self, host: str, port: int) -> None:
        self.name = f"check-{secrets.token_hex(4)}"
        self.answers: SimpleQueue[bytes] = SimpleQueue()
        self._where = (host, port)
        self._replies: SimpleQueue[ReasonCode] = SimpleQueue()
        self._client = new_client(self.name)
        self._client.connect_timeout = ANSWER_SECONDS
        self._client.on_connect = lambda _client, _data, _flags, reason, _given: self._replies.put(reason)
        self._client.on_subscribe = lambda _client, _data, _mid, reasons, _given: self._replies.put(reasons[0])
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        self._qos = 1

    def __enter__(self) -> Self:
        try:
            self._client.connect(*self._where, clean_start=True)
        except OSError as error:
            raise BrokerError(unreachable(error)) from error
        self._client.loop_start()
        reason = self._reply("the connection")
        if reason.is_failure:
            self._end()
            raise BrokerError(connection_refused(reason))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def subscribe(self, topics: str) -> ReasonCode:
        """Subscribe without taking what was retained; QoS 0, so that nothing waits for us."""
        options = SubscribeOptions(qos=0, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        self._client.subscribe(topics, options=options)
        return self._reply("the subscription")

    def ask(self, *, surely: bool) -> ReasonCode | None:
        """Ask who uploads. Surely: the broker says whether anybody is subscribed; else it passes by a full window."""
        question = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        question.ResponseTopic = response_topic(self.name)
        question.MessageExpiryInterval = int(PRESENCE_SECONDS)
        self._qos = int(surely)
        self._client.publish(STATUS_REQUEST_TOPIC, b"", qos=self._qos, properties=question)
        return self._reply("the question") if surely else None

    def _end(self) -> None:
        with contextlib.suppress(ValueError):
            self._client.disconnect()
        self._client.loop_stop()

    def _reply(self, what: str) -> ReasonCode:
        try:
            return self._replies.get(timeout=ANSWER_SECONDS)
        except Empty as error:
            self._end()
            raise BrokerError(f"it did not answer {what} within {ANSWER_SECONDS:g} s; look at its log") from error

    def _on_publish(self, _client: Client, _data: object, _mid: int, reason: ReasonCode, _given: Properties) -> None:
        if self._qos:
            self._replies.put(reason)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if message.topic == response_topic(self.name):
            self.answers.put(bytes(message.payload))


def examine(settings: Settings) -> Iterator[CheckResult]:
    """Look at the connection, the uploaders and the right to subscribe."""
    address = f"{settings.cloud_broker_host}:{settings.cloud_broker_port}"
    try:
        with Visitor(settings.cloud_broker_host, settings.cloud_broker_port) as visitor:
            yield passed("broker", f"{address} answers")
            yield _uploaders(visitor, settings.uploaders)
            yield _subscription(visitor, settings.uploaders)
    except BrokerError as error:
        yield failed("broker", f"{address} (CLOUD_BROKER_HOST, CLOUD_BROKER_PORT): {error}")
        yield skipped("uploader", "not asked, and the subscription not tried, without the broker")


def _subscription(visitor: Visitor, uploaders: int) -> CheckResult:
    # Under the uploaders' own group we would be dealt their images.
    topics = IMAGES if uploaders == 1 else f"$share/uploaders/{IMAGES}"
    if uploaders > 1:
        return skipped("subscription", f"{topics} not tried: this would be dealt images meant for the uploaders")
    reason = visitor.subscribe(topics)
    if reason.is_failure:
        return failed("subscription", subscription_refused(topics, reason))
    return passed("subscription", f"{topics} is granted")


def _uploaders(visitor: Visitor, wanted: int) -> CheckResult:
    visitor.subscribe(response_topic(visitor.name))
    reason = visitor.ask(surely=True)
    visitor.ask(surely=False)
    present = _present(visitor, wanted)
    if not present and reason == NO_MATCHING_SUBSCRIBERS:
        return failed(
            "uploader", f"nobody has subscribed, so images go to nobody and cameras send again; start it: {START}"
        )
    if not present:
        return warned("uploader", f"none is connected, its session keeps what arrives; start it: {START}")
    return _judge(present, wanted)


def _present(visitor: Visitor, wanted: int) -> dict[str, UploaderStatus]:
    """Collect who answers: a little longer than needed, since one too many is worth knowing."""
    present: dict[str, UploaderStatus] = {}
    deadline = monotonic() + PRESENCE_SECONDS
    with contextlib.suppress(Empty):
        while (left := deadline - monotonic()) > 0:
            one = UploaderStatus.parse(visitor.answers.get(timeout=left))
            if one is not None:
                present[one.uploader] = one
            if len(present) >= wanted:
                deadline = min(deadline, monotonic() + PRESENCE_SECONDS / 4)
    return present


def _judge(present: dict[str, UploaderStatus], wanted: int) -> CheckResult:
    names = ", ".join(sorted(present))
    alone = EXCLUSIVE_CLIENT_ID in present
    if len(present) > 1 and (wanted == 1 or alone):
        return failed(
            "uploader", f"{len(present)} take the same images ({names}); run only one, or set UPLOADERS for all"
        )
    if alone != (wanted == 1):
        return warned("uploader", f"{names} was started with another UPLOADERS; start it again: {START}")
    problems = [f"{one.uploader} says: {one.problem}" for one in present.values() if one.problem]
    if problems:
        return warned("uploader", "; ".join(problems))
    if len(present) < wanted:
        return warned("uploader", f"{len(present)} of UPLOADERS={wanted} answered: {names}")
    return passed("uploader", f"{names} is connected and well")
