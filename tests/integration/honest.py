"""An honest edge that must not notice an attack, and what the cloud broker's log says of it."""

import contextlib
import re
from collections.abc import Iterator

from dev.harness.services import wait_for
from tests.support.mqtt import Client
from tests.support.rig import CloudBroker

NOT_AUTHORIZED = 135


class Honest:
    """A well-behaved edge, and a cloud client that sees everything that arrives."""

    def __init__(self, edge: Client, witness: Client) -> None:
        self.edge, self.witness = edge, witness

    def topics(self) -> set[str]:
        """What has arrived, once an image of the honest edge has made its way through."""
        before = sum(message.payload == b"honest" for message in self.witness.messages)
        assert self.edge.publish("usbcam/attic/images", b"honest").value == 0

        def arrived() -> bool:
            return sum(message.payload == b"honest" for message in self.witness.messages) > before

        wait_for(arrived, seconds=20, what="the honest edge's image")
        assert self.edge.connections == self.witness.connections == 1
        return {message.topic for message in self.witness.messages if message.payload != b"honest"}


@contextlib.contextmanager
def honest_edge(broker: CloudBroker) -> Iterator[Honest]:
    """The edge attic, enrolled and connected, and its witness."""
    attic = broker.credentials("attic")
    with Client(broker.port) as witness, Client(broker.outside_port, credentials=attic) as edge:
        witness.subscribe("usbcam/#")
        yield Honest(edge, witness)


def may_write(broker: CloudBroker, edge: str) -> bool:
    """Whether the broker takes an image of this edge now; not while it holds it off."""
    credentials = broker.credentials(edge)
    with contextlib.suppress(ConnectionAbortedError), Client(broker.outside_port, credentials=credentials) as client:
        return client.publish(f"usbcam/{edge}/images", b"x").value == 0
    return False


def refusals(broker: CloudBroker, word: str = "Refused") -> list[str]:
    assert broker.process is not None
    return [line for line in broker.process.tail(10_000).splitlines() if word in line]


def has_logged(broker: CloudBroker, pattern: str) -> bool:
    assert broker.process is not None
    return re.search(pattern, broker.process.log.read_text(errors="replace")) is not None
