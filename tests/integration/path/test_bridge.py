"""What the bridge carries, where to, and what it keeps to itself."""

import json
from pathlib import Path

import pytest

from dev.harness.services import wait_for
from tests.support.link import Link
from tests.support.mqtt import Client, image_properties
from tests.support.rig import CloudBroker, EdgeBroker, copy_broker_files

BRIDGE_STATE = "usbcam-bridge/state"
LARGEST_PACKET = 8 * 1024 * 1024


def wait_for_bridge(edge: EdgeBroker, state: bytes = b"1") -> None:
    """Return when the edge's broker says that its bridge is up, or down."""
    with Client(edge.port) as client:
        client.subscribe(BRIDGE_STATE)
        wait_for(lambda: bool(client.messages) and client.messages[-1].payload == state, seconds=30, what="the bridge")


def test_an_image_arrives_under_the_edges_name_with_all_its_properties(
    cloud_broker: CloudBroker, edge_broker: EdgeBroker
) -> None:
    described = {"schema": "1", "camera": "front-door", "box": "1,2,3,4", "score": "0.934"}

    with Client(cloud_broker.port) as cloud, edge_broker.camera() as camera:
        cloud.subscribe("usbcam/#")
        camera.publish("usbcam/images", b"\x89PNG\x00\xff", image_properties(**described))
        image = cloud.wait_for(1)[0]

    assert image.topic == "usbcam/porch/images"
    assert image.payload == b"\x89PNG\x00\xff"
    assert image.qos == 1
    assert image.content_type == "image/png"
    assert image.properties == tuple(described.items())


def test_the_default_protocol_of_a_bridge_would_lose_the_properties(
    tmp_path: Path, cloud_broker: CloudBroker, edge_broker: EdgeBroker
) -> None:
    files = copy_broker_files(edge_broker.files, tmp_path / "files")
    text = (files / "mosquitto.conf").read_text(encoding="utf-8")
    assert "\nbridge_protocol_version mqttv50\n" in text
    weaker = text.replace("\nbridge_protocol_version mqttv50\n", "\n")
    (files / "mosquitto.conf").write_text(weaker, encoding="utf-8")
    edge_broker.kill()
    edge_broker.files = files
    edge_broker.start()

    with Client(cloud_broker.port) as cloud, edge_broker.camera() as camera:
        cloud.subscribe("usbcam/#")
        camera.publish("usbcam/images", b"png", image_properties(schema="1"))
        image = cloud.wait_for(1)[0]

    assert image.payload == b"png"
    assert (image.content_type, image.properties) == (None, ())


def test_receipts_return_to_their_edge_alone_and_nothing_loops(
    cloud_broker: CloudBroker, edge_broker: EdgeBroker, distant_edge: EdgeBroker
) -> None:
    receipt = json.dumps({"stored": [{"id": "a", "key": "b"}], "rejected": []}).encode()
    with (
        Client(cloud_broker.port) as cloud,
        edge_broker.camera() as porch,
        distant_edge.camera() as attic,
    ):
        for client in (cloud, porch, attic):
            client.subscribe("usbcam/#")
        porch.publish("usbcam/images", b"from porch")
        attic.publish("usbcam/images", b"from attic")
        cloud.wait_for(2)

        with cloud_broker.uploader() as uploader:
            uploader.publish("usbcam/porch/receipts", receipt)
        porch.wait_for(2)
        # Anything that looped or strayed would arrive before these.
        porch.publish("usbcam/visits", b"")
        attic.publish("usbcam/visits", b"")
        cloud.wait_for(5)

        seen = [sorted((m.topic, m.payload) for m in client.messages) for client in (cloud, porch, attic)]

    assert seen == [
        [
            ("usbcam/attic/images", b"from attic"),
            ("usbcam/attic/visits", b""),
            ("usbcam/porch/images", b"from porch"),
            ("usbcam/porch/receipts", receipt),
            ("usbcam/porch/visits", b""),
        ],
        [("usbcam/images", b"from porch"), ("usbcam/receipts", receipt), ("usbcam/visits", b"")],
        [("usbcam/images", b"from attic"), ("usbcam/visits", b"")],
    ]


