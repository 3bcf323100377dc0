"""As much of paho's client as the product uses: one network thread, and nothing is sent twice without a reason."""

import types
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from tests.simulator.engine.broker import Broker, Message
from tests.simulator.engine.simulation import Process, Simulation
from tests.simulator.engine.threads import Event, SimpleQueue

SUCCESS, NO_CONNECTION = 0, 4
ACCEPTED = ReasonCode(PacketTypes.CONNACK, "Success")
PUBLISHED = ReasonCode(PacketTypes.PUBACK, "Success")
NOBODY = ReasonCode(PacketTypes.PUBACK, "No matching subscribers")
QUOTA = ReasonCode(PacketTypes.PUBACK, "Quota exceeded")
GRANTED = ReasonCode(PacketTypes.SUBACK, "Granted QoS 1")
LATENCY_SECONDS = 0.004


class Properties:
    """What paho's takes, without a look at each name."""

    def __init__(self, _packet_type: int) -> None:
        return


class SubscribeOptions:
    RETAIN_SEND_IF_NEW_SUB = 1

    def __init__(self, **_: Any) -> None:
        return


@dataclass(slots=True)
class Info:
    """What publish returns."""

    mid: int
    rc: int
    sent: Event

    def wait_for_publish(self, timeout: float) -> None:
        self.sent.wait(timeout)


class Received(NamedTuple):
    """What a callback gets; in the order of a message, and its packet identifier."""

    topic: str
    payload: bytes
    qos: int
    properties: Any
    dup: bool
    mid: int


@dataclass(slots=True)
class Outgoing:
    message: Message
    info: Info
    is_sent: bool = False


