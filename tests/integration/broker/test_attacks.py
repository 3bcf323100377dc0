"""The port that is open to the world, attacked; an honest edge must not notice."""

import contextlib
import re
import socket
import ssl
from itertools import islice
from pathlib import Path

import pytest
from cryptography import x509

from dev.harness.enrolment import Credentials
from dev.harness.services import EDGE_FILES, LOOPBACK, free_port, wait_for
from enroll import x509 as certificate
from tests.integration.honest import NOT_AUTHORIZED, Honest, has_logged, refusals
from tests.support.attacks import attack
from tests.support.container import new_container
from tests.support.mqtt import Client
from tests.support.rig import CloudBroker, EdgeBroker, copy_broker_files

RETAIN_NOT_SUPPORTED = 0x9A
CONNACK, DISCONNECT = 0x20, 0xE0
PACKETS = 3000


@pytest.mark.parametrize("client_id", ["uploader", "uploader-host-7", "attic", "Enroll"])
def test_a_borrowed_client_id_or_name_is_of_no_use(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials, client_id: str
) -> None:
    attic = cloud_broker.credentials("attic")
    honest.topics()

    thief = Client(cloud_broker.outside_port, client_id, credentials=porch)
    thief.login(client_id, "")
    with thief:
        assert thief.publish("usbcam/attic/images", b"forged").value == NOT_AUTHORIZED
        assert thief.publish("usbcam/porch/images", b"my own").value == 0

    assert honest.topics() == {"usbcam/porch/images"}
    with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
        payloads = {message.payload for message in uploader.wait_for(3)}
    assert uploader.session_present
    assert payloads == {b"honest", b"my own"}
    assert attic.key != porch.key


def test_a_bridge_under_another_name_brings_nothing(
    tmp_path: Path, cloud_broker: CloudBroker, honest: Honest, mosquitto_image: str | None
) -> None:
    files = copy_broker_files(EDGE_FILES, tmp_path / "files")
    text = (files / "mosquitto.conf").read_text(encoding="utf-8")
    renamed = re.sub(r"^(topic .*)@EDGE_NAME@", r"\1attic", text, flags=re.MULTILINE)
    assert renamed.count("attic") == 2
    (files / "mosquitto.conf").write_text(renamed, encoding="utf-8")
    bridge = EdgeBroker(tmp_path / "edge", free_port(), files=files, cloud_port=cloud_broker.outside_port)
    bridge.container = new_container(mosquitto_image)
    try:
        bridge.start()
        with Client(bridge.port) as camera:
            camera.publish("usbcam/images", b"forged")
        wait_for(lambda: has_logged(cloud_broker, "Denied PUBLISH from porch"), seconds=20, what="the bridge's attempt")
        assert honest.topics() == set()
    finally:
        bridge.remove()


def test_a_packet_too_large_ends_the_connection_and_nothing_else(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials
) -> None:
    with attack.secured(cloud_broker.outside_port, attack.context(porch)) as edge:
        edge.sendall(attack.connect_packet())
        assert edge.recv(100)[0] == CONNACK
        with contextlib.suppress(OSError):
            edge.sendall(b"\x32\xff\xff\xff\x7f" + bytes(65536))  # promises 256 MB
            while edge.recv(100):
                pass

    assert honest.topics() == set()


def test_thousands_of_spoilt_packets_disturb_nobody(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials
) -> None:
    context, packets = attack.context(porch), attack.mutated(seed=4)

    sent = 0
    while sent < PACKETS:
        with (
            contextlib.suppress(OSError),
            attack.connected(cloud_broker.outside_port, context, attack.connect_packet()) as edge,
        ):
            for spoilt in islice(packets, 30):
                sent += 1
                edge.sendall(spoilt)

    assert honest.topics() <= {"usbcam/porch/images", "usbcam/porch/receipts"} | own(honest)
    assert cloud_broker.process is not None
    assert cloud_broker.process.alive()


