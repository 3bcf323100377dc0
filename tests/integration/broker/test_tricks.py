"""Tricks of an enrolled edge with wills, aliases, control topics and QoS 2, and what remains of a revoked one."""

import contextlib
import json
import signal
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dev.harness.enrolment import Credentials
from dev.harness.services import wait_for
from tests.integration.conftest import BROKER_IMAGES
from tests.integration.honest import Honest, has_logged, honest_edge
from tests.support.attacks import attack
from tests.support.attacks.attack import packet, text
from tests.support.mqtt import Client
from tests.support.rig import CloudBroker, running_cloud_broker

CONTROL = "$CONTROL/dynamic-security/v1"
PUBLISH, DISCONNECT, QOS_NOT_SUPPORTED = 0x32, 0xE0, 0x9B
WITH_WILL, CLEAN = 0x0C, 0x02  # of a will of QoS 1
EXPIRY, WILL_DELAY, ALIAS = 17, 24, 35
FOREIGN = [CONTROL, "$CONTROL/broker/v1", "usbcam/porch/receipts", "usbcam/attic/status/x", "usbcam/_/offenders/attic"]
SPELLINGS = [
    *("usbcam//images", "usbcam/porch/images/", "/usbcam/porch/images", "usbcam/porch", "usbcam/PORCH/images"),
    *("usbcam/porch/../attic/images", "usbcam/attic/images\u00a0", "usbcam/porch/visits/x", "usbcam/+/images", "#"),
    *("usbcam/porch/status/", "$share/g/usbcam/porch/images", "$SYS/broker/log/N"),
]
LONG = b"\0\0\xff\xff"
TAKE_ALL = json.dumps(
    {
        "commands": [
            {"command": "deleteClient", "username": "attic"},
            {"command": "addClientRole", "username": "porch", "rolename": "Uploader"},
            {"command": "setDefaultACLAccess", "acls": [{"acltype": "publishClientSend", "allow": True}]},
        ]
    }
).encode()


@pytest.fixture(scope="module", params=BROKER_IMAGES)
def shared_broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudBroker]:
    """Run one for all tests that leave nothing behind."""
    image = None if request.param == "native" else str(request.param)
    with running_cloud_broker(tmp_path_factory.mktemp("tricks"), image) as broker:
        yield broker


@pytest.fixture
def witness(shared_broker: CloudBroker) -> Iterator[Honest]:
    with honest_edge(shared_broker) as honest:
        yield honest


def connect(*, will: tuple[str, bytes] | None = None, flags: int = CLEAN, delay: bytes = bytes(4)) -> bytes:
    properties = bytes([5, EXPIRY]) + LONG
    left = b""
    if will:
        flags |= WITH_WILL
        left = bytes([5, WILL_DELAY]) + delay + text(will[0]) + len(will[1]).to_bytes(2) + will[1]
    return packet(0x10, b"\x00\x04MQTT\x05" + bytes([flags]) + b"\x00\x3c" + properties + text("porch") + left)


def publish(topic: str, payload: bytes, *, alias: int = 0, kind: int = PUBLISH, number: int = 7) -> bytes:
    properties = bytes([ALIAS]) + alias.to_bytes(2) if alias else b""
    return packet(kind, text(topic) + number.to_bytes(2) + bytes([len(properties)]) + properties + payload)


def dialled(
    broker: CloudBroker, credentials: Credentials, hello: bytes
) -> contextlib.AbstractContextManager[ssl.SSLSocket]:
    return attack.connected(broker.outside_port, attack.context(credentials), hello)


@pytest.mark.parametrize("topic", FOREIGN)
@pytest.mark.parametrize("end", ["cut", "takeover", "asked for"])
def test_a_will_says_nothing_that_its_edge_may_not_say(
    shared_broker: CloudBroker, witness: Honest, topic: str, end: str
) -> None:
    porch = shared_broker.credentials("porch")
    with ExitStack() as stack, contextlib.suppress(OSError):
        edge = stack.enter_context(dialled(shared_broker, porch, connect(will=(topic, TAKE_ALL))))
        if end == "takeover":
            stack.enter_context(dialled(shared_broker, porch, connect()))
        elif end == "asked for":
            edge.sendall(packet(DISCONNECT, b"\x04\x00"))

    assert witness.topics() == set()  # and attic still has its rights
    with Client(shared_broker.outside_port, credentials=porch) as edge_again:
        assert edge_again.publish("usbcam/attic/images", b"mine now").value


