"""Mosquitto's bridge: what an edge publishes goes out under its name, receipts come in."""

from collections.abc import Callable

from common.contract import topics
from tests.simulator.engine.broker import Broker, Message, Session
from tests.simulator.engine.simulation import Simulation

OUT = "bridge"  # the client id of its session at the edge's broker
MAX_FLYING = 20
LATENCY_SECONDS = 0.03


class Bridge:
    """Two directions over one link, which may be slow, swallow everything, or be cut."""

    def __init__(self, simulation: Simulation, name: str, edge: Broker, cloud: Broker) -> None:
        self.simulation, self.name, self._edge, self._cloud = simulation, name, edge, cloud
        self.up = False
        self._forbidden = False  # revoked, or the cable is out
        self._is_trying = False
        self.swallows = False
        self.latency = LATENCY_SECONDS
        self._epoch = 0
        others, edge.on_message = cloud.on_message, self.pump
        cloud.on_message = lambda: [call() for call in (others, self.pump)]
        self.connect()

    @property
    def forbidden(self) -> bool:
        return self._forbidden

    @forbidden.setter
    def forbidden(self, forbidden: bool) -> None:
        self._forbidden = forbidden
        self._try_soon()

    @property
    def _may_connect(self) -> bool:
        return not self._forbidden and self._edge.up and self._cloud.up

    def connect(self) -> None:
        """Try; what does not work is tried again once it may work."""
        self._is_trying = False
        if self.up or not self._may_connect:
            return
        self.up = True
        self._edge.bridged, self._cloud.bridged = {OUT}, self._cloud.bridged | {self.name}
        self._edge.retain(topics.BRIDGE_STATE, b"1")
        self.pump()

    def _try_soon(self) -> None:
        if not self.up and not self._is_trying and self._may_connect:
            self._is_trying = True
            self.simulation.at(2 + 20 * self.simulation.rng.random(), self.connect)

    def cut(self) -> None:
        """Lose the connection; what was not acknowledged is sent again."""
        if not self.up:
            return
        self.simulation.trace(f"bridge {self.name} is down")
        self.up = False
        self._epoch += 1
        self._edge.bridged, self._cloud.bridged = set(), self._cloud.bridged - {self.name}
        for broker, name in ((self._edge, OUT), (self._cloud, self.name)):
            session = broker.sessions.get(name)
            if session is not None:
                session.waiting.extendleft(reversed(session.flying.values()))
                session.flying.clear()
        if self._edge.up:
            self._edge.retain(topics.BRIDGE_STATE, b"0")
        self._try_soon()

    def pump(self) -> None:
        if not self.up:
            self._try_soon()  # a broker may have started
            return
        edge, cloud = self._edge, self._cloud
        if not edge.up or not cloud.up:
            self.cut()
            return
        outwards, inwards = edge.sessions.get(OUT), cloud.sessions.get(self.name)
        if outwards is not None and outwards.waiting:
            self._forward(outwards, cloud, self._outwards)
        if inwards is not None and inwards.waiting:
            self._forward(inwards, edge, self._inwards)

    def _outwards(self, message: Message) -> Message:
        return message._replace(topic=message.topic.replace("usbcam/", f"usbcam/{self.name}/", 1))

    def _inwards(self, message: Message) -> Message:
        return message._replace(topic=topics.RECEIPTS)

    def _forward(self, session: Session, target: Broker, rename: Callable[[Message], Message]) -> None:
        while session.waiting and len(session.flying) < MAX_FLYING:
            message = session.waiting.popleft()
            packet = session.take()
            session.flying[packet] = message
            self._launch(session, packet, target, rename(message))

    def _launch(self, session: Session, packet: int, target: Broker, message: Message) -> None:
        epoch = self._epoch

        def arrive() -> None:
            if epoch != self._epoch or self.swallows:
                return
            if not target.up:
                self.cut()  # the connection has ended with it
                return
            target.publish(message)
            self.simulation.at(self.latency, answer)

        def answer() -> None:
            if epoch == self._epoch and not self.swallows:
                session.flying.pop(packet, None)
                self.pump()

        self.simulation.at(self.latency + self.simulation.jitter(), arrive)
