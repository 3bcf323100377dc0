"""A broker that keeps MQTT's rules and forgets, copies, reorders and drops as brokers may."""

import functools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.simulator.engine.simulation import Simulation, Task

EXPIRY_SECONDS = 60.0  # of a session that shares a subscription


class Message(NamedTuple):  # made a thousand times a week: a frozen dataclass takes three times as long
    topic: str
    payload: bytes
    qos: int
    properties: Any = None
    dup: bool = False  # delivered before, as far as the broker knows


@dataclass(slots=True)
class Session:
    """What a broker keeps of a client."""

    name: str
    topics: tuple[str, ...] = ()
    waiting: deque[Message] = field(default_factory=deque)
    flying: dict[int, Message] = field(default_factory=dict)  # by packet identifier
    next_packet: int = 0
    window: int = 65535
    deliver: Callable[[int, Message], object] | None = None  # while it is connected
    is_shared: bool = False

    def take(self) -> int:
        self.next_packet = self.next_packet % 65535 + 1
        return self.next_packet


@functools.cache
def matches(patterns: tuple[str, ...], topic: str) -> bool:
    return any(_matches(pattern, topic) for pattern in patterns)


def _matches(pattern_text: str, topic_text: str) -> bool:
    pattern, topic = pattern_text.split("/"), topic_text.split("/")
    if pattern[0] == "$share":
        pattern = pattern[2:]
    for position, word in enumerate(pattern):
        if word == "#":
            return True
        if position >= len(topic) or word not in {"+", topic[position]}:
            return False
    return len(pattern) == len(topic)


