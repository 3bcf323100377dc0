"""The whole path as plain processes: a face before the camera becomes an object in S3."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from mypy_boto3_s3 import S3Client
from paho.mqtt.enums import CallbackAPIVersion
from PIL import Image

from local.stack import LOOPBACK, Process, start_camera, start_uploader, wait_for
from tests.rig import CloudBroker, EdgeBroker, Store

START_SECONDS = 60.0


class Path_:  # noqa: N801 -- `Path` is taken by files
    """The two brokers, the store and what stands at either end."""

    def __init__(self, folder: Path, edge_broker: EdgeBroker, cloud_broker: CloudBroker, store: Store) -> None:
        self.folder, self.store = folder, store
        self.edge_broker, self.cloud_broker = edge_broker, cloud_broker
        self.bucket = store.new_bucket()
        self.started: list[Process] = []

    @property
    def s3(self) -> S3Client:
        return self.store.client

    def camera(self, **settings: str) -> Process:
        """Start a camera on the demo scene, fast and small, unless the settings say otherwise."""
        ours = {
            "CAMERA_SOURCE": "demo",
            "CAMERA_NAME": "door",
            "FRAME_WIDTH": "640",
            "FRAME_HEIGHT": "480",
            "CAPTURE_INTERVAL_SECONDS": "0.2",
            "EDGE_BROKER_HOST": LOOPBACK,
            "EDGE_BROKER_PORT": str(self.edge_broker.port),
            "HEARTBEAT_FILE": str(self.folder / "camera.json"),
        }
        return self._started(start_camera(self.folder / "camera", **(ours | settings)))

    def uploader(self, **settings: str) -> Process:
        """Start the uploader on the bucket."""
        ours = {
            "CLOUD_BROKER_HOST": LOOPBACK,
            "CLOUD_BROKER_PORT": str(self.cloud_broker.port),
            "S3_BUCKET": self.bucket,
            "S3_ENDPOINT_URL": self.store.endpoint,
            "AWS_ACCESS_KEY_ID": self.store.access_key,
            "AWS_SECRET_ACCESS_KEY": self.store.secret_key,
            "HEARTBEAT_FILE": str(self.folder / "uploader.json"),
        }
        return self._started(start_uploader(self.folder / "uploader", **(ours | settings)))

    def keys(self) -> list[str]:
        """What is in the bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def wait_for_objects(self, number: int) -> list[str]:
        def arrived() -> list[str]:
            for process in self.started:
                assert process.alive(), process.tail()
            return keys if len(keys := self.keys()) >= number else []

        return wait_for(arrived, seconds=START_SECONDS, what=f"{number} objects in the bucket")

    def spooled(self) -> list[str]:
        """The ids that wait at the edge."""
        return [file.stem for file in (self.folder / "camera" / "spool").glob("*.png")]

    def _started(self, process: Process) -> Process:
        self.started.append(process)
        return process


@pytest.fixture
def path(tmp_path: Path, edge_broker: EdgeBroker, cloud_broker: CloudBroker, store: Store) -> Iterator[Path_]:
    whole = Path_(tmp_path, edge_broker, cloud_broker, store)
    yield whole
    for process in whole.started:
        process.kill()


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


def test_faces_of_the_demo_become_objects_as_documented(path: Path_) -> None:
    path.uploader()
    path.camera()

    keys = path.wait_for_objects(5)

    for key in keys[:5]:
        head = path.s3.head_object(Bucket=path.bucket, Key=key)
        body = path.s3.get_object(Bucket=path.bucket, Key=key)["Body"].read()
        picture = Image.open(io.BytesIO(body))
        picture.load()
        described = {name: str(value) for name, value in json.loads(picture.info["usbcam"]).items()}
        day = described["captured_at"][:10].replace("-", "/")
        assert key == f"porch/door/{day}/{head['Metadata']['id']}.png"
        assert head["ContentType"] == "image/png"
        assert described | {"id": head["Metadata"]["id"]} == head["Metadata"]
        assert picture.format == "PNG"
        assert min(picture.size) > 48