def test_hundreds_of_slow_connections_keep_nobody_out(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials
) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # and never the rest
    with contextlib.ExitStack() as stack:
        for number in range(400):
            slow = stack.enter_context(socket.create_connection((LOOPBACK, cloud_broker.outside_port), 10))
            slow.sendall(hello[: number % len(hello)])

        assert honest.topics() == set()
        with Client(cloud_broker.outside_port, credentials=porch) as late:
            assert late.publish("usbcam/porch/images", b"in").value == 0


def test_a_flooding_edge_stops_no_other(cloud_broker: CloudBroker, honest: Honest, porch: Credentials) -> None:
    with Client(cloud_broker.outside_port, credentials=porch) as flood:
        for _ in range(3000):
            flood.send("usbcam/porch/images", bytes(50_000))
        assert "usbcam/attic/images" not in honest.topics()


def test_a_revoked_edge_is_out_at_once_and_nobody_else_notices(
    cloud_broker: CloudBroker, edge_broker: EdgeBroker, honest: Honest
) -> None:
    wait_for(lambda: cloud_broker.enrolment.connected() == {"attic", "porch"}, seconds=20, what="both edges")

    assert cloud_broker.enrolment.revoke("porch")

    wait_for(lambda: cloud_broker.enrolment.connected() == {"attic"}, seconds=20, what="porch to be out")
    with Client(edge_broker.port) as camera:
        camera.publish("usbcam/images", b"too late")
    wait_for(
        lambda: has_logged(cloud_broker, "Refused a connection .*certificate"), seconds=40, what="its next attempt"
    )
    assert honest.topics() == set()


def test_a_revoked_edge_gets_no_answer_and_one_line_in_the_log(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials
) -> None:
    assert cloud_broker.enrolment.revoke("porch")
    before = len(refusals(cloud_broker))

    assert attack.answer(cloud_broker.outside_port, attack.context(porch), attack.connect_packet()) == b""

    assert honest.topics() == set()
    wait_for(lambda: len(refusals(cloud_broker)) > before, seconds=30, what="a line in the log")
    assert len(refusals(cloud_broker)) == before + 1


def test_an_edge_enrolled_again_is_in_with_its_new_token_alone(cloud_broker: CloudBroker, honest: Honest) -> None:
    old = attack.context(cloud_broker.credentials("porch"))

    cloud_broker.enrolment.enroll("porch")

    assert attack.answer(cloud_broker.outside_port, old, attack.connect_packet()) == b""
    with Client(cloud_broker.outside_port, credentials=cloud_broker.credentials("porch")) as edge:
        assert edge.publish("usbcam/porch/images", b"again").value == 0
    assert honest.topics() == {"usbcam/porch/images"}


def test_an_edge_that_is_enrolled_later_gets_in_without_a_restart(cloud_broker: CloudBroker, honest: Honest) -> None:
    with Client(cloud_broker.outside_port, credentials=cloud_broker.credentials("cellar")) as edge:
        assert edge.publish("usbcam/cellar/images", b"new").value == 0

    assert honest.topics() == {"usbcam/cellar/images"}


def test_the_broker_takes_a_new_certificate_without_a_restart(cloud_broker: CloudBroker, honest: Honest) -> None:
    cloud_broker.enrolment.prepare(["127.0.0.1", "moved.example"])

    wait_for(lambda: "moved.example" in hosts(cloud_broker), seconds=20, what="the new certificate")
    assert honest.topics() == set()


def hosts(broker: CloudBroker) -> set[str]:
    pem = ssl.get_server_certificate((LOOPBACK, broker.outside_port))
    return certificate.hosts_of(x509.load_pem_x509_certificate(pem.encode()))


def own(honest: Honest) -> set[str]:
    """What a spoilt packet may still say below the attacker's own name."""
    return {message.topic for message in honest.witness.messages if message.topic.startswith("usbcam/porch/")}