def test_the_bridges_state_is_told_at_the_edge_and_never_leaves_it(
    cloud_broker: CloudBroker, distant_edge: EdgeBroker, link: Link
) -> None:
    with distant_edge.camera() as camera, Client(cloud_broker.port) as cloud:
        cloud.subscribe("usbcam/#")
        cloud.subscribe("$SYS/broker/connection/#")
        camera.subscribe(BRIDGE_STATE)
        wait_for(lambda: [m.payload for m in camera.messages][-1:] == [b"1"], seconds=20, what="state 1")
        link.cut()
        wait_for(lambda: camera.messages[-1].payload == b"0", seconds=20, what="state 0")
        link.restore()
        wait_for(lambda: camera.messages[-1].payload == b"1", seconds=20, what="state 1 again")
        camera.publish("usbcam/visits", b"")
        arrived = cloud.wait_for(1)

    assert [message.topic for message in arrived] == ["usbcam/attic/visits"]
    assert camera.messages[-1].retain


def test_a_cameras_status_that_changed_while_the_link_was_down_reaches_the_cloud_and_is_kept_at_the_edge_alone(
    cloud_broker: CloudBroker, distant_edge: EdgeBroker, link: Link
) -> None:
    wait_for_bridge(distant_edge)
    link.cut()
    wait_for_bridge(distant_edge, b"0")
    with Client(cloud_broker.port) as live, distant_edge.camera() as camera:
        live.subscribe("usbcam/+/status/+")
        camera.publish("usbcam/status/door", b"{}", retain=True)
        link.restore()
        status = live.wait_for(1)[0]
    with Client(cloud_broker.port) as late, distant_edge.camera() as camera:
        late.subscribe("usbcam/#")
        camera.publish("usbcam/visits", b"")
        heard = late.wait_for(1)
        camera.subscribe("usbcam/status/door")
        kept = camera.wait_for(1)[0]

    assert (status.topic, status.payload, status.retain) == ("usbcam/attic/status/door", b"{}", False)
    assert [message.topic for message in heard] == ["usbcam/attic/visits"]
    assert (kept.payload, kept.retain) == (b"{}", True)


@pytest.mark.parametrize("topic", ["usbcam/command/door", "usbcam/anything/at/all", "usbcam/status", "usbcam/images/x"])
def test_what_the_cloud_refuses_is_dropped_and_stops_nothing_else(
    cloud_broker: CloudBroker, edge_broker: EdgeBroker, topic: str
) -> None:
    wait_for_bridge(edge_broker)

    with Client(cloud_broker.port) as cloud, edge_broker.camera() as camera:
        cloud.subscribe("usbcam/#")
        for number in range(30):  # more than are in flight together
            camera.publish(topic, b"%d" % number, retain=number % 2 == 0)
            camera.publish("usbcam/images", b"%d" % number)
        arrived = cloud.wait_for(30)

    assert [(message.topic, message.payload) for message in arrived] == [
        ("usbcam/porch/images", b"%d" % number) for number in range(30)
    ]


def test_an_image_too_large_for_the_cloud_stops_no_other(cloud_broker: CloudBroker, edge_broker: EdgeBroker) -> None:
    # The largest packet the edge takes: under its longer name in the cloud it is 6 bytes too large.
    header = 1 + 4 + 2 + len("usbcam/images") + 2 + 1
    too_large = bytes(LARGEST_PACKET - header)
    wait_for_bridge(edge_broker)

    with Client(cloud_broker.port) as cloud, edge_broker.camera() as camera:
        cloud.subscribe("usbcam/#")
        answer = camera.publish("usbcam/images", too_large)
        camera.publish("usbcam/images", bytes(7 * 1024 * 1024))
        camera.publish("usbcam/images", b"next")
        sizes = [len(message.payload) for message in cloud.wait_for(2)]

    assert not answer.is_failure
    assert sizes == [7 * 1024 * 1024, 4]


def test_more_than_a_thousand_images_wait_for_the_cloud(cloud_broker: CloudBroker, edge_broker: EdgeBroker) -> None:
    wait_for_bridge(edge_broker)
    cloud_broker.stop()

    with edge_broker.camera() as camera:
        sent = [camera.send("usbcam/images", b"%d" % number) for number in range(1500)]
        wait_for(lambda: len(camera.reasons) == len(sent), seconds=20, what="1,500 answers")
    cloud_broker.start()

    with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
        arrived = uploader.wait_for(1500)
    assert {int(message.payload) for message in arrived} == set(range(1500))
