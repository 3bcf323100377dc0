"""How the uploader connects: alone with a persistent session, or as one of several that share the subscription."""

import logging
import os
import socket
from dataclasses import dataclass

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from common.contract import topics
from common.mqtt import MAX_COMMAND_BYTES, Login, accept_packets_up_to, new_client
from common.os_error import plain_reason

EXCLUSIVE_CLIENT_ID = "uploader"  # of the session in which the broker keeps what was not acknowledged
NO_EXPIRY = 0xFFFFFFFF
NOT_AUTHORIZED = "Not authorized"  # paho's name of reason code 0x87
# The broker has one line for each uploader, the uploader one for each edge. So it takes all there is, and bounds it by
# bytes: an image that arrives behind thousands of another edge does not wait for them.
WINDOW = 0xFFFF
SHARED_EXPIRY_SECONDS = 60  # after that a member gets no more images; its edges send again what it had received
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the cloud broker is."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port} (CLOUD_BROKER_HOST, CLOUD_BROKER_PORT)"


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """How to connect and what to subscribe to."""

    client_id: str
    topics: str
    expiry_seconds: int
    login: Login | None = None  # without one the broker must let anybody write receipts
    window: int = WINDOW  # how many images the broker sends before one of them is acknowledged

    @property
    def is_shared(self) -> bool:
        """Whether several uploaders share the images."""
        return self.client_id != EXCLUSIVE_CLIENT_ID

    def connect_properties(self) -> Properties:
        """Keep the session, and the broker from sending more than the window."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self.expiry_seconds
        properties.ReceiveMaximum = self.window
        return properties

    def subscriptions(self) -> list[tuple[str, SubscribeOptions]]:
        """What is subscribed to: images first, and the question how the uploader is."""
        # The broker sends retained images only to a subscription that is new to it.
        images = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        # At QoS 0 a cluster keeps the queue on one node, and when that is lost the session does not come back.
        status = SubscribeOptions(qos=1)
        return [(self.topics, images), (topics.UPLOADER_STATUS_REQUEST, status)]

    def disconnect_properties(self) -> Properties:
        """End a shared session, so that it gets no more images; the exclusive session stays."""
        properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
        if self.is_shared:
            properties.SessionExpiryInterval = 0
        return properties


def session_config(uploaders: int, login: Login | None = None) -> SessionConfig:
    """Choose by the number of uploaders."""
    if uploaders == 1:
        return SessionConfig(EXCLUSIVE_CLIENT_ID, topics.EVERY_EDGES_IMAGES, NO_EXPIRY, login)
    # A container keeps its host name and process number over a restart, and so its session.
    client_id = f"{EXCLUSIVE_CLIENT_ID}-{socket.gethostname()}-{os.getpid()}"
    return SessionConfig(client_id, topics.SHARED_IMAGES, SHARED_EXPIRY_SECONDS, login)


def unreachable(error: BaseException | None) -> str:
    connection = plain_reason(error) if error else "no connection"
    return f"{connection}; start it, or fix CLOUD_BROKER_HOST"


def connection_refused(reason: ReasonCode) -> str:
    return f"it refused the uploader ({reason}); allow its connection, or fix CLOUD_BROKER_HOST"


def subscription_refused(subscription: str, reason: ReasonCode) -> str:
    return f"it refused the subscription to {subscription} ({reason}); fix its access control list"


def receipt_refused(reason: ReasonCode) -> str:
    refused = f"it refused a receipt ({reason}), so cameras keep and send again what is stored"
    if reason != NOT_AUTHORIZED:  # a cluster that is losing a node says so, and takes the next one
        return refused
    return f"{refused}; set CLOUD_BROKER_PASSWORD_FILE to the file that `enroll --prepare` wrote"


def discard_exclusive_session(broker: BrokerAddress, login: Login | None) -> None:
    """End the session of a single uploader: nobody would fetch what it collects. Edges send that again."""
    client = new_client(EXCLUSIVE_CLIENT_ID, login=login)
    try:
        client.connect(broker.host, broker.port, clean_start=True, properties=accept_packets_up_to(MAX_COMMAND_BYTES))
        client.loop_start()
        client.disconnect()
    except OSError as error:
        log.warning("Could not discard the session of a single uploader: %s", plain_reason(error))
    finally:
        client.loop_stop()
