"""What each side may do at the port that is open to the world and at the one inside: one broker for all, unchanged."""

import contextlib
import re
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from common.contract import topics
from common.runtime.files import SecretDir
from dev.conformance.edges import FORBIDDEN_READS, FORBIDDEN_WRITES
from dev.harness.enrolment import Credentials
from dev.harness.services import wait_for
from enroll import x509 as certificate
from enroll.authority import CertificateAuthority
from enroll.broker.rights import GALLERY
from tests.integration.conftest import BROKER_IMAGES
from tests.integration.honest import NOT_AUTHORIZED, Honest, has_logged, refusals
from tests.support.attacks import attack
from tests.support.mqtt import Client
from tests.support.rig import CloudBroker, running_cloud_broker

RETAIN_NOT_SUPPORTED = 0x9A
CONNACK, DISCONNECT = 0x20, 0xE0


@pytest.fixture(scope="module", params=BROKER_IMAGES)
def cloud_broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudBroker]:
    """Run one for the whole file: no test of it changes who is enrolled."""
    image = None if request.param == "native" else str(request.param)
    with running_cloud_broker(tmp_path_factory.mktemp("rights"), image) as broker:
        yield broker


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


def wait_until_it_may_tell(broker: CloudBroker, word: str) -> None:
    """Wait until the log has a line for one more refusal: of one second it counts what comes after five."""
    process = broker.process
    assert process is not None

    def may_tell() -> bool:
        seconds = [line.split()[0] for line in refusals(broker, word)[-5:]]
        is_full = len(seconds) == 5 and len(set(seconds)) == 1
        return not is_full or time.time() - process.log.stat().st_mtime > 1

    wait_for(may_tell, seconds=10, what="a second of which not five refusals are told")


UNAUTHENTICATED = [no_certificate, no_tls, self_made, expired, the_brokers_own, old_tls]


@pytest.mark.parametrize("client", UNAUTHENTICATED)
def test_an_unauthenticated_client_gets_no_answer_and_one_line_in_the_log(
    cloud_broker: CloudBroker,
    honest: Honest,
    tmp_path: Path,
    client: Callable[[CloudBroker, Path], ssl.SSLContext | None],
) -> None:
    context = client(cloud_broker, tmp_path)
    wait_until_it_may_tell(cloud_broker, "Refused")
    before = len(refusals(cloud_broker))

    assert attack.answer(cloud_broker.outside_port, context, attack.connect_packet()) == b""

    assert honest.topics() == set()
    wait_for(lambda: len(refusals(cloud_broker)) > before, seconds=30, what="a line in the log")
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
    [*FORBIDDEN_WRITES, "usbcam/porch/command/door"],
)
def test_an_edge_writes_what_the_product_uses_below_its_own_name_and_no_more(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials, topic: str
) -> None:
    wait_until_it_may_tell(cloud_broker, "Denied")

    with Client(cloud_broker.outside_port, credentials=porch) as edge:
        code = edge.publish(topic, b"forged")

    assert code.value == NOT_AUTHORIZED
    assert honest.topics() == set()
    wait_for(
        lambda: has_logged(cloud_broker, f"Denied PUBLISH from porch .*'{re.escape(topic)}'"), seconds=30, what="a line"
    )


@pytest.mark.parametrize("topic", ["usbcam/porch/images", "usbcam/porch/status/x", "usbcam/attic/images", "$SYS/x"])
def test_nothing_is_retained_and_who_tries_is_cut_off(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials, topic: str
) -> None:
    with attack.secured(cloud_broker.outside_port, attack.context(porch)) as edge:
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
    FORBIDDEN_READS,
)
def test_an_edge_hears_its_own_receipts_alone(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials, topic: str
) -> None:
    wait_until_it_may_tell(cloud_broker, "Denied")

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
        seconds=30,
        what="a line",
    )
    assert honest.topics() == {"usbcam/attic/receipts", "usbcam/porch/receipts"}


def test_the_gallerys_login_hears_what_is_said_but_no_image_and_writes_nothing(
    cloud_broker: CloudBroker, honest: Honest
) -> None:
    reader, writer = Client(cloud_broker.port, "gallery-0a"), Client(cloud_broker.port, "gallery-0b")
    for client in (reader, writer):
        client.login(GALLERY, cloud_broker.enrolment.gallery_password.read_text(encoding="ascii"))
    with writer:  # a refusal ends a connection of Mosquitto 2.0
        forged = [writer.publish(topic, b"forged").value for topic in ("usbcam/porch/receipts", "usbcam/porch/images")]
    with reader:
        granted = [reader.subscribe(topic).value for topic in topics.GALLERY_READS]
        refused = [reader.subscribe(topic).value for topic in ("usbcam/#", topics.EVERY_EDGES_IMAGES, "$SYS/#")]
        with cloud_broker.uploader() as uploader:
            uploader.publish("usbcam/porch/receipts", b"for all to hear")
        heard = reader.wait_for(1)

    assert (granted, refused, forged) == ([1] * 3, [NOT_AUTHORIZED] * 3, [NOT_AUTHORIZED] * 2)
    assert [message.payload for message in heard] == [b"for all to hear"]
    assert honest.topics() == {"usbcam/porch/receipts"}


def test_a_will_for_another_edge_is_not_carried_out(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials
) -> None:
    will = b"\x00" + attack.text("usbcam/attic/images") + attack.text("forged")
    body = b"\x00\x04MQTT\x05\x0e\x00\x01\x00" + attack.text("x") + will  # keep-alive of 1 s

    with contextlib.suppress(OSError):
        attack.answer(cloud_broker.outside_port, attack.context(porch), attack.packet(0x10, body))

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
