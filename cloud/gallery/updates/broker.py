"""How the gallery connects to the cloud broker, which it only reads."""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from paho.mqtt.client import Client
from paho.mqtt.reasoncodes import ReasonCode

from common.mqtt import MAX_RECEIPT_BYTES, Login, accept_packets_up_to, new_client

log = logging.getLogger(__name__)
KEEPALIVE_SECONDS = 30


class OnListening(Protocol):
    def __call__(self, *, listening: bool) -> None:
        """Receive whether messages arrive from now on."""


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """Where the broker is, and as whom to come; without a login it must let anybody read."""

    host: str
    port: int
    login: Login | None = None


class BrokerReader:
    """Subscribes whenever it is connected; a refusal is logged, and counts as not listening."""

    def __init__(self, address: BrokerAccess, subscriptions: Sequence[str], on_listening: OnListening) -> None:
        """`on_listening` is called on the network thread."""
        self._address, self._on_listening = address, on_listening
        self._refusal = ""
        # The broker keeps nothing for it; the name is for brokers whose rights name what belongs to whom.
        self.client = new_client(f"gallery-{secrets.token_hex(4)}", login=address.login)
        self._subscriptions = [(topic, 1) for topic in subscriptions]
        self.client.on_connect = lambda client, _data, _flags, reason, _given: self._subscribe(client, reason)
        self.client.on_subscribe = lambda _client, _data, _mid, reasons, _given: self._listen(reasons)
        self.client.on_disconnect = lambda *_: on_listening(listening=False)

    def connect(self) -> None:
        """Connect as soon as the client's loop runs."""
        properties = accept_packets_up_to(MAX_RECEIPT_BYTES)
        host, port = self._address.host, self._address.port
        self.client.connect_async(host, port, KEEPALIVE_SECONDS, properties=properties)

    def _subscribe(self, client: Client, reason: ReasonCode) -> None:
        if not self._note_refusal([reason]):
            client.subscribe(self._subscriptions)

    def _listen(self, reasons: Sequence[ReasonCode]) -> None:
        self._on_listening(listening=not self._note_refusal(reasons))

    def _note_refusal(self, reasons: Sequence[ReasonCode]) -> str:
        """Log and keep why the broker refuses; return it, empty if it does not."""
        refusal = next((str(reason) for reason in reasons if reason.is_failure), "")
        if refusal and refusal != self._refusal:  # it tries again every few seconds
            log.warning(
                "The cloud broker refused the gallery (%s), so there are no live updates; "
                "set GALLERY_BROKER_PASSWORD_FILE to the file that `enroll --prepare` wrote",
                refusal,
            )
        self._refusal = refusal
        return refusal
