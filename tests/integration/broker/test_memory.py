"""The brokers at their memory limits: whatever fills them, honest images are stored in the end."""

import contextlib
import socket

import pytest

from common.paho.properties import patch_paho_properties
from dev.harness.enrolment import Credentials
from dev.harness.process import StartError
from dev.harness.services import LOOPBACK, wait_for
from tests.support.attacks import attack
from tests.support.mqtt import Client
from tests.support.rig import CloudBroker, EdgeBroker

LIMIT = 60_000_000  # far below the shipped one, so that a test fills it in seconds
IMAGE = bytes(80_000)
PROPERTY_BYTES = 512 * 1024  # of each hostile message
ROUNDS = 14


@pytest.fixture
def small_broker(cloud_broker: CloudBroker) -> CloudBroker:
    patch_paho_properties()  # as every client of the product; paho's own reader takes a minute for such a message
    cloud_broker.stop()
    cloud_broker.settings["CLOUD_BROKER_MEMORY"] = str(LIMIT)
    cloud_broker.start()
    return cloud_broker


def flood(broker: CloudBroker, porch: Credentials, messages: int) -> int:
    """Send property messages as an enrolled edge, connecting again when cut off; return how many were taken."""
    taken, sent = 0, attack.property_packet("usbcam/porch/images", PROPERTY_BYTES)
    context, left = attack.context(porch), messages
    while left > 0:
        with (
            contextlib.suppress(OSError),
            attack.connected(broker.outside_port, context, attack.connect_packet()) as edge,
        ):
            while left > 0:
                left -= 1
                edge.sendall(sent)
                if edge.recv(100)[:1] != b"\x40":
                    break
                taken += 1
        left -= 1
    return taken


class HonestEdge:
    """Sends images again until it hears that they were received, as a camera does without a receipt."""

    def __init__(self, broker: CloudBroker, count: int) -> None:
        self.broker, self.received, self.numbers = broker, set[int](), range(count)
        self.credentials = broker.credentials("attic")

    def send_missing(self) -> None:
        attic = Client(self.broker.outside_port, credentials=self.credentials)
        with contextlib.suppress(OSError, TimeoutError), attic as edge:
            for number in [number for number in self.numbers if number not in self.received]:
                edge.send("usbcam/attic/images", b"%08d" % number + IMAGE)
            wait_for(lambda: len(edge.reasons) > 0, seconds=2, what="an answer")

    def all_arrive_at(self, uploader: Client) -> bool:
        for message in list(uploader.messages):
            if message.topic == "usbcam/attic/images":
                self.received.add(int(message.payload[:8]))
        return len(self.received) == len(self.numbers)


@pytest.mark.parametrize("end", ["nothing", "stop", "kill"])
def test_a_broker_filled_to_its_limit_drains_and_honest_images_arrive_while_it_goes_on(
    small_broker: CloudBroker, end: str
) -> None:
    porch = small_broker.credentials("porch")
    honest = HonestEdge(small_broker, 20)
    honest.send_missing()
    taken = flood(small_broker, porch, ROUNDS)
    assert taken < ROUNDS  # it was cut off at the limit
    if end == "stop":
        small_broker.stop()
    if end in {"stop", "kill"}:
        restart(small_broker)

    with small_broker.uploader("uploader", keep_session=True) as uploader:
        while not honest.all_arrive_at(uploader):  # pytest's own time limit ends it
            restart_if_ended(small_broker)
            flood(small_broker, porch, 1)
            honest.send_missing()
    restart_if_ended(small_broker)
    assert small_broker.process is not None
    assert small_broker.process.alive()


