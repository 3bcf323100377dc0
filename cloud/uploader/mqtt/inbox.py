"""What the broker delivers, on its way into the lines of the edges, if there is room."""

from datetime import UTC, datetime

from paho.mqtt.client import MQTTMessage

from common.contract import topics
from common.mqtt_properties import is_malformed, is_oversized
from uploader.ingest.offences import Offence, Offences
from uploader.ingest.parser import IncomingMessage
from uploader.mqtt.delivery import Deliveries, Delivery

MAX_WAITING_QOS_0 = 80  # of one edge; the broker has forgotten them already, so only memory bounds them


class Inbox:
    """Used by the network thread."""

    def __init__(self, deliveries: Deliveries, offences: Offences) -> None:
        self._deliveries, self._offences = deliveries, offences
        self._has_left_some = False

    @property
    def has_left_some(self) -> bool:
        """Whether something was left unacknowledged on this connection, since there was no room for it."""
        return self._has_left_some

    @property
    def should_fetch(self) -> bool:
        """Whether there is room now for what was left."""
        return self._has_left_some and self._deliveries.has_much_room

    def begin_connection(self) -> None:
        """Note that the broker delivers again what was left."""
        self._has_left_some = False

    def drop_unacknowledged(self) -> None:
        """Make room for what the broker delivers again."""
        self._deliveries.drop_unacknowledged()

    def put(self, message: MQTTMessage, connection: int) -> bool:
        """Put a message in the line of its edge; return whether it is one that a camera may have sent."""
        topic = message.topic  # the broker has checked that it is UTF-8
        if message.qos == 0 and self._deliveries.qsize(topic) >= MAX_WAITING_QOS_0:
            self._drop(topic)
            return True
        incoming = IncomingMessage(
            topic=topic,
            payload=bytes(message.payload),
            properties=dict(getattr(message.properties, "UserProperty", [])),
            arrived_at=datetime.now(UTC),
            oversized=is_oversized(message.properties),
            malformed=is_malformed(message.properties),
        )
        if not self._deliveries.put(Delivery(incoming, message.qos, message.mid, connection)):
            (self._drop if message.qos == 0 else self._leave)(topic)
        return not incoming.oversized

    def _drop(self, topic: str) -> None:
        edge = topics.edge_of_images(topic)
        sentence = f"Dropped a message of QoS 0 from {edge}: they arrive faster than they are stored"
        self._offences.count(edge, Offence.DROPPED, sentence)

    def _leave(self, topic: str) -> None:
        self._has_left_some = True
        edge = topics.edge_of_images(topic)
        sentence = f"Left a message from {edge} at the broker for later: its share of the memory is full"
        self._offences.count(edge, Offence.LEFT, sentence)
