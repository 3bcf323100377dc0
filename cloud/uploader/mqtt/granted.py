"""What a broker grants in its CONNACK: what cannot work is refused aloud, what is less than asked is said."""

from dataclasses import dataclass
from typing import Self

from paho.mqtt.properties import Properties

from common.mqtt import MAX_RECEIPT_BYTES
from uploader.mqtt.session import SessionConfig

IMAGES_QOS = 1


@dataclass(frozen=True, slots=True)
class Granted:
    """Each default is what MQTT 5 says of a property that is not there; None: as the client asked."""

    shared_subscriptions: bool = True
    wildcards: bool = True
    max_qos: int = 2
    max_packet_bytes: int | None = None
    session_expiry_seconds: int | None = None

    @classmethod
    def read(cls, properties: Properties | None) -> Self:
        def value(name: str, default: int) -> int:
            return int(getattr(properties, name, default))

        return cls(
            shared_subscriptions=bool(value("SharedSubscriptionAvailable", 1)),
            wildcards=bool(value("WildcardSubscriptionAvailable", 1)),
            max_qos=value("MaximumQoS", 2),
            max_packet_bytes=getattr(properties, "MaximumPacketSize", None),
            session_expiry_seconds=getattr(properties, "SessionExpiryInterval", None),
        )

    def refusal(self, session: SessionConfig) -> str | None:
        """Say why images could not be received or receipts not be sent, with the remedy; None if they can."""
        if session.is_shared and not self.shared_subscriptions:
            return "it has no shared subscriptions for several uploaders; set UPLOADERS=1 and raise UPLOAD_THREADS"
        if not self.wildcards:
            return f"it has no wildcard subscriptions, which {session.topics} needs; allow them there"
        if self.max_qos < IMAGES_QOS:
            return "it delivers at QoS 0 alone, without acknowledgements; allow QoS 1 there"
        if self.max_packet_bytes is not None and self.max_packet_bytes < MAX_RECEIPT_BYTES:
            return (
                f"it takes packets of at most {self.max_packet_bytes} bytes, too few for receipts and pictures; "
                "raise its maximum packet size above MAX_IMAGE_MB"
            )
        return None

    def shortfall(self, session: SessionConfig) -> str | None:
        """Say what is less than asked and still works."""
        seconds = self.session_expiry_seconds
        if seconds is None or seconds >= session.expiry_seconds:
            return None
        return (
            f"it keeps the uploader's session for {seconds} s, not {_name(session.expiry_seconds)}; "
            "after that it drops what waits, and cameras send it again"
        )


def qos_refusal(granted_qos: int, subscription: str) -> str | None:
    """Say why a granted subscription is of no use; None if it is."""
    if granted_qos >= IMAGES_QOS:
        return None
    return f"it granted {subscription} at QoS 0 alone, without acknowledgements; allow QoS 1 there"


def _name(seconds: int) -> str:
    return "indefinitely" if seconds == 0xFFFFFFFF else f"{seconds} s"  # noqa: PLR2004 (as MQTT has it)