def test_an_alias_opens_no_topic(shared_broker: CloudBroker, witness: Honest) -> None:
    porch = shared_broker.credentials("porch")
    for hidden in ("usbcam/attic/images", "usbcam/porch/receipts", CONTROL):
        with contextlib.suppress(OSError), dialled(shared_broker, porch, connect()) as edge:
            edge.sendall(publish(hidden, TAKE_ALL, alias=1) + publish("", TAKE_ALL, alias=1, number=8))
            edge.sendall(publish("usbcam/porch/images", b"own", alias=2) + publish(hidden, TAKE_ALL, alias=2, number=9))
            edge.sendall(publish("", TAKE_ALL, alias=2, number=10))
            edge.recv(100)

    assert witness.topics() <= {"usbcam/porch/images"}
    assert {message.payload for message in witness.witness.messages} <= {b"own", b"honest"}


@pytest.mark.parametrize("topic", SPELLINGS)
def test_no_spelling_of_a_topic_reaches_another(shared_broker: CloudBroker, witness: Honest, topic: str) -> None:
    with contextlib.suppress(OSError), dialled(shared_broker, shared_broker.credentials("porch"), connect()) as edge:
        edge.sendall(publish(topic, b"x"))
        edge.recv(100)

    assert witness.topics() <= {"usbcam/porch/status/"}


def test_qos_2_is_refused_so_that_nothing_waits_for_its_release(shared_broker: CloudBroker, witness: Honest) -> None:
    with dialled(shared_broker, shared_broker.credentials("porch"), connect()) as edge:
        edge.sendall(publish("usbcam/porch/images", b"x", kind=0x34))
        said = edge.recv(100)

    assert said[:1] + said[2:3] == bytes([DISCONNECT, QOS_NOT_SUPPORTED])
    assert witness.topics() == set()


def test_nothing_of_a_revoked_edge_remains_in_the_brokers_memory(cloud_broker: CloudBroker, porch: Credentials) -> None:
    with cloud_broker.uploader("uploader", keep_session=True):
        pass
    will = connect(will=("usbcam/porch/images", b"last words"), flags=0, delay=LONG)
    with dialled(cloud_broker, porch, will) as edge:
        edge.sendall(attack.subscribe_packet("usbcam/porch/receipts"))
        edge.recv(100)
        edge.sendall(b"".join(publish("usbcam/porch/images", b"waits", number=number) for number in range(1, 20)))
        edge.recv(100)
    with cloud_broker.uploader() as uploader:
        uploader.publish("usbcam/porch/receipts", b"waits for porch")
    wait_for(lambda: b"porch" in saved(cloud_broker), seconds=20, what="what is kept of it")
    with Client(cloud_broker.outside_port, credentials=cloud_broker.credentials("attic")) as attic:
        attic.publish("usbcam/attic/images", b"honest")

    assert cloud_broker.enrolment.revoke("porch")
    with cloud_broker.uploader("uploader", keep_session=True) as uploader:  # which drops unread what waited
        wait_for(lambda: b"honest" in [message.payload for message in uploader.messages], seconds=20, what="the rest")

    wait_for(lambda: b"porch" not in saved(cloud_broker), seconds=20, what="nothing to be kept of it")
    assert b"attic" in saved(cloud_broker) or not has_logged(cloud_broker, "last words")


def saved(broker: CloudBroker) -> bytes:
    """All that the broker has in memory: sessions, subscriptions, messages, wills; it writes that down when told so."""
    if broker.container is not None:
        broker.container.send(signal.SIGUSR1)
        return broker.container.read("mosquitto.db") or b""
    assert broker.process is not None
    broker.process.signal(signal.SIGUSR1)
    return Path(broker.folder, "data", "mosquitto.db").read_bytes()
