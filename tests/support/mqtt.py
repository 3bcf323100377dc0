"""An MQTT 5 client for tests: every call returns when the broker has answered it."""

import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from dev.harness.enrolment import Credentials
from dev.harness.services import LOOPBACK, wait_for

FOR_EVER = 0xFFFFFFFF
ADMINISTRATIVE_ACTION = 0x98  # MQTT 5, 3.14.2.1
SECONDS = 20.0  # for an answer on a busy machine


@dataclass(frozen=True, slots=True)
class Message:
    topic: str
    payload: bytes
    qos: int
    retain: bool
    content_type: str | None
    properties: tuple[tuple[str, str], ...]


class Client:
    """Connected for the length of a `with`; what arrives is in `messages`."""

    def __init__(
        self, port: int, client_id: str = "", *, keep_session: bool = False, credentials: Credentials | None = None
    ) -> None:
        """`credentials`: of an edge, for the port that is open to the world."""
        self.messages: list[Message] = []
        self.reasons: dict[int, ReasonCode] = {}
        self.session_present = False
        self.connections = 0  # more than one: the broker threw us out
        self.thrown_out = False  # by somebody who changed our rights
        self._connected = threading.Event()
        self._granted: dict[int, ReasonCode] = {}
        self._keep_session = keep_session
        self._port = port
        self._paho = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)
        if credentials is not None:
            self._paho.tls_set(str(credentials.authority), str(credentials.certificate), str(credentials.key))
        self._paho.on_connect = self._on_connect
        self._paho.on_disconnect = self._on_disconnect
        self._paho.on_subscribe = self._on_subscribe
        self._paho.on_publish = self._on_publish
        self._paho.on_message = lambda _client, _data, message: self.messages.append(_message(message))

    def __enter__(self) -> Self:
        properties = _properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = FOR_EVER if self._keep_session else 0
        properties.ReceiveMaximum = 100
        self._paho.connect(LOOPBACK, self._port, clean_start=not self._keep_session, properties=properties)
        self._paho.loop_start()
        try:
            wait_for(self._connected.is_set, seconds=SECONDS, what=f"a connection to port {self._port}")
        except TimeoutError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()
        if left_open := self._paho.socket():  # by a broker that did not answer
            left_open.close()
        # paho closes its last sockets when it is deleted, and it is not while its callbacks hold us and we hold it.
        self._paho.on_connect = self._paho.on_disconnect = None
        self._paho.on_subscribe = self._paho.on_publish = self._paho.on_message = None

    def subscribe(self, topic: str) -> ReasonCode:
        """Subscribe at QoS 1 and return the broker's answer."""
        # As published: else the broker clears the retain flag of all but what it had kept before.
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        _, mid = self._paho.subscribe(topic, options=options)
        assert mid is not None
        wait_for(lambda: mid in self._granted, seconds=SECONDS, what=f"a subscription to {topic}")
        return self._granted[mid]

    def will(self, topic: str) -> None:
        """Leave a last will; before the `with`."""
        self._paho.will_set(topic, b"forged", qos=1, retain=True)

    def login(self, user: str, password: str) -> None:
        """Give another name than the certificate's; before the `with`."""
        self._paho.username_pw_set(user, password)

    def send(self, topic: str, payload: bytes, properties: Properties | None = None, *, retain: bool = False) -> int:
        """Publish at QoS 1 without waiting and return the message's number."""
        return self._paho.publish(topic, payload, 1, retain, properties).mid

    def publish(
        self, topic: str, payload: bytes, properties: Properties | None = None, *, retain: bool = False
    ) -> ReasonCode:
        """Publish at QoS 1 and return the broker's answer.

        A ConnectionAbortedError: a change of our rights threw us out before it, and may do so again when we come back.
        """
        mid = self.send(topic, payload, properties, retain=retain)
        wait_for(lambda: mid in self.reasons or self.thrown_out, seconds=SECONDS, what=f"the answer to {topic}")
        if mid not in self.reasons:
            raise ConnectionAbortedError(f"the broker ended the connection before its answer to {topic}")
        return self.reasons[mid]

    def wait_for(self, count: int, *, seconds: float = SECONDS) -> list[Message]:
        """Return what has arrived when it is as much as that."""
        wait_for(lambda: len(self.messages) >= count, seconds=seconds, what=f"{count} messages on {self._port}")
        return list(self.messages)

    def _on_connect(
        self, _client: paho.Client, _data: object, flags: paho.ConnectFlags, _code: ReasonCode, _given: object
    ) -> None:
        self.session_present = flags.session_present
        self.connections += 1
        self._connected.set()

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: paho.DisconnectFlags, code: ReasonCode, _given: object
    ) -> None:
        if code.value == ADMINISTRATIVE_ACTION:
            self.thrown_out = True

    def _on_subscribe(
        self, _client: paho.Client, _data: object, mid: int, codes: list[ReasonCode], _given: object
    ) -> None:
        self._granted[mid] = codes[0]

    def _on_publish(self, _client: paho.Client, _data: object, mid: int, code: ReasonCode, _given: object) -> None:
        self.reasons[mid] = code


def image_properties(**user: str) -> Properties:
    """Return a content type and user properties as the camera sends them."""
    properties = _properties(PacketTypes.PUBLISH)
    properties.ContentType = "image/png"
    properties.UserProperty = list(user.items())
    return properties


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]  # paho's own gap


def _message(message: paho.MQTTMessage) -> Message:
    return Message(
        message.topic,
        bytes(message.payload),
        message.qos,
        message.retain,
        getattr(message.properties, "ContentType", None),
        tuple(getattr(message.properties, "UserProperty", ())),
    )
