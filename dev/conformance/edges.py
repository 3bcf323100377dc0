"""What enrolled edges need of a broker, and what it must refuse them: the list of attacks, for every broker."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from dev.conformance.client import Broker, Certificates, LessGrantedError, NotGrantedError, Probe, new_name

# Where an edge called porch must not write, and what it must not hear; another is called attic. Its own commands are
# not in the list: bridges forward them, nobody reads them, and some brokers end the connection of whoever is refused.
FORBIDDEN_WRITES = (
    "usbcam/attic/images",
    "usbcam/attic/receipts",
    "usbcam/attic/status/door",
    "usbcam",
    "usbcam//images",
    "usbcam/porch2/images",
    "usbcam/porch/receipts",
    "usbcam/porch/status",
    "usbcam/porch/status/a/b",
    "usbcam/porch/images/x",
    "usbcam/porch/other",
    "usbcam/_/receipts",
    "usbcam-bridge/state",
    "$SYS/broker/uptime",
    "$CONTROL/dynamic-security/v1",
    "$share/uploaders/usbcam/porch/images",
)
FORBIDDEN_READS = (
    "#",
    "usbcam/#",
    "usbcam/+/images",
    "usbcam/porch/#",
    "usbcam/+/receipts",
    "usbcam/attic/receipts",
    "+/porch/receipts",
    "$SYS/#",
    "$SYS/broker/uptime",
    "$CONTROL/#",
    "$share/uploaders/usbcam/+/images",
    "$share/mine/usbcam/attic/images",
    "$share/mine/usbcam/porch/receipts",
)


@dataclass(frozen=True, slots=True)
class TriedEdge:
    """An enrolled edge at the port that is open to the world."""

    name: str
    broker: Broker

    def client(self, client_id: str = "") -> Probe:
        return self.broker.client(client_id or self.name)

    def own(self, topics: Iterable[str]) -> list[str]:
        """Write these topics for an edge of this name."""
        return [topic.replace("porch", self.name) for topic in topics]


Need = Callable[[Broker, TriedEdge], str]


def certificate(_broker: Broker, edge: TriedEdge) -> str:
    with edge.client():
        pass
    if _lets_in(replace(edge.broker, certificates=_without_key(edge.broker.certificates))):
        raise NotGrantedError("a client without a certificate comes in")
    return "an enrolled edge comes in, and nobody without a certificate"


def _without_key(certificates: Certificates | None) -> Certificates | None:
    return certificates and Certificates(certificates.authority)


def _lets_in(broker: Broker) -> bool:
    try:
        with broker.client():
            return True
    except NotGrantedError:
        return False


def client_id(broker: Broker, edge: TriedEdge) -> str:
    with broker.client() as inside:
        with contextlib.suppress(NotGrantedError), edge.client(inside.client_id) as thief:
            thief.publish(f"usbcam/{edge.name}/images", b"image")
        if not inside.is_quiet(lambda: inside.ended is not None):
            raise NotGrantedError("an edge that takes the uploader's client id ends the uploader's connection")
    return "an edge cannot take another's client id"


def writes(_broker: Broker, edge: TriedEdge) -> str:
    for topic in edge.own(("usbcam/porch/images", "usbcam/porch/visits", "usbcam/porch/status/door")):
        with edge.client() as sender:
            sender.send(topic, b"image", f"an edge may not write {topic}")
    granted, ended = [], 0
    for topic in edge.own(FORBIDDEN_WRITES):
        with edge.client() as sender:
            answer = sender.publish(topic, b"forged")
            ended += answer is None
            granted += [topic] if answer is not None and not answer.is_failure else []
    if granted:
        raise NotGrantedError(f"an edge may write {', '.join(granted)}")
    if ended:
        raise LessGrantedError(f"a refusal ends the connection, so one wrong topic stops an edge ({ended} of them)")
    return f"an edge writes its own topics; {len(FORBIDDEN_WRITES)} others are refused"


def reads(_broker: Broker, edge: TriedEdge) -> str:
    with edge.client() as reader:
        reader.require(f"usbcam/{edge.name}/receipts")
    granted = []
    for topic in edge.own(FORBIDDEN_READS):
        with edge.client() as reader:
            answer = reader.subscribe(topic)
            granted += [topic] if answer is not None and not answer.is_failure else []
    if granted:
        raise NotGrantedError(f"an edge may subscribe to {', '.join(granted)}")
    return f"an edge hears its receipts; {len(FORBIDDEN_READS)} other subscriptions are refused"


def receipts(broker: Broker, edge: TriedEdge) -> str:
    topic = f"usbcam/{edge.name}/receipts"
    with edge.client() as reader, broker.client() as uploader:
        reader.require(topic)
        uploader.send(topic, new_name().encode(), "the uploader may not write receipts")
        reader.take(1)
    return "a receipt of the uploader reaches its edge"


NEEDS: dict[str, Need] = {
    "certificate": certificate,
    "client id": client_id,
    "edge writes": writes,
    "edge reads": reads,
    "receipts": receipts,
}
