"""What happens to images when the way to the cloud breaks, or a broker dies."""

from pathlib import Path

from dev.harness.services import free_port, wait_for
from tests.support.container import new_container
from tests.support.link import Link
from tests.support.mqtt import Client, image_properties
from tests.support.rig import CloudBroker, EdgeBroker


def numbered(client: Client) -> set[int]:
    return {int(message.payload) for message in client.messages}


def test_what_was_sent_while_the_link_was_cut_arrives_when_it_is_mended(
    cloud_broker: CloudBroker, distant_edge: EdgeBroker, link: Link
) -> None:
    with Client(cloud_broker.port) as cloud, Client(distant_edge.port) as camera:
        cloud.subscribe("usbcam/attic/images")
        for number in range(300):
            if number in {100, 200}:
                link.cut()
            if number == 150:
                link.restore()
            camera.publish("usbcam/images", b"%d" % number)
        link.restore()
        wait_for(lambda: numbered(cloud) == set(range(300)), seconds=30, what="300 images")


def test_a_connection_that_dies_without_a_word_loses_nothing(
    cloud_broker: CloudBroker, distant_edge: EdgeBroker, link: Link
) -> None:
    with Client(cloud_broker.port) as cloud, Client(distant_edge.port) as camera:
        cloud.subscribe("usbcam/attic/images")
        camera.publish("usbcam/images", b"0")
        cloud.wait_for(1)
        link.silence()
        for number in range(1, 100):
            camera.publish("usbcam/images", b"%d" % number)
        link.restore()
        wait_for(lambda: numbered(cloud) == set(range(100)), seconds=30, what="100 images")


def test_a_cloud_name_that_nobody_knows_stops_no_camera(
    tmp_path: Path, mosquitto_image: str | None, cloud_broker: CloudBroker
) -> None:
    edge = EdgeBroker(tmp_path / "edge", free_port(), cloud_host="cloud.invalid", cloud_port=cloud_broker.outside_port)
    edge.container = new_container(mosquitto_image)
    try:
        edge.start()
        with Client(edge.port) as camera:
            answers = [camera.publish("usbcam/images", b"%d" % number) for number in range(50)]
        edge.stop()
        edge.cloud_host = "localhost"
        edge.start()

        with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
            uploader.wait_for(50)
    finally:
        edge.remove()
    assert {answer.value for answer in answers} == {0}
    assert numbered(uploader) == set(range(50))


def test_an_edge_broker_that_is_stopped_keeps_its_queue_and_its_properties(
    cloud_broker: CloudBroker, distant_edge: EdgeBroker, link: Link
) -> None:
    link.cut()
    with Client(distant_edge.port) as camera:
        for number in range(20):
            camera.publish("usbcam/images", b"%d" % number, image_properties(schema="1"))
    distant_edge.stop()
    distant_edge.start()
    link.restore()

    with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
        arrived = uploader.wait_for(20)
    assert {int(message.payload) for message in arrived} == set(range(20))
    assert {(m.content_type, m.properties) for m in arrived} == {("image/png", (("schema", "1"),))}


def test_a_killed_edge_broker_comes_back_with_its_bridge(cloud_broker: CloudBroker, edge_broker: EdgeBroker) -> None:
    with Client(edge_broker.port) as camera:
        camera.publish("usbcam/images", b"1")

    edge_broker.restart()

    with Client(cloud_broker.port) as cloud, Client(edge_broker.port) as camera:
        cloud.subscribe("usbcam/porch/images")
        camera.publish("usbcam/images", b"2")
        wait_for(lambda: 2 in numbered(cloud), seconds=20, what="the image after the kill")


def test_a_killed_cloud_broker_is_found_again_by_the_bridge_and_by_the_uploaders_session(
    cloud_broker: CloudBroker, edge_broker: EdgeBroker
) -> None:
    with Client(edge_broker.port) as camera:
        cloud_broker.kill()
        camera.publish("usbcam/images", b"1")
        cloud_broker.start()
        camera.publish("usbcam/images", b"2")

        with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
            wait_for(lambda: numbered(uploader) == {1, 2}, seconds=20, what="both images")
    assert uploader.session_present


def test_a_killed_edge_broker_keeps_what_it_saved_after_200_changes(
    cloud_broker: CloudBroker, distant_edge: EdgeBroker, link: Link
) -> None:
    link.cut()
    with Client(distant_edge.port) as camera:
        for number in range(300):
            camera.publish("usbcam/images", b"%d" % number)
    distant_edge.restart()
    link.restore()

    with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
        wait_for(lambda: numbered(uploader) >= set(range(150)), seconds=20, what="the saved images")
