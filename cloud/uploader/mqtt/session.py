"""Who the uploader is to the broker: alone with a session of its own, or one of several that share the work."""

import logging
import os
import socket
from dataclasses import dataclass

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.mqtt import new_client

IMAGES = "usbcam/+/images"
ALONE = "uploader"  # names the session in which the broker keeps what was not acknowledged
NEVER = 0xFFFFFFFF
ABSENCE_SECONDS = 60  # a member that is away longer is dealt no more; its edges send again what it was dealt
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Session:
    """How to connect and what to subscribe to."""

    client_id: str
    topics: str
    expiry_seconds: int

    @property
    def shared(self) -> bool:
        """Whether other uploaders take their turns with this one."""
        return self.client_id != ALONE

    def farewell(self) -> Properties:
        """One of several leaves nothing behind that would be dealt to it; one alone keeps its session."""
        properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
        if self.shared:
            properties.SessionExpiryInterval = 0
        return properties


def session(uploaders: int) -> Session:
    """Choose by how many uploaders there are."""
    if uploaders == 1:
        return Session(ALONE, IMAGES, NEVER)
    # A container keeps its host name and process number over a restart, and so its session.
    member = f"{ALONE}-{socket.gethostname()}-{os.getpid()}"
    return Session(member, f"$share/uploaders/{IMAGES}", ABSENCE_SECONDS)


def unreachable(error: BaseException | None) -> str:
    return f"{error or 'no connection'}; start it, or mend CLOUD_BROKER_HOST"


def refused(reason: ReasonCode) -> str:
    return f"it refused the uploader ({reason}); let it in, or mend CLOUD_BROKER_HOST"


def subscription_refused(topics: str, reason: ReasonCode) -> str:
    return f"it refused the subscription to {topics} ({reason}); mend its access list"


def end_session_of_one(host: str, port: int) -> None:
    """End the session of an uploader alone: nobody would ever take what gathers there. Edges send it again."""
    client = new_client(ALONE)
    try:
        client.connect(host, port, clean_start=True)
        client.loop_start()
        client.disconnect()
    except OSError as error:
        LOG.warning("Could not end the session of an uploader alone: %s", error)
    finally:
        client.loop_stop()
