"""The one way to make an MQTT client: MQTT 5, patient reconnects, and callbacks that cannot end paho's thread."""

import logging
import sys
from dataclasses import dataclass, field

from paho.mqtt.client import MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from common.paho.client import Client, patch_paho_wake_up
from common.paho.properties import patch_paho_properties
from common.paho.publish import patch_paho_publish

log = logging.getLogger(__name__)

NO_MATCHING_SUBSCRIBERS = "No matching subscribers"  # paho's name of reason code 0x10: a success that reached nobody
MIN_RECONNECT_SECONDS, MAX_RECONNECT_SECONDS = 1, 10
# What a client that needs no images accepts: the broker drops what is larger instead of sending it.
MAX_RECEIPT_BYTES = 256 * 1024  # a batch of 100 receipts takes at most half of it
MAX_COMMAND_BYTES = 16 * 1024  # commands, statuses and replies take less than 2 KB
CALLBACK_FAILED = "Caught exception in"  # how paho begins to report an exception of a callback


@dataclass(frozen=True, slots=True)
class Login:
    """A user of a broker."""

    user: str
    password: str = field(repr=False)


def new_client(
    client_id: str = "",
    *,
    login: Login | None = None,
    manual_ack: bool = False,
    max_reconnect_seconds: int = MAX_RECONNECT_SECONDS,
) -> Client:
    """Create a client that is not connected yet; without a client ID the broker assigns one."""
    patch_paho_properties()
    patch_paho_publish()
    patch_paho_wake_up()
    client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5, manual_ack=manual_ack)
    if login is not None:
        client.username_pw_set(login.user, login.password)
    client.reconnect_delay_set(MIN_RECONNECT_SECONDS, max_reconnect_seconds)
    client.suppress_exceptions = True  # by default an exception in a callback ends the network thread silently
    client.enable_logger(log)  # formats only what is logged, unlike on_log
    return client


def accept_packets_up_to(size: int) -> Properties:
    """Return the properties for `connect` that bound every packet which the broker sends."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = size
    return properties


class _CallbackErrors(logging.Filter):
    """Adds the trace to paho's report of an exception in a callback; paho logs while it handles the exception."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let these alone pass: what happens to connections is logged by whoever owns the client."""
        if not str(record.msg).startswith(CALLBACK_FAILED):
            return False
        record.exc_info = sys.exc_info()
        return True


log.addFilter(_CallbackErrors())