class Broker:
    """One Mosquitto. Its sessions live in memory; `permanent` ones are made again at each start."""

    def __init__(self, simulation: Simulation, name: str, permanent: dict[str, list[str]]) -> None:
        self.simulation, self.name, self._permanent = simulation, name, permanent
        self.up = True
        self.refuses = False  # each publish, in its answer
        self.drops = self.copies = self.mixes = False  # what it does badly at the moment
        self.sessions: dict[str, Session] = {}
        self.bridged: set[str] = set()  # sessions whose bridge is connected
        self.links: dict[str, Callable[[str], object]] = {}  # how to end each client's connection
        self.on_acknowledged: Callable[[Message], object] = lambda _message: None
        self.on_message: Callable[[], object] = lambda: None
        self.on_publish: Callable[[Message], object] = lambda _message: None
        self.retained: dict[str, Message] = {}
        self._saved: dict[str, list[Message]] = {}
        self._turn = 0
        self._until_up: list[Task] = []
        self._start()

    def save(self) -> None:
        """As autosave does: what a crash may leave."""
        self._saved = {name: [*each.flying.values(), *each.waiting] for name, each in self.sessions.items()}

    def crash(self, *, keeps: bool) -> None:
        """End at once: all that it held is lost, or older than it was."""
        self.simulation.trace(f"{self.name} crashes, {keeps=}")
        self._end()
        topics = {name: session.topics for name, session in self.sessions.items()}
        self.sessions = {}
        self._start()
        if keeps:
            for name, messages in self._saved.items():
                session = self.sessions.setdefault(name, Session(name, topics.get(name, ())))
                session.is_shared = bool(session.topics) and session.topics[0].startswith("$share")
                session.waiting.extend(messages)

    def stop(self) -> None:
        """End in peace: all is saved."""
        self.simulation.trace(f"{self.name} stops")
        self._end()
        for session in self.sessions.values():
            session.waiting.extendleft(reversed(session.flying.values()))
            session.flying.clear()
            session.waiting = deque(message for message in session.waiting if message.qos)

    def start(self) -> None:
        self.simulation.trace(f"{self.name} starts")
        self.up = True
        waiting, self._until_up = self._until_up, []
        for task in waiting:
            self.simulation.wake(task)
        self.on_message()

    def wait_until_up(self) -> None:
        if not self.up:
            self._until_up.append(self.simulation.running())
            self.simulation.block()

    def connect(
        self,
        name: str,
        *,
        clean: bool,
        window: int,
        deliver: Callable[[int, Message], object],
        end: Callable[[str], object],
    ) -> bool:
        """Return whether the session is there already."""
        if name in self.links:
            self.links.pop(name)("Session taken over")
        present = name in self.sessions and not clean
        if not present:
            self.sessions[name] = Session(name)
        session = self.sessions[name]
        session.window, session.deliver = window, deliver
        self.links[name] = end
        return present

    def resume(self, name: str) -> None:
        """Deliver again what was not acknowledged, then what waits."""
        session = self.sessions.get(name)
        if session is None or session.deliver is None:
            return
        for packet, message in session.flying.items():
            session.deliver(packet, message._replace(dup=True))
        self._deliver(session)

    def disconnect(self, name: str, *, forget: bool) -> None:
        self.links.pop(name, None)
        session = self.sessions.get(name)
        if session is None:
            return
        session.deliver = None
        if forget:
            del self.sessions[name]
        elif session.is_shared:
            self.simulation.at(EXPIRY_SECONDS, lambda: self._expire(session))

    def subscribe(self, name: str, topics: list[str]) -> None:
        session = self.sessions.get(name)
        if session is None:
            return
        session.topics = tuple(dict.fromkeys([*session.topics, *topics]))
        session.is_shared = session.topics[0].startswith("$share")
        if session.deliver is not None:
            for message in self.retained.values():
                if matches(tuple(topics), message.topic):
                    session.deliver(0, message._replace(qos=0))

    def publish(self, message: Message) -> bool:
        """Return whether anybody subscribes; the answer does not say whether it was dropped."""
        self.on_publish(message)
        if self.drops and message.qos:
            return True
        found = False
        for session in self.sessions.values():
            if not session.is_shared and matches(session.topics, message.topic):
                found = True
                self._add(session, message)
        found = self._route_shared(message) or found
        self.on_message()
        return found

    def retain(self, topic: str, payload: bytes) -> None:
        self.retained[topic] = Message(topic, payload, 1)
        self.publish(self.retained[topic])

    def acknowledge(self, name: str, packet: int) -> None:
        session = self.sessions.get(name)
        if session is not None:
            message = session.flying.pop(packet, None)
            if message is not None:
                self.on_acknowledged(message)
            self._deliver(session)

    def _expire(self, session: Session) -> None:
        if session.deliver is None and self.sessions.get(session.name) is session:
            del self.sessions[session.name]

    def _start(self) -> None:
        for name, topics in self._permanent.items():
            self.sessions.setdefault(name, Session(name, tuple(topics)))

    def _end(self) -> None:
        self.up = False
        links, self.links = self.links, {}
        for end in links.values():
            end("Unspecified error")
        for session in self.sessions.values():
            session.deliver = None

    def _route_shared(self, message: Message) -> bool:
        members = [
            session
            for session in self.sessions.values()
            if session.is_shared and matches(session.topics[:1], message.topic)
        ]
        if not members:
            return False
        self._turn += 1
        connected = [session for session in members if session.deliver] or members
        self._add(connected[self._turn % len(connected)], message)
        return True

    def _add(self, session: Session, message: Message) -> None:
        if message.qos == 0 and session.deliver is None and session.name not in self.bridged:
            return
        rng = self.simulation.rng
        for _ in range(2 if self.copies and message.qos and rng.random() < 0.5 else 1):
            if self.mixes and session.waiting:
                session.waiting.insert(rng.randrange(len(session.waiting) + 1), message)
            else:
                session.waiting.append(message)
        self._deliver(session)

    def _deliver(self, session: Session) -> None:
        while session.waiting and session.deliver is not None and len(session.flying) < session.window:
            message = session.waiting.popleft()
            if message.qos == 0:
                session.deliver(0, message)
                continue
            packet = session.take()
            session.flying[packet] = message
            session.deliver(packet, message)
