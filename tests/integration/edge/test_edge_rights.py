"""The edge's own broker, attacked by another program of its host."""

import json

from dev.harness.services import camera_password, wait_for
from tests.support.attacks import attack
from tests.support.mqtt import Client
from tests.support.rig import CloudBroker, EdgeBroker

NOT_AUTHORIZED = 135
NO_SUBSCRIBERS = 16
CLOSED_TOPICS = (
    "usbcam/receipts",
    "usbcam/receipts/x",
    "usbcam/visits",
    "usbcam/status/door",
    "usbcam/images/x",
    "usbcam/anything",
    "usbcam-bridge/state",
    "usbcam-bridge/token",
    "usbcam-homeassistant/door",
    "homeassistant/device/usbcam-door/config",
    "$SYS/broker/uptime",
    "other/topic",
)
RECEIPT = json.dumps({"stored": [{"id": "a", "key": "b"}], "rejected": []}).encode()


def test_whoever_has_no_login_cannot_speak_for_camera_bridge_or_cloud(edge_broker: EdgeBroker) -> None:
    with edge_broker.camera() as camera:
        camera.subscribe("#")
        answers = {topic: publish_without_a_login(edge_broker, topic) for topic in CLOSED_TOPICS}
        camera.publish("usbcam/images", b"last")
        wait_for(lambda: any(message.payload == b"last" for message in camera.messages), seconds=20, what="the image")
        heard = [message.topic for message in camera.messages if message.payload == RECEIPT]

    assert answers == dict.fromkeys(CLOSED_TOPICS, NOT_AUTHORIZED)
    assert heard == []


def publish_without_a_login(edge_broker: EdgeBroker, topic: str) -> int:
    with Client(edge_broker.port) as other:
        return int(other.publish(topic, RECEIPT).value)


def test_not_even_the_camera_writes_receipts_or_the_bridges_state(edge_broker: EdgeBroker) -> None:
    topics = ("usbcam/receipts", "usbcam-bridge/state", "usbcam-bridge/token")

    with edge_broker.camera() as camera:
        answers = {topic: camera.publish(topic, b"1").value for topic in topics}

    assert answers == dict.fromkeys(topics, NOT_AUTHORIZED)


def test_whoever_has_no_login_reads_everything_and_publishes_images_and_commands(
    cloud_broker: CloudBroker, edge_broker: EdgeBroker
) -> None:
    with Client(edge_broker.port) as other, edge_broker.camera() as camera, Client(cloud_broker.port) as cloud:
        cloud.subscribe("usbcam/+/images")
        other.subscribe("#")
        camera.publish("usbcam/status/door", b"{}", retain=True)
        camera.publish("usbcam/visits", b"{}")
        assert other.publish("usbcam/images", b"image").value == 0
        assert other.publish("usbcam/command/door", b"pause", retain=True).value in (0, NO_SUBSCRIBERS)
        assert cloud.wait_for(1)[0].payload == b"image"
        with cloud_broker.uploader() as uploader:
            uploader.publish("usbcam/porch/receipts", RECEIPT)
        wanted = {"usbcam/status/door", "usbcam/visits", "usbcam/images", "usbcam/command/door", "usbcam/receipts"}
        wait_for(lambda: wanted <= {message.topic for message in other.messages}, seconds=20, what="all of it")


def test_nobody_takes_over_the_bridge(cloud_broker: CloudBroker, edge_broker: EdgeBroker) -> None:
    with Client(edge_broker.port) as watching, Client(cloud_broker.port) as cloud:
        watching.subscribe("usbcam-bridge/state")
        wait_for(lambda: [m.payload for m in watching.messages][-1:] == [b"1"], seconds=30, what="the bridge")
        cloud.subscribe("usbcam/+/images")
        before = len(watching.messages)
        for number, client_id in enumerate(("bridge-to-cloud", "bridge-to-homeassistant", "porch", "local.porch"), 1):
            with Client(edge_broker.port, client_id) as thief:
                assert not thief.session_present, client_id
            watching.publish("usbcam/images", b"image")
            cloud.wait_for(number)
            assert len(watching.messages) == before, client_id


def test_a_wrong_password_is_refused_and_the_right_one_is_for_its_owner_alone(edge_broker: EdgeBroker) -> None:
    who = b"".join(map(attack.text, ("x", "camera", "no")))
    connect = attack.packet(0x10, b"\x00\x04MQTT\x05\xc2\x00\x3c\x00" + who)

    assert attack.answer(edge_broker.port, None, connect)[3] == NOT_AUTHORIZED
    file = camera_password(edge_broker.folder)
    assert len(file.read_text(encoding="ascii")) > 32
    if edge_broker.container is None:
        assert file.stat().st_mode & 0o777 == 0o600


def test_the_password_and_the_bridges_queue_outlive_a_restart(
    cloud_broker: CloudBroker, edge_broker: EdgeBroker
) -> None:
    password = camera_password(edge_broker.folder).read_bytes()
    cloud_broker.stop()
    with edge_broker.camera() as camera:
        for number in range(20):
            camera.publish("usbcam/images", b"%d" % number)

    edge_broker.stop()
    edge_broker.start()
    cloud_broker.start()

    with cloud_broker.uploader("uploader", keep_session=True) as uploader:
        arrived = uploader.wait_for(20)
    assert {int(message.payload) for message in arrived} == set(range(20))
    assert camera_password(edge_broker.folder).read_bytes() == password
