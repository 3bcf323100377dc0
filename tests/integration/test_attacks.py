"""The port that is open to the world, attacked; an honest edge must not notice."""

import contextlib
import re
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from common.runtime.files import SecretDir
from dev.harness.enrolment import Credentials
from dev.harness.services import EDGE_FILES, LOOPBACK, free_port, wait_for
from enroll import x509 as certificate
from enroll.authority import CertificateAuthority
from tests.support import attack
from tests.support.mqtt import Client
from tests.support.rig import CloudBroker, Container, EdgeBroker, copy_broker_files

NOT_AUTHORIZED = 135
RETAIN_NOT_SUPPORTED = 0x9A
CONNACK, DISCONNECT = 0x20, 0xE0
PACKETS = 3000


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


@pytest.fixture
def honest(cloud_broker: CloudBroker) -> Iterator[Honest]:
    attic = cloud_broker.credentials("attic")
    with Client(cloud_broker.port) as witness, Client(cloud_broker.outside_port, credentials=attic) as edge:
        witness.subscribe("usbcam/#")
        yield Honest(edge, witness)


@pytest.fixture
def porch(cloud_broker: CloudBroker) -> Credentials:
    """What an edge has, in the hands of an attacker."""
    return cloud_broker.credentials("porch")


def no_certificate(_broker: CloudBroker, _folder: Path) -> ssl.SSLContext | None:
    return attack.context()


def no_tls(_broker: CloudBroker, _folder: Path) -> ssl.SSLContext | None:
    return None


def self_made(_broker: CloudBroker, folder: Path) -> ssl.SSLContext | None:
    """Sign by an authority of one's own, that has the same name."""
    key = certificate.new_key()
    return attack.context(save(folder, certificate.sign_edge(certificate.new_key(), key.public_key(), "porch"), key))


def expired(broker: CloudBroker, folder: Path) -> ssl.SSLContext | None:
    authority = CertificateAuthority(SecretDir(broker.folder.parent / "authority"))
    key = certificate.new_key()
    return attack.context(save(folder, certificate.sign_edge(authority.key, key.public_key(), "porch", days=-1), key))


def revoked(broker: CloudBroker, _folder: Path) -> ssl.SSLContext | None:
    credentials = broker.credentials("porch")
    assert broker.enrolment.revoke("porch")
    return attack.context(credentials)


def the_brokers_own(broker: CloudBroker, _folder: Path) -> ssl.SSLContext | None:
    """Use a certificate of the authority that is no edge's."""
    identity = broker.enrolment.identity
    return attack.context(Credentials(identity / "ca.crt", identity / "server.pem", identity / "server.pem"))


