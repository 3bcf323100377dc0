"""RabbitMQ in the place of the cloud broker: the same rights, and nodes that are killed one after the other."""

import contextlib
import functools
import os
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator

import pytest

from common.contract import topics
from common.mqtt import Login
from common.runtime.check_result import Status
from dev.conformance.__main__ import read_edge, try_broker, try_edge
from dev.conformance.client import Broker
from dev.conformance.edges import FORBIDDEN_WRITES
from dev.harness.process import LOOPBACK, free_port, wait_for
from enroll.broker.rights import GALLERY, UPLOADER
from tests.cloud.gallery.rig import Gallery, gallery
from tests.cloud.gallery.test_gallery import Listener
from tests.reality.asked import ASKED
from tests.reality.rabbitmq import Balancer, Cluster, Node
from tests.support.attacks import attack
from tests.support.images import pictures
from tests.support.mqtt import Client
from tests.support.programs.journey import Journey
from tests.support.rig import CloudBroker, EdgeBroker, Store

pytestmark = ASKED

KILLS = int(os.environ.get("KILLS", "10"))
SECONDS = 120.0
WAITING, IMAGE_SIDE = 1000, 165  # images of 80 KB
REFUSED, DISCONNECT = 0x80, b"\xe0"
SUBACK = 0x90
# A session without end, and a will that is sent at its end.
LASTING = attack.packet(
    0x10,
    b"\0\4MQTT\5\x0e\0\x3c\5\x11\xff\xff\xff\xff"
    + attack.text("cellar")
    + b"\5\x18\0\1\0\0"
    + attack.text("usbcam/cellar/images")
    + attack.text("last words"),
)
EVERYTHING = ("conformance", "conformance-password")
# What RabbitMQ cannot do, and what follows is in docs/explanation/scale.md.
LESS = {"shared"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    try:
        made.start()
        yield made
    finally:
        made.remove()


def uploader(cluster: Cluster, node: int = 0) -> Broker:
    login = Login(UPLOADER, cluster.enrolment.uploader_password.read_text(encoding="ascii"))
    return Broker(LOOPBACK, cluster.nodes[node].port, login)


def test_it_grants_all_that_one_uploader_needs(cluster: Cluster) -> None:
    user, password = EVERYTHING
    cluster.control("add_user", user, password)
    cluster.control("set_permissions", user, ".*", ".*", ".*")

    results = list(try_broker(Broker(LOOPBACK, cluster.nodes[0].port, Login(user, password))))

    cluster.control("delete_user", user)
    assert [result.line() for result in results if result.status is Status.FAIL] == []
    assert {result.subject for result in results if result.status is Status.WARN} == LESS


def test_an_edge_may_do_there_what_it_may_at_mosquitto_and_no_more(cluster: Cluster) -> None:
    token = cluster.enrolment.token("porch")
    edge = read_edge(token, cluster.folder / "unpacked", LOOPBACK, cluster.nodes[1].outside_port)

    results = list(try_edge(uploader(cluster), edge))

    assert {result.subject: result.message for result in results if result.status is not Status.PASS} == {
        "edge writes": "a refusal ends the connection, so one wrong topic stops an edge "
        f"({len(FORBIDDEN_WRITES)} of them)"
    }


@pytest.mark.parametrize("clean_start", [True, False])
def test_an_edge_that_borrows_the_uploaders_client_id_takes_nothing(cluster: Cluster, *, clean_start: bool) -> None:
    thief = attack.context(cluster.enrolment.credentials("porch"))
    connect = bytearray(attack.connect_packet("uploader"))
    connect[9] = 2 if clean_start else 0
    inside = Client(cluster.nodes[0].port, "uploader", keep_session=True)
    inside.login(UPLOADER, cluster.enrolment.uploader_password.read_text(encoding="ascii"))

    with inside:
        assert inside.subscribe("usbcam/+/images").value == 1
        answer = attack.answer(cluster.nodes[1].outside_port, thief, bytes(connect))
        with Client(cluster.nodes[2].outside_port, "porch", credentials=cluster.enrolment.credentials("porch")) as edge:
            assert edge.publish("usbcam/porch/images", b"honest").value == 0
        inside.wait_for(1)

    assert answer == b"" or answer[3] >= REFUSED
    assert inside.connections == 1


def test_a_revoked_edge_is_out_within_seconds_and_an_old_token_with_it(cluster: Cluster) -> None:
    enrolment, port = cluster.enrolment, cluster.nodes[2].outside_port
    enrolment.token("cellar")
    first = attack.context(enrolment.credentials("cellar"))
    with connected(port, first) as edge:
        enrolment.enroll("cellar")
        assert edge.recv(100)[:1] in {b"", DISCONNECT}
    second = attack.context(enrolment.credentials("cellar"))
    assert attack.answer(port, first, attack.connect_packet("cellar")) == b""

    with connected(port, second, LASTING) as edge:
        for qos in (b"\0", b"\1"):
            edge.sendall(attack.packet(0x82, b"\0\x08\0" + attack.text("usbcam/cellar/receipts") + qos))
            assert edge.recv(100)[0] == SUBACK
        wait_for(lambda: "cellar" in enrolment.connected(), seconds=SECONDS, what="the list of who is connected")
        assert "cellar" in cluster.control("list_queues", "--quiet", "name")
        assert enrolment.revoke("cellar")
        assert edge.recv(100)[:1] in {b"", DISCONNECT}

    for node in cluster.nodes:
        assert attack.answer(node.outside_port, second, attack.connect_packet("cellar")) == b""
    assert "cellar" not in cluster.control("list_queues", "--quiet", "name")


@contextlib.contextmanager
def connected(
    port: int, context: ssl.SSLContext, hello: bytes = attack.connect_packet("cellar")
) -> Iterator[ssl.SSLSocket]:
    """Hold an edge's connection."""
    with socket.create_connection((LOOPBACK, port), 30) as plain, context.wrap_socket(plain) as edge:
        edge.sendall(hello)
        assert edge.recv(100)[3] == 0
        yield edge


@pytest.fixture
def balanced(cluster: Cluster) -> Iterator[CloudBroker]:
    """One address for all nodes, inside and outside."""
    inside = Balancer([node.port for node in cluster.nodes])
    outside = Balancer([node.outside_port for node in cluster.nodes])
    with inside, outside:
        yield CloudBroker(cluster.folder / "cloud-broker", inside.port, outside_port=outside.port)  # never started


@pytest.fixture
def journey(cluster: Cluster, balanced: CloudBroker, store: Store) -> Iterator[Journey]:
    folder = cluster.folder / "edge-broker"
    edge_broker = EdgeBroker(folder, free_port(), cloud_port=balanced.outside_port)
    whole = Journey(cluster.folder, edge_broker, balanced, store)
    yield whole
    for process in whole.started:
        process.kill()
    edge_broker.remove()
    shutil.rmtree(whole.folder / "camera", ignore_errors=True)
    store.delete_bucket(whole.bucket)


def test_one_uploader_drains_what_waited(journey: Journey, note: Callable[[str], None]) -> None:
    broker = journey.cloud_broker
    before = journey.uploader()
    wait_for(lambda: "Subscribed" in before.tail(), seconds=SECONDS, what="the uploader's session")
    before.stop()
    images = [pictures.png(number, side=IMAGE_SIDE) for number in range(WAITING)]
    with Client(broker.outside_port, "porch", credentials=broker.credentials("porch")) as edge:
        numbers = [edge.send("usbcam/porch/images", image) for image in images]
        wait_for(lambda: all(number in edge.reasons for number in numbers), seconds=SECONDS, what="the cluster")
    worker = journey.uploader()

    wait_for(lambda: worker.tail(10_000).count(" Stored ") == WAITING, seconds=SECONDS, what="the last image")

    times = [line.split()[0] for line in worker.tail(10_000).splitlines() if " Stored " in line]
    note(f"{WAITING} images of {len(images[0])} bytes: first {times[0]}, last {times[-1]}")
    assert len(journey.objects()) == WAITING


def test_the_gallerys_login_reads_no_image_and_writes_nothing(cluster: Cluster) -> None:
    password = cluster.enrolment.gallery_password.read_text(encoding="ascii")
    port = cluster.nodes[0].port
    assert attack.answer(port, None, attack.connect_packet("gallery-0a"))[3] >= REFUSED  # not without it
    refused = ("usbcam/#", topics.EVERY_EDGES_IMAGES, "usbcam/porch/images")
    for topic in (*topics.GALLERY_READS, *refused):  # each by itself: a refusal ends the connection
        reader = Client(port, "gallery-0a")
        reader.login(GALLERY, password)
        with reader:
            assert reader.subscribe(topic).is_failure == (topic in refused)
    for topic in ("usbcam/porch/receipts", "usbcam/porch/images", "usbcam/_/offenders/porch"):
        writer = Client(port, "gallery-0b")
        writer.login(GALLERY, password)
        with writer:
            number = writer.send(topic, b"forged")
            ended = functools.partial(lambda one, mid: mid in one.reasons or one.connections > 1, writer, number)
            wait_for(ended, seconds=SECONDS, what="the refusal")
            assert number not in writer.reasons or writer.reasons[number].is_failure


def test_nodes_killed_one_after_the_other_lose_and_double_nothing(
    cluster: Cluster, journey: Journey, note: Callable[[str], None]
) -> None:
    journey.edge_broker.start()

    note(kill_one_after_the_other(cluster, journey))


def kill_one_after_the_other(cluster: Cluster, journey: Journey) -> str:
    """Kill KILLS nodes under load, and say what came of it."""
    camera = journey.camera(CAPTURE_INTERVAL_SECONDS="0.1", FRAME_RATE="20")
    worker = journey.uploader()
    journey.wait_for_objects(5)
    for number in range(KILLS):
        node = cluster.nodes[number % len(cluster.nodes)]
        stored = len(journey.objects())
        cluster.kill(node)
        wait_for(lambda: len(journey.objects()) > stored + 5, seconds=SECONDS, what=f"captures after kill {number}")  # noqa: B023
        return_of(cluster, node)
    with journey.edge_broker.camera() as control:
        control.publish("usbcam/command/door", b"pause")
    wait_for(lambda: not journey.spooled(), seconds=SECONDS, what="the last receipt")
    captured = sorted(line.split()[-1] for line in camera.tail(100_000).splitlines() if " Captured " in line)
    stored_ids = sorted(key.rpartition("/")[2].removesuffix(".png") for key in journey.objects())
    lost, doubled = set(captured) - set(stored_ids), len(stored_ids) - len(set(stored_ids))
    assert (lost, doubled, worker.alive()) == (set(), 0, True)
    assert set(stored_ids) == set(captured)
    return f"kills={KILLS} captured={len(captured)} stored={len(stored_ids)} lost={len(lost)} doubled={doubled}"


def return_of(cluster: Cluster, node: Node) -> None:
    """Start it again, and wait until every queue could lose another one."""
    cluster.restart(node)
    cluster.control("await_online_quorum_plus_one", node=cluster.nodes.index(node), program="rabbitmq-upgrade")


def test_the_gallery_hears_what_is_stored_and_what_edges_say_also_after_a_nodes_death(
    cluster: Cluster, journey: Journey
) -> None:
    journey.edge_broker.start()
    journey.camera()
    journey.uploader()
    s3 = {"S3_BUCKET": journey.bucket, "S3_ENDPOINT_URL": journey.store.endpoint}
    keys = {"AWS_ACCESS_KEY_ID": journey.store.access_key, "AWS_SECRET_ACCESS_KEY": journey.store.secret_key}
    broker = {"CLOUD_BROKER_PORT": str(journey.cloud_broker.port)}
    with gallery(cluster.folder / "gallery", s3 | keys | broker) as page:
        listener = Listener(page)
        wait_for(lambda: listener.named("stored"), seconds=SECONDS, what="a picture that is stored")
        wait_for(lambda: "door" in cameras_of(page), seconds=SECONDS, what="the camera's status")
        for node in cluster.nodes:  # whichever it is connected to
            before = len(listener.named("stored"))
            cluster.kill(node)
            wait_for(lambda: len(listener.named("stored")) > before + 5, seconds=SECONDS, what="live updates")  # noqa: B023
            wait_for(lambda: page.get("/api/edges")["listening"], seconds=SECONDS, what="statuses again")
            return_of(cluster, node)


def cameras_of(page: Gallery) -> list[str]:
    return [camera["name"] for edge in page.get("/api/edges")["edges"] for camera in edge["cameras"]]
