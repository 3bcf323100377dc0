"""The whole path as plain processes: a face before the camera becomes an object in S3."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from PIL import Image

from dev.harness.services import LOOPBACK, wait_for
from tests.support.programs.journey import START_SECONDS, Journey


@pytest.fixture
def listen() -> Iterator[Callable[[int, str], list[mqtt.MQTTMessage]]]:
    """Collect what a broker delivers for a topic."""
    clients: list[mqtt.Client] = []

    def start(port: int, topic: str) -> list[mqtt.MQTTMessage]:
        heard: list[mqtt.MQTTMessage] = []
        subscribed = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)

        def subscribe(*_: object) -> None:
            client.subscribe(topic, qos=1)

        client.on_connect = subscribe
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = lambda _c, _u, message: heard.append(message)
        client.connect(LOOPBACK, port)
        client.loop_start()
        clients.append(client)
        assert subscribed.wait(START_SECONDS)
        return heard

    yield start
    for client in clients:
        client.disconnect()
        client.loop_stop()


def test_faces_of_the_demo_become_objects_as_documented(journey: Journey) -> None:
    journey.uploader()
    journey.camera()

    keys = journey.wait_for_objects(5)

    for key in keys[:5]:
        head = journey.s3.head_object(Bucket=journey.bucket, Key=key)
        body = journey.s3.get_object(Bucket=journey.bucket, Key=key)["Body"].read()
        picture = Image.open(io.BytesIO(body))
        picture.load()
        described = {name: str(value) for name, value in json.loads(picture.info["usbcam"]).items()}
        day = described["captured_at"][:10].replace("-", "/")
        assert key == f"porch/door/{day}/{head['Metadata']['id']}.png"
        assert head["ContentType"] == "image/png"
        metadata = {name.replace("-", "_"): text for name, text in head["Metadata"].items()}
        assert described | {"id": metadata["id"], "edge": "porch"} == metadata
        assert picture.format == "PNG"
        assert min(picture.size) > 48


def test_the_spool_empties_by_receipts_and_every_capture_is_stored_once(journey: Journey) -> None:
    journey.uploader()
    camera = journey.camera(DEMO_VISITS="2")

    code = wait_for(lambda: None if camera.alive() else [camera.popen.returncode], seconds=90, what="the last receipt")

    captured = [line.split()[-1] for line in camera.tail(10_000).splitlines() if " Captured " in line]
    keys = journey.objects()
    stored = [key.rpartition("/")[2].removesuffix(".png") for key in keys]
    assert code == [0]
    assert len(captured) > 5
    assert sorted(stored) == sorted(captured)
    assert journey.spooled() == []


def test_captures_made_before_there_was_a_broker_arrive(journey: Journey) -> None:
    journey.edge_broker.kill()
    camera = journey.camera()
    wait_for(lambda: len(journey.spooled()) >= 3, seconds=START_SECONDS, what="captures in the spool")
    camera.kill()
    waiting = journey.spooled()

    journey.edge_broker.start()
    journey.uploader()
    journey.camera(CAMERA_SOURCE="/dev/there-is-no-camera")

    keys = journey.wait_for_objects(len(waiting))
    assert sorted(key.rpartition("/")[2].removesuffix(".png") for key in keys) == sorted(waiting)
    wait_for(lambda: not journey.spooled(), seconds=START_SECONDS, what="the receipts")


def test_a_file_is_captured_like_a_camera(journey: Journey, media: Path) -> None:
    journey.uploader()
    camera = journey.camera(CAMERA_SOURCE=str(media / "video" / "asl" / "walk.mkv"))

    code = wait_for(lambda: None if camera.alive() else [camera.popen.returncode], seconds=60, what="the last receipt")

    assert code == [0]
    assert len(journey.objects()) >= 3


def test_with_receipts_off_the_brokers_answer_ends_the_cameras_duty(journey: Journey) -> None:
    journey.cloud_broker.kill()
    camera = journey.camera(DEMO_VISITS="1", RECEIPTS="off")

    code = wait_for(lambda: None if camera.alive() else [camera.popen.returncode], seconds=60, what="the camera's end")

    assert code == [0]
    assert journey.spooled() == []


@pytest.mark.parametrize("qos", ["0", "2"])
def test_every_qos_carries_captures_to_the_bucket(journey: Journey, qos: str) -> None:
    journey.uploader()
    journey.camera(MQTT_QOS=qos)

    journey.wait_for_objects(3)

    wait_for(lambda: len(journey.spooled()) <= 2, seconds=START_SECONDS, what="the receipts")


def test_the_cameras_status_and_its_death_are_told_and_retained_at_the_edge(
    journey: Journey, listen: Callable[[int, str], list[mqtt.MQTTMessage]]
) -> None:
    camera = journey.camera()
    heard = listen(journey.cloud_broker.port, "usbcam/porch/status/door")
    wait_for(lambda: heard and json.loads(heard[-1].payload)["online"], seconds=START_SECONDS, what="online")

    camera.kill()

    wait_for(lambda: not json.loads(heard[-1].payload)["online"], seconds=START_SECONDS, what="the last will")
    late = listen(journey.edge_broker.port, "usbcam/status/door")
    wait_for(lambda: late and late[0].retain, seconds=START_SECONDS, what="the retained status")


def test_the_cloud_broker_sees_images_with_their_properties(
    journey: Journey, listen: Callable[[int, str], list[mqtt.MQTTMessage]]
) -> None:
    heard = listen(journey.cloud_broker.port, "usbcam/+/images")
    journey.camera()

    wait_for(lambda: heard, seconds=START_SECONDS, what="a bridged image")

    properties = heard[0].properties
    assert heard[0].topic == "usbcam/porch/images"
    assert properties is not None
    assert properties.ContentType == "image/png"  # type: ignore[attr-defined]
    names = [name for name, _ in properties.UserProperty]  # type: ignore[attr-defined]
    assert names == ["schema", "id", "camera", "captured_at", "box", "score", "quality", "track", "shot"]


def test_nonsense_on_the_receipts_topic_changes_nothing(journey: Journey) -> None:
    journey.uploader()
    camera = journey.camera()
    journey.wait_for_objects(1)

    with journey.cloud_broker.uploader() as cloud:  # nobody else may write receipts
        for payload in (b"", b"\xff\xfe", b"[]", b'{"stored": [{"id": "../../etc/passwd"}]}', b"[" * 100_000):
            cloud.publish("usbcam/porch/receipts", payload)

    journey.wait_for_objects(len(journey.objects()) + 2)
    assert camera.alive()
    assert "Ignored a message on usbcam/receipts" in camera.tail(10_000)