def old_tls(broker: CloudBroker, _folder: Path) -> ssl.SSLContext | None:
    made = attack.context(broker.credentials("porch"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version, made.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    made.set_ciphers("ALL:@SECLEVEL=0")
    return made


UNAUTHENTICATED = [no_certificate, no_tls, self_made, expired, revoked, the_brokers_own, old_tls]


@pytest.mark.parametrize("client", UNAUTHENTICATED)
def test_an_unauthenticated_client_gets_no_answer_and_one_line_in_the_log(
    cloud_broker: CloudBroker,
    honest: Honest,
    tmp_path: Path,
    client: Callable[[CloudBroker, Path], ssl.SSLContext | None],
) -> None:
    context = client(cloud_broker, tmp_path)
    before = len(refusals(cloud_broker))

    assert attack.answer(cloud_broker.outside_port, context, attack.connect_packet()) == b""

    assert honest.topics() == set()
    wait_for(lambda: len(refusals(cloud_broker)) > before, seconds=10, what="a line in the log")
    assert len(refusals(cloud_broker)) == before + 1


@pytest.mark.parametrize("protocol", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_enrolled_edge_gets_in_with_every_tls_of_today(
    cloud_broker: CloudBroker, porch: Credentials, protocol: ssl.TLSVersion
) -> None:
    context = attack.context(porch)
    context.minimum_version = context.maximum_version = protocol

    assert attack.answer(cloud_broker.outside_port, context, attack.connect_packet())[0] == CONNACK


@pytest.mark.parametrize(
    "topic",
    [
        "usbcam/attic/images",
        "usbcam/attic/receipts",
        "usbcam/attic/status/door",
        "usbcam",
        "usbcam//images",
        "usbcam/porch2/images",
        "usbcam/porch/receipts",
        "usbcam/porch/command/door",
        "usbcam/porch/status",
        "usbcam/porch/status/a/b",
        "usbcam/porch/images/x",
        "usbcam/porch/other",
        "usbcam/_/receipts",
        "usbcam-bridge/state",
        "$SYS/broker/uptime",
        "$CONTROL/dynamic-security/v1",
        "$share/uploaders/usbcam/porch/images",
    ],
)
def test_an_edge_writes_what_the_product_uses_below_its_own_name_and_no_more(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials, topic: str
) -> None:
    with Client(cloud_broker.outside_port, credentials=porch) as edge:
        code = edge.publish(topic, b"forged")

    assert code.value == NOT_AUTHORIZED
    assert honest.topics() == set()
    wait_for(
        lambda: has_logged(cloud_broker, f"Denied PUBLISH from porch .*'{re.escape(topic)}'"), seconds=10, what="a line"
    )


@pytest.mark.parametrize("topic", ["usbcam/porch/images", "usbcam/porch/status/x", "usbcam/attic/images", "$SYS/x"])
def test_nothing_is_retained_and_who_tries_is_cut_off(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials, topic: str
) -> None:
    with (
        socket.create_connection((LOOPBACK, cloud_broker.outside_port), 10) as plain,
        attack.context(porch).wrap_socket(plain) as edge,
    ):
        edge.sendall(attack.connect_packet())
        assert edge.recv(100)[0] == CONNACK
        edge.sendall(attack.publish_packet(topic, b"forged", retain=True))
        said_last = edge.recv(100)
        with contextlib.suppress(OSError):
            assert edge.recv(100) == b""

    assert said_last[:1] + said_last[2:3] == bytes([DISCONNECT, RETAIN_NOT_SUPPORTED])
    with Client(cloud_broker.port) as late:
        late.subscribe("usbcam/#")
        honest.topics()
        assert [message.topic for message in late.wait_for(1)] == ["usbcam/attic/images"]
        assert not any(message.retain for message in late.messages)


def test_a_will_that_would_be_retained_is_refused(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials
) -> None:
    will = b"\x00" + attack.text("usbcam/porch/status/x") + attack.text("forged")
    body = b"\x00\x04MQTT\x05\x26\x00\x3c\x00" + attack.text("x") + will

    answer = attack.answer(cloud_broker.outside_port, attack.context(porch), attack.packet(0x10, body))

    assert (answer[0], answer[3]) == (CONNACK, RETAIN_NOT_SUPPORTED)
    assert honest.topics() == set()


@pytest.mark.parametrize(
    "topic",
    [
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
    ],
)
def test_an_edge_hears_its_own_receipts_alone(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials, topic: str
) -> None:
    with Client(cloud_broker.outside_port, credentials=porch) as edge:
        assert edge.subscribe(topic).value == NOT_AUTHORIZED
        assert edge.subscribe("usbcam/porch/receipts").value == 1
        with cloud_broker.uploader() as uploader:
            uploader.publish("usbcam/attic/receipts", b"not for you")
            uploader.publish("usbcam/porch/receipts", b"for you")
        heard = edge.wait_for(1)

    assert [message.payload for message in heard] == [b"for you"]
    wait_for(
        lambda: has_logged(cloud_broker, f"Denied SUBSCRIBE from porch .*'{re.escape(topic)}'"),
        seconds=10,
        what="a line",
    )
    assert honest.topics() == {"usbcam/attic/receipts", "usbcam/porch/receipts"}


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


def test_a_will_for_another_edge_is_not_carried_out(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials
) -> None:
    will = b"\x00" + attack.text("usbcam/attic/images") + attack.text("forged")
    body = b"\x00\x04MQTT\x05\x0e\x00\x01\x00" + attack.text("x") + will  # keep-alive of 1 s

    with contextlib.suppress(OSError):
        attack.answer(cloud_broker.outside_port, attack.context(porch), attack.packet(0x10, body))

    assert honest.topics() == set()


def test_a_bridge_under_another_name_brings_nothing(
    tmp_path: Path, cloud_broker: CloudBroker, honest: Honest, mosquitto_image: str | None
) -> None:
    files = copy_broker_files(EDGE_FILES, tmp_path / "files")
    text = (files / "mosquitto.conf").read_text(encoding="utf-8")
    renamed = re.sub(r"^(topic .*)@EDGE_NAME@", r"\1attic", text, flags=re.MULTILINE)
    assert renamed.count("attic") == 2
    (files / "mosquitto.conf").write_text(renamed, encoding="utf-8")
    bridge = EdgeBroker(tmp_path / "edge", free_port(), files=files, cloud_port=cloud_broker.outside_port)
    bridge.container = Container(mosquitto_image) if mosquitto_image else None
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
    context = attack.context(porch)
    with (
        socket.create_connection((LOOPBACK, cloud_broker.outside_port), 10) as plain,
        context.wrap_socket(plain) as edge,
    ):
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
            socket.create_connection((LOOPBACK, cloud_broker.outside_port), 10) as plain,
            context.wrap_socket(plain) as edge,
        ):
            edge.sendall(attack.connect_packet())
            edge.recv(100)
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


@pytest.mark.parametrize(
    ("topic", "code"),
    [("usbcam/porch/receipts", 0), ("usbcam/porch/images", NOT_AUTHORIZED), ("$CONTROL/dynamic-security/v1", 135)],
)
def test_the_uploader_writes_receipts_and_nothing_else(
    cloud_broker: CloudBroker, honest: Honest, topic: str, code: int
) -> None:
    with cloud_broker.uploader() as uploader:
        assert uploader.publish(topic, b"{}").value == code
    assert honest.topics() == ({topic} if code == 0 else set())


@pytest.mark.parametrize("topic", ["usbcam/porch/receipts", "usbcam/_/receipts", "usbcam/porch/images", "usbcam/x"])
def test_whoever_has_no_login_inside_only_reads(cloud_broker: CloudBroker, honest: Honest, topic: str) -> None:
    with Client(cloud_broker.port) as gallery:
        assert gallery.publish(topic, b"{}").value == NOT_AUTHORIZED  # which for Mosquitto 2.0 ends the connection
    with Client(cloud_broker.port) as gallery:
        assert gallery.subscribe("$share/uploaders/usbcam/+/images").value == NOT_AUTHORIZED
        assert gallery.subscribe("usbcam/+/receipts").value == 1
        assert gallery.subscribe("$SYS/broker/uptime").value == 1
    assert honest.topics() == set()


def test_a_wrong_password_of_the_uploader_is_refused(cloud_broker: CloudBroker) -> None:
    connect = attack.packet(
        0x10, b"\x00\x04MQTT\x05\xc2\x00\x3c\x00" + b"".join(map(attack.text, ("x", "Uploader", "no")))
    )

    assert attack.answer(cloud_broker.port, None, connect)[3] == NOT_AUTHORIZED


def save(folder: Path, signed: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Credentials:
    made = Credentials(folder / "none", folder / "own.crt", folder / "own.key")
    made.certificate.write_bytes(certificate.certificate_pem(signed))
    made.key.write_bytes(certificate.key_pem(key))
    return made


def hosts(broker: CloudBroker) -> set[str]:
    pem = ssl.get_server_certificate((LOOPBACK, broker.outside_port))
    return certificate.hosts_of(x509.load_pem_x509_certificate(pem.encode()))


def own(honest: Honest) -> set[str]:
    """What a spoilt packet may still say below the attacker's own name."""
    return {message.topic for message in honest.witness.messages if message.topic.startswith("usbcam/porch/")}


def refusals(broker: CloudBroker) -> list[str]:
    assert broker.process is not None
    return [line for line in broker.process.tail(10_000).splitlines() if "Refused" in line]


def has_logged(broker: CloudBroker, pattern: str) -> bool:
    assert broker.process is not None
    return re.search(pattern, broker.process.tail(10_000)) is not None
