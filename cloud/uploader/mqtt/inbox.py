"""What the broker delivers, on its way into the lines of the edges, if there is room.

What has no room is left unacknowledged at the broker, and fetched later. The broker's room is bounded as well, and it
has one line for all: so of an edge that sends far more than can be stored, the rest is dropped. Cameras send again what
has no receipt.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from time import monotonic

from paho.mqtt.client import MQTTMessage

from common.contract import topics
from common.fair_share import FairShares
from common.paho.properties import is_malformed, is_oversized
from common.rate_limit import TokenBucket
from uploader.ingest.offences import Offence, Offences
from uploader.ingest.parser import IncomingMessage
from uploader.ingest.revoked import RevokedEdges
from uploader.mqtt.delivery import Deliveries, Delivery

MAX_WAITING_QOS_0 = 80  # of one edge; the broker has forgotten them already, so only memory bounds them
# Of all edges together, by all uploaders; one edge's share and what is held of it exceed an edge broker's queue.
MAX_LEFT_BYTES = 96 << 20
DROPS_A_MINUTE = 600  # half of it at once, by all uploaders; whoever exceeds it is held off


class Arrival(Enum):
    """What became of a message."""

    KEPT = "kept"  # it waits for a worker, or at the broker
    DROPPED = "dropped"  # the broker may forget it


class Inbox:
    """Used by the network thread."""

    def __init__(
        self,
        deliveries: Deliveries,
        offences: Offences,
        is_storing: Callable[[], bool] = lambda: True,
        uploaders: int = 1,
        revoked: RevokedEdges | None = None,
    ) -> None:
        """`is_storing`: whether the bucket takes what is sent; while it does not, nothing is dropped to make room.

        `uploaders` share the broker's room: an edge that floods reaches all of them.
        """
        self._deliveries, self._offences, self._is_storing = deliveries, offences, is_storing
        self._max_left_bytes, self._drops_a_minute = MAX_LEFT_BYTES // uploaders, max(1, DROPS_A_MINUTE // uploaders)
        self._revoked = revoked
        self._left = FairShares(self._max_left_bytes)
        self._has_left_some = False
        self._drops: dict[str, TokenBucket] = {}

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
        self._left = FairShares(self._max_left_bytes)
        self._drops.clear()

    def drop_unacknowledged(self) -> None:
        """Make room for what the broker delivers again."""
        self._deliveries.drop_unacknowledged()

    def put(self, message: MQTTMessage, connection: int, on_offence: Callable[[str], object]) -> Arrival:
        """Put a message in the line of its edge; `on_offence` hears of an edge that is no honest one."""
        topic = message.topic  # the broker has checked that it is UTF-8
        edge = topics.edge_of_images(topic)
        if self._revoked is not None and edge in self._revoked:
            self._revoked.count_dropped(edge)
            return Arrival.DROPPED
        if message.qos == 0 and self._deliveries.qsize(topic) >= MAX_WAITING_QOS_0:
            self._count_drop(edge, on_offence)
            return Arrival.DROPPED
        incoming = IncomingMessage(
            topic=topic,
            payload=bytes(message.payload),
            properties=dict(getattr(message.properties, "UserProperty", [])),
            arrived_at=datetime.now(UTC),
            oversized=is_oversized(message.properties),
            malformed=is_malformed(message.properties),
        )
        if incoming.oversized:
            on_offence(edge)
        delivery = Delivery(incoming, message.qos, message.mid, connection)
        if self._deliveries.put(delivery) or self._try_leaving(delivery, is_repeated=message.dup):
            return Arrival.KEPT
        self._count_drop(edge, on_offence)
        return Arrival.DROPPED

    def _try_leaving(self, delivery: Delivery, *, is_repeated: bool) -> bool:
        """Leave it at the broker, if there is room, it was there already, or nothing can be stored; return whether."""
        topic = delivery.message.topic
        if delivery.qos == 0:
            return False
        if not self._left.take(topic, delivery.size) and not is_repeated and self._is_storing():
            return False
        self._has_left_some = True
        edge = topics.edge_of_images(topic)
        sentence = f"Left a message from {edge} at the broker for later: its share of the memory is full"
        self._offences.count(edge, Offence.LEFT, sentence)
        return True

    def _count_drop(self, edge: str, on_offence: Callable[[str], object]) -> None:
        sentence = f"Dropped a message from {edge}: they arrive faster than they are stored"
        self._offences.count(edge, Offence.DROPPED, sentence)
        drops = self._drops.setdefault(edge, TokenBucket(self._drops_a_minute))
        if not drops.try_acquire(monotonic()) and self._is_storing():
            on_offence(edge)