class Client:
    """Callbacks run in the client's own task."""

    on_pre_connect = on_connect = on_connect_fail = on_disconnect = None
    on_publish = on_message = on_subscribe = None

    def __init__(self, simulation: Simulation, broker: Broker, name: str, *, manual_ack: bool, longest: float) -> None:
        self._simulation, self._broker, self._name = simulation, broker, name
        self._manual_ack, self._longest = manual_ack, longest
        self._clean, self._window = True, 65535
        self._inflight_limit = 20
        self._out: OrderedDict[int, Outgoing] = OrderedDict()
        self._mid = 0
        self._packets: SimpleQueue = SimpleQueue()
        self._epoch = 0  # of the connection; nothing of an earlier one arrives
        self._connected = self._stopping = False
        self._may_skip_a_wait = False
        self._arrives_at = 0.0  # TCP keeps the order
        self._process: Process | None = None

    def max_inflight_messages_set(self, limit: int) -> None:
        self._inflight_limit = limit

    def max_queued_messages_set(self, _limit: int) -> None:
        return

    def connect_async(
        self, _host: str, _port: int, _keepalive: int, *, clean_start: Any = None, properties: Any = None
    ) -> None:
        self._clean = clean_start is not False
        self._window = getattr(properties, "ReceiveMaximum", 65535)

    def loop_start(self) -> None:
        self._process = self._simulation.process()
        self._process.on_death.append(lambda: self._detach(forget=self._clean))
        self._process.spawn(self._loop)

    def loop_stop(self) -> None:
        self._stopping = True

    def disconnect(self, properties: Any = None) -> None:
        self._stopping = True
        forget = self._clean or getattr(properties, "SessionExpiryInterval", 1) == 0
        self._travel(lambda: self._detach(forget=forget))
        self._packets.put(PUBLISHED)

    def is_connected(self) -> bool:
        return self._connected

    def reconnect_at_once(self) -> None:
        self._may_skip_a_wait = self._connected
        self.drop("Unspecified error")

    def drop(self, reason: str) -> None:
        """Lose the connection."""
        if self._connected:
            self._connected = False
            self._epoch += 1
            self._broker.disconnect(self._name, forget=self._clean)
            self._packets.put(disconnected(reason))

    def publish(
        self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False, properties: Any = None
    ) -> Info:
        del retain
        self._simulation.pause()  # others may get their turn
        self._mid = self._mid % 65535 + 1
        info = Info(self._mid, SUCCESS if self._connected else NO_CONNECTION, Event())
        message = Message(topic, bytes(payload), qos, properties)
        if qos == 0:
            info.sent.set()
            if self._connected:  # paho calls what was written published
                self._packets.put(partial(self._call_on_publish, info.mid, PUBLISHED))
            self._travel(lambda: self._broker.publish(message))
            return info
        self._out[self._mid] = Outgoing(message, info)
        self._send()
        return info

    def subscribe(self, wanted: Sequence[tuple[str, Any]]) -> None:
        topics = [topic for topic, _ in wanted]
        epoch = self._epoch

        def arrive() -> None:
            self._broker.subscribe(self._name, topics)
            self._back(epoch, partial(_call, self.on_subscribe, self, None, 0, [GRANTED] * len(topics), None))

        self._travel(arrive)

    def ack(self, packet: int, _qos: int) -> None:
        self._travel(lambda: self._broker.acknowledge(self._name, packet))

    def _loop(self) -> None:
        delay = 1.0
        while not self._stopping:
            _call(self.on_pre_connect, self, None)
            self._simulation.sleep(LATENCY_SECONDS)
            if not self._broker.up:
                _call(self.on_connect_fail, self, None)
                if delay == self._longest:  # one failure is like another; it goes on when the broker is back
                    self._broker.wait_until_up()
                    delay *= self._simulation.rng.random()
                self._simulation.sleep(delay)
                delay = min(delay * 2, self._longest)
                continue
            delay = 1.0
            self._connect()
            self._read()
            seconds, self._may_skip_a_wait = 0.0 if self._may_skip_a_wait else delay, False
            if not self._stopping:
                self._simulation.sleep(seconds)

    def _connect(self) -> None:
        self._epoch += 1
        epoch = self._epoch
        self._packets = SimpleQueue()
        self._connected = True
        self._arrives_at = 0.0
        present = self._broker.connect(
            self._name,
            clean=self._clean,
            window=self._window,
            deliver=lambda packet, message: self._back(epoch, partial(self._take, packet, message)),
            end=self.drop,
        )
        for outgoing in self._out.values():
            outgoing.is_sent = False
        self._packets.put(partial(self._greet, types.SimpleNamespace(session_present=present)))
        self._broker.resume(self._name)

    def _read(self) -> None:
        """Handle one packet after the other, up to the reason why there are no more."""
        while not isinstance(handle := self._packets.get(), ReasonCode):
            handle()
        _call(self.on_disconnect, self, None, None, handle, None)

    def _greet(self, flags: Any) -> None:
        _call(self.on_connect, self, None, flags, ACCEPTED, None)
        self._send()

    def _complete(self, mid: int, reason: ReasonCode) -> None:
        outgoing = self._out.pop(mid, None)
        if outgoing is not None:
            outgoing.info.sent.set()
            self._call_on_publish(mid, reason)
            self._send()

    def _call_on_publish(self, mid: int, reason: ReasonCode) -> None:
        _call(self.on_publish, self, None, mid, reason, None)

    def _take(self, packet: int, message: Message) -> None:
        _call(self.on_message, self, None, Received(*message, packet))
        if message.qos and not self._manual_ack:
            self.ack(packet, message.qos)

    def _send(self) -> None:
        if not self._out:
            return
        flying = sum([outgoing.is_sent for outgoing in self._out.values()])
        for mid, outgoing in self._out.items():
            if not self._connected or flying >= self._inflight_limit:
                return
            if not outgoing.is_sent:
                outgoing.is_sent = True
                flying += 1
                self._launch(mid, outgoing.message)

    def _launch(self, mid: int, message: Message) -> None:
        epoch = self._epoch

        def arrive() -> None:
            answer = PUBLISHED if self._broker.refuses or self._broker.publish(message) else NOBODY
            reason = QUOTA if self._broker.refuses else answer
            self._back(epoch, partial(self._complete, mid, reason))

        self._travel(arrive)

    def _travel(self, arrive: Callable[[], object]) -> None:
        """To the broker, in order, unless the connection ends before."""
        if not self._connected:
            return
        epoch, simulation = self._epoch, self._simulation
        self._arrives_at = max(self._arrives_at, simulation.now + LATENCY_SECONDS + simulation.jitter())
        simulation.at(self._arrives_at - simulation.now, self._arrive, epoch, arrive)

    def _arrive(self, epoch: int, arrive: Callable[[], object]) -> None:
        if epoch == self._epoch and self._broker.up:
            arrive()

    def _back(self, epoch: int, handle: Callable[[], object]) -> None:
        self._simulation.at(LATENCY_SECONDS, self._receive, epoch, handle)

    def _receive(self, epoch: int, handle: Callable[[], object]) -> None:
        if epoch == self._epoch:
            self._packets.put(handle)

    def _detach(self, *, forget: bool) -> None:
        if self._connected:
            self._connected = False
            self._epoch += 1
            self._broker.disconnect(self._name, forget=forget)


def _call(callback: Any, *arguments: Any) -> None:
    if callback is not None:
        callback(*arguments)


@cache
def disconnected(reason: str) -> ReasonCode:
    """Paho looks it up in a long table."""
    return ReasonCode(PacketTypes.DISCONNECT, reason)
