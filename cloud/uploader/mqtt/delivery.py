"""Messages on their way from the broker to the workers: bounded by bytes, and shared fairly among the edges."""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from time import monotonic

from common.fair_share import FairShares
from uploader.ingest.parser import IncomingMessage
from uploader.mqtt.upload_limit import UploadLimit

MAX_HELD_BYTES = 192 << 20  # of all messages that wait or are being processed, by all uploaders together
# Of messages that are being processed: more of them at once only share the way to the bucket, and others wait there.
MAX_IN_HAND_BYTES = 32 << 20
MESSAGE_BYTES = 4096  # what a message takes besides its payload
PROPERTY_BYTES = 256  # and each property besides its text
LATE_SECONDS = 1.0  # a PUT takes a twentieth of it


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message, and the number of the connection on which it may be acknowledged."""

    message: IncomingMessage
    qos: int
    packet_id: int
    connection: int
    size: int = field(init=False)  # what it takes in memory, in bytes

    def __post_init__(self) -> None:
        properties = sum([len(name) + len(value) + PROPERTY_BYTES for name, value in self.message.properties.items()])
        object.__setattr__(self, "size", len(self.message.payload) + properties + MESSAGE_BYTES)


class Deliveries:
    """One queue for each edge, by its topic; whoever is served goes to the end of the line.

    Of the memory each may have as much as is free. As soon as a second edge is seen, each may have half of the threads
    that no other has, and in hand as many bytes as are free for that, or one message. At once only as many are in hand
    as the limit says; what takes long does not count.
    """

    def __init__(
        self, threads: int, uploaders: int = 1, *, max_bytes: int = MAX_HELD_BYTES, limit: UploadLimit | None = None
    ) -> None:
        """`uploaders` share the room: an edge that floods reaches all of them."""
        self._threads, self._max_bytes, self._limit = threads, max_bytes // uploaders, limit
        self._held, self._in_hand = FairShares(self._max_bytes), FairShares(MAX_IN_HAND_BYTES // uploaders)
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[Delivery]] = {}  # in the order in which they are served
        self._active: Counter[str] = Counter()
        self._begun_at: dict[int, float] = {}  # by the delivery's identity, the oldest first
        self._first_topic: str | None = None
        self._is_shared = False
        self._is_closed = False

    def put(self, delivery: Delivery) -> bool:
        """Queue a delivery; False if there is no room for it."""
        topic = delivery.message.topic
        with self._changed:
            self._is_shared |= self._first_topic not in {None, topic}
            self._first_topic = self._first_topic or topic
            if not self._held.take(topic, delivery.size):
                return False
            self._waiting.setdefault(topic, deque()).append(delivery)
            self._changed.notify()
            return True

    def get(self, timeout: float | None = None) -> Delivery | None:
        """Wait for the next delivery; None once closed, or after the timeout. Whoever took it calls `done`."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._next_topic() is not None, timeout)
            topic = self._next_topic()
            if self._is_closed or topic is None:
                return None
            line = self._waiting.pop(topic)
            delivery = line.popleft()
            if line:
                self._waiting[topic] = line
            self._active[topic] += 1
            self._in_hand.add(topic, delivery.size)
            self._begun_at[id(delivery)] = monotonic()
            self._wake_next()
            return delivery

    def done(self, delivery: Delivery) -> None:
        """Make room: nothing of the delivery is needed any more. This thread takes the next: no other one is woken."""
        topic = delivery.message.topic
        with self._changed:
            self._active[topic] -= 1
            if not self._active[topic]:
                del self._active[topic]
            self._in_hand.give_back(topic, delivery.size)
            self._begun_at.pop(id(delivery), None)
            if self._limit is not None:
                self._limit.count(is_saturated=bool(self._waiting))
            self._release(delivery)

    def look_again(self) -> None:
        """Wake a thread if something has taken so long by now that it no longer counts."""
        with self._changed:
            self._wake_next()

    def close(self) -> None:
        """Let every `get` return None."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def drop_unacknowledged(self) -> None:
        """Drop what no worker has begun: the broker has kept the session and delivers it again."""
        with self._changed:
            waiting, self._waiting = self._waiting, {}
            for topic, line in waiting.items():
                kept = deque(delivery for delivery in line if delivery.qos == 0)
                for delivery in line:
                    if delivery.qos:
                        self._release(delivery)
                if kept:
                    self._waiting[topic] = kept

    def topics(self) -> list[str]:
        """Of what waits."""
        with self._changed:
            return list(self._waiting)

    def take_all(self, topic: str) -> list[Delivery]:
        """Take what waits on a topic out of the line."""
        with self._changed:
            line = list(self._waiting.pop(topic, ()))
            for delivery in line:
                self._release(delivery)
            return line

    def qsize(self, topic: str | None = None) -> int:
        """How many wait, on one topic or on all."""
        with self._changed:
            if topic is not None:
                return len(self._waiting.get(topic, ()))
            return sum(len(line) for line in self._waiting.values())

    def empty(self) -> bool:
        return self.qsize() == 0

    @property
    def held_bytes(self) -> int:
        """What waits and what is being processed take in memory."""
        with self._changed:
            return self._held.taken

    @property
    def has_much_room(self) -> bool:
        """Whether most of what was held is done."""
        return self.held_bytes <= self._max_bytes // 4

    def _wake_next(self) -> None:
        """Wake one thread if there is something for it: it wakes the next one. All at once would fight for one."""
        if self._next_topic() is not None:
            self._changed.notify()

    def _next_topic(self) -> str | None:
        if not self._waiting:
            return None
        room = self._room()
        if len(self._begun_at) >= room:
            return None
        for topic in self._waiting:
            if self._may_begin(topic, room):
                return topic
        return None

    def _room(self) -> int:
        """How many may be in hand. While the bucket does not answer, all threads may."""
        if self._limit is None:
            return self._threads
        room, before = self._limit.current, monotonic() - LATE_SECONDS
        for begun_at in self._begun_at.values():
            if room >= self._threads or begun_at >= before:
                break
            room += 1
        return min(self._threads, room)

    def _may_begin(self, topic: str, room: int) -> bool:
        if not self._is_shared or not self._active[topic]:
            return True
        left_by_others = room - self._active.total() + self._active[topic]
        has_thread = self._active[topic] < (left_by_others + 1) // 2
        return has_thread and self._in_hand.has_room(topic, self._waiting[topic][0].size)

    def _release(self, delivery: Delivery) -> None:
        self._held.give_back(delivery.message.topic, delivery.size)
