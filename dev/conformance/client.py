"""A client that waits for each answer of the broker, and keeps what it delivers until it is told to acknowledge."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.mqtt import Login
from uploader.mqtt.granted import Granted

SECONDS = 10.0
QUIET_SECONDS = 1.0  # so long nothing more may come where nothing more should
BACKLOG_SECONDS = 60.0


class NotGrantedError(Exception):
    """A need that the broker does not fill; the text is a sentence."""


class LessGrantedError(Exception):
    """A need that it fills in part: usbcam works, with what the sentence says."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """An edge's own, as files."""

    authority: Path
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker in question, and how to come in: by a login, or by a certificate as edges do."""

    host: str
    port: int
    login: Login | None = None
    certificates: Certificates | None = None
    image_megabytes: int = 8

    def client(self, client_id: str = "", **options: int) -> "Probe":
        return Probe(self, client_id or new_name(), **options)


def new_name() -> str:
    """Return a name that nobody else has: of a client, or of an edge in a topic."""
    return f"conformance-{secrets.token_hex(6)}"


def properties(packet: int, **values: object) -> Properties:
    made = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made


class Probe:
    """Connected for the length of a `with`, and never again by itself; raises NotGrantedError for no answer."""

    def __init__(
        self, broker: Broker, client_id: str, *, expiry_seconds: int = 0, window: int = 1000, clean: int = True
    ) -> None:
        self.client_id = client_id
        self.messages: list[MQTTMessage] = []
        self.granted, self.session_present = Granted(), False
        self.ended: ReasonCode | None = None
        self._address, self._clean = (broker.host, broker.port), bool(clean)
        self._connected: ReasonCode | None = None
        self._answers: dict[int, ReasonCode] = {}
        self._changed = threading.Condition()
        self._wishes = properties(PacketTypes.CONNECT, SessionExpiryInterval=expiry_seconds, ReceiveMaximum=window)
        self._client = self._new_client(broker.login, broker.certificates)

    def __enter__(self) -> Self:
        try:
            self._client.connect(*self._address, clean_start=self._clean, properties=self._wishes)
        except OSError as error:  # TLS's too
            raise NotGrantedError(f"no connection: {error}") from error
        self._client.loop_start()
        try:
            self._require_connection()
        except NotGrantedError:
            self._client.loop_stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait(self, is_true: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
        with self._changed:
            if not self._changed.wait_for(is_true, seconds):
                raise NotGrantedError(f"it did not answer {what} within {seconds:g} s")

    def is_quiet(self, is_true: Callable[[], bool]) -> bool:
        """Whether nothing makes this true for a while."""
        with self._changed:
            return not self._changed.wait_for(is_true, QUIET_SECONDS)

    def subscribe(self, topic: str, qos: int = 1) -> ReasonCode | None:
        """Return the broker's answer; None if it ended the connection instead."""
        _, number = self._client.subscribe(topic, qos)
        return self._answer(number, f"the subscription to {topic}")

    def publish(self, topic: str, payload: bytes, described: Properties | None = None) -> ReasonCode | None:
        """Publish at QoS 1 and return the broker's answer; None if it ended the connection instead."""
        return self._answer(self._client.publish(topic, payload, 1, properties=described).mid, "a message")

    def send(self, topic: str, payload: bytes, refused: str) -> None:
        """Publish at QoS 1; raise NotGrantedError with these words for anything but success."""
        answer = self.publish(topic, payload)
        if answer is None or answer.is_failure:
            raise NotGrantedError(f"{refused} ({answer or self.ended})")

    def publish_all(self, topic: str, payloads: list[bytes]) -> None:
        """Publish at QoS 1 and wait until all are acknowledged with success."""
        numbers = [self._client.publish(topic, payload, 1).mid for payload in payloads]
        self.wait(lambda: self.ended is not None or all(n in self._answers for n in numbers), "all", BACKLOG_SECONDS)
        failures = {str(self._answers[n]) for n in numbers if n in self._answers and self._answers[n].is_failure}
        if failures or self.ended is not None:
            raise NotGrantedError(f"messages are refused ({', '.join(failures) or self.ended})")

    def require(self, topic: str) -> None:
        """Subscribe at QoS 1; raise NotGrantedError for anything else."""
        answer = self.subscribe(topic)
        if answer is None or answer.is_failure:
            raise NotGrantedError(f"the subscription to {topic} is refused ({answer or self.ended})")
        if answer.value != 1:
            raise NotGrantedError(f"the subscription to {topic} is granted at QoS {answer.value}, not 1")

    def take(self, count: int, seconds: float = SECONDS) -> list[MQTTMessage]:
        """Return the messages once there are so many, none of them acknowledged."""
        self.wait(lambda: len(self.messages) >= count, f"{count} messages", seconds)
        return self.messages[:count]

    def settle(self, count: int) -> None:
        """Wait until so many messages are here, or no more come."""
        with self._changed:
            while len(self.messages) < count and self._changed.wait(QUIET_SECONDS):
                pass

    def acknowledge(self, messages: list[MQTTMessage]) -> None:
        for message in messages:
            self._client.ack(message.mid, message.qos)

    def acknowledge_always(self) -> None:
        self._client.manual_ack_set(False)  # noqa: FBT003 (paho's parameter has no name to rely on)

    def _require_connection(self) -> None:
        self.wait(lambda: self._connected is not None or self.ended is not None, "the connection")
        if self._connected is None or self._connected.is_failure:
            raise NotGrantedError(f"the connection is refused ({self._connected or self.ended})")

    def _answer(self, number: int | None, what: str) -> ReasonCode | None:
        self.wait(lambda: number in self._answers or self.ended is not None, what)
        return self._answers.get(number or 0)

    def _new_client(self, login: Login | None, certificates: Certificates | None) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, self.client_id, protocol=MQTTv5, manual_ack=True, reconnect_on_failure=False
        )
        client.max_inflight_messages_set(100)
        client.connect_timeout = SECONDS
        if login is not None:
            client.username_pw_set(login.user, login.password)
        if certificates is not None:
            own = (certificates.certificate, certificates.key)
            certificate, key = (str(file) if file else None for file in own)
            client.tls_set(str(certificates.authority), certificate, key)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_subscribe = lambda _client, _data, number, reasons, _given: self._note(number, reasons[0])
        client.on_publish = lambda _client, _data, number, reason, _given: self._note(number, reason)
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, _client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, given: Properties | None
    ) -> None:
        with self._changed:
            self.granted, self.session_present = Granted.read(given), flags.session_present
            self._connected = reason
            self._changed.notify_all()

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: DisconnectFlags, reason: ReasonCode, _given: Properties | None
    ) -> None:
        with self._changed:
            self.ended = self.ended or reason  # the broker's, before what paho makes of the closed connection
            self._changed.notify_all()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def _note(self, number: int, reason: ReasonCode) -> None:
        with self._changed:
            self._answers[number] = reason
            self._changed.notify_all()