def test_a_queue_larger_than_the_limit_is_begun_anew_with_the_uploaders_session(cloud_broker: CloudBroker) -> None:
    assert flood(cloud_broker, cloud_broker.credentials("porch"), 8) == 8
    cloud_broker.stop()
    cloud_broker.settings["CLOUD_BROKER_MEMORY"] = "30000000"

    restart(cloud_broker)

    attic = cloud_broker.credentials("attic")
    with Client(cloud_broker.outside_port, credentials=attic) as edge:
        assert edge.publish("usbcam/attic/images", b"honest").value == 0  # 16 would be: to nobody
    with cloud_broker.uploader("uploader", keep_session=True) as uploader:
        assert uploader.session_present
        assert [message.payload for message in uploader.wait_for(1)] == [b"honest"]


def test_a_broker_that_is_stuck_ends_and_begins_anew(cloud_broker: CloudBroker) -> None:
    attic = cloud_broker.credentials("attic")
    with Client(cloud_broker.outside_port, credentials=attic) as edge:
        edge.publish("usbcam/attic/images", b"lost, and sent again")
    assert cloud_broker.process is not None

    if cloud_broker.container is None:
        (cloud_broker.folder / "data" / "stuck").touch()
    else:
        cloud_broker.container.touch("stuck")
    wait_for(lambda: cloud_broker.process and not cloud_broker.process.alive(), seconds=20, what="its end")
    cloud_broker.start()

    with cloud_broker.uploader("uploader", keep_session=True) as uploader:
        assert uploader.session_present
        with Client(cloud_broker.outside_port, credentials=attic) as edge:
            edge.publish("usbcam/attic/images", b"again")
        assert [message.payload for message in uploader.wait_for(1)] == [b"again"]


def test_an_edges_broker_filled_to_its_limit_forwards_again_whatever_happened_to_it(
    cloud_broker: CloudBroker, edge_broker: EdgeBroker, mosquitto_image: str | None
) -> None:
    patch_paho_properties()
    if mosquitto_image is not None:  # 2.0 has no limit: at one it would not drain
        edge_broker.stop()
        edge_broker.settings["EDGE_BROKER_MEMORY"] = str(LIMIT)
        edge_broker.start()
    for end in (None, edge_broker.stop, edge_broker.kill):
        cloud_broker.stop()
        taken = fill_locally(edge_broker.port, ROUNDS)
        assert (taken < ROUNDS) == (mosquitto_image is not None)  # it was cut off at the limit
        if end is not None:
            end()
            restart(edge_broker)
        cloud_broker.start()

        wait_for_image(cloud_broker, edge_broker, f"after {end}".encode())
    assert edge_broker.process is not None
    assert edge_broker.process.alive()


def wait_for_image(cloud_broker: CloudBroker, edge_broker: EdgeBroker, payload: bytes) -> None:
    """Send it again and again, as a camera does without a receipt, until it is in the cloud."""
    with cloud_broker.uploader("uploader", keep_session=True) as uploader:

        def has_arrived() -> bool:
            with contextlib.suppress(OSError, TimeoutError), edge_broker.camera() as camera:
                camera.publish("usbcam/images", payload)
            return any(message.payload == payload for message in uploader.messages)

        wait_for(has_arrived, seconds=60, what="the camera's image")


def fill_locally(port: int, messages: int) -> int:
    """Send property messages as another program of the edge's host, until it is cut off; return how many were taken."""
    taken, sent = 0, attack.property_packet("usbcam/images", PROPERTY_BYTES)
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 10) as guest:
        guest.sendall(attack.connect_packet())
        guest.recv(100)
        while taken < messages:
            guest.sendall(sent)
            if guest.recv(100)[:1] != b"\x40":
                break
            taken += 1
    return taken


def restart_if_ended(broker: CloudBroker) -> None:
    """As the engine does: Mosquitto 2.0 may be stuck, and then watch.sh ends it."""
    assert broker.process is not None
    if not broker.process.alive():
        restart(broker)


def restart(broker: CloudBroker | EdgeBroker) -> None:
    """Start it again, and once more when that fails, as the engine does."""
    broker.kill()
    try:
        broker.start()
    except StartError:
        broker.start()