def test_the_spool_empties_by_receipts_and_every_capture_is_stored_once(path: Path_) -> None:
    path.uploader()
    camera = path.camera(DEMO_VISITS="2")

    code = wait_for(lambda: None if camera.alive() else [camera.popen.returncode], seconds=90, what="the last receipt")

    captured = [line.split()[-1] for line in camera.tail(10_000).splitlines() if " Captured " in line]
    keys = path.keys()
    stored = [key.rpartition("/")[2].removesuffix(".png") for key in keys]
    assert code == [0]
    assert len(captured) > 5
    assert sorted(stored) == sorted(captured)
    assert path.spooled() == []


def test_captures_made_before_there_was_a_broker_arrive(path: Path_) -> None:
    path.edge_broker.kill()
    camera = path.camera()
    wait_for(lambda: len(path.spooled()) >= 3, seconds=START_SECONDS, what="captures in the spool")
    camera.kill()
    waiting = path.spooled()

    path.edge_broker.start()
    path.uploader()
    path.camera(CAMERA_SOURCE="/dev/there-is-no-camera")

    keys = path.wait_for_objects(len(waiting))
    assert sorted(key.rpartition("/")[2].removesuffix(".png") for key in keys) == sorted(waiting)
    wait_for(lambda: not path.spooled(), seconds=START_SECONDS, what="the receipts")


def test_a_file_is_captured_like_a_camera(path: Path_, media: Path) -> None:
    path.uploader()
    camera = path.camera(CAMERA_SOURCE=str(media / "video" / "asl" / "walk.mkv"))

    code = wait_for(lambda: None if camera.alive() else [camera.popen.returncode], seconds=60, what="the last receipt")

    assert code == [0]
    assert len(path.keys()) >= 3


def test_with_receipts_off_the_brokers_answer_ends_the_cameras_duty(path: Path_) -> None:
    path.cloud_broker.kill()
    camera = path.camera(DEMO_VISITS="1", RECEIPTS="off")

    code = wait_for(lambda: None if camera.alive() else [camera.popen.returncode], seconds=60, what="the camera's end")

    assert code == [0]
    assert path.spooled() == []


@pytest.mark.parametrize("qos", ["0", "2"])
def test_every_qos_carries_captures_to_the_bucket(path: Path_, qos: str) -> None:
    path.uploader()
    path.camera(MQTT_QOS=qos)

    path.wait_for_objects(3)

    wait_for(lambda: len(path.spooled()) <= 2, seconds=START_SECONDS, what="the receipts")


def test_the_cameras_status_is_retained_and_its_death_is_told(
    path: Path_, listen: Callable[[int, str], list[mqtt.MQTTMessage]]
) -> None:
    camera = path.camera()
    heard = listen(path.cloud_broker.port, "usbcam/porch/status/door")
    wait_for(lambda: heard and json.loads(heard[-1].payload)["online"], seconds=START_SECONDS, what="online")

    camera.kill()

    wait_for(lambda: not json.loads(heard[-1].payload)["online"], seconds=START_SECONDS, what="the last will")
    late = listen(path.cloud_broker.port, "usbcam/porch/status/door")
    wait_for(lambda: late and late[0].retain, seconds=START_SECONDS, what="the retained status")


def test_the_cloud_broker_sees_images_with_their_properties(
    path: Path_, listen: Callable[[int, str], list[mqtt.MQTTMessage]]
) -> None:
    heard = listen(path.cloud_broker.port, "usbcam/+/images")
    path.camera()

    wait_for(lambda: heard, seconds=START_SECONDS, what="a bridged image")

    properties = heard[0].properties
    assert heard[0].topic == "usbcam/porch/images"
    assert properties is not None
    assert properties.ContentType == "image/png"  # type: ignore[attr-defined]
    names = [name for name, _ in properties.UserProperty]  # type: ignore[attr-defined]
    assert names == ["schema", "id", "camera", "captured_at", "box", "score"]


def test_nonsense_on_the_receipts_topic_changes_nothing(path: Path_) -> None:
    path.uploader()
    camera = path.camera()
    path.wait_for_objects(1)

    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect(LOOPBACK, path.edge_broker.port)
    client.loop_start()
    for payload in (b"", b"\xff\xfe", b"[]", b'{"stored": [{"id": "../../etc/passwd"}]}', b"[" * 100_000):
        client.publish("usbcam/receipts", payload, qos=1).wait_for_publish(START_SECONDS)
    client.disconnect()
    client.loop_stop()

    path.wait_for_objects(len(path.keys()) + 2)
    assert camera.alive()
    assert "Ignored a message on usbcam/receipts" in camera.tail(10_000)
