"""The whole delivery path of a capture, as plain processes."""

from pathlib import Path
from typing import TYPE_CHECKING

from dev.harness.services import LOOPBACK, Process, start_camera, start_uploader, wait_for
from tests.support.rig import CloudBroker, EdgeBroker, Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

START_SECONDS = 60.0


class Journey:
    """The two brokers, the store and what stands at either end."""

    def __init__(self, folder: Path, edge_broker: EdgeBroker, cloud_broker: CloudBroker, store: Store) -> None:
        self.folder, self.store = folder, store
        self.edge_broker, self.cloud_broker = edge_broker, cloud_broker
        self.bucket = store.new_bucket()
        self.started: list[Process] = []

    @property
    def s3(self) -> "S3Client":
        return self.store.client

    def camera(self, **settings: str) -> Process:
        """Start a camera on the demo scene, fast and small, unless the settings say otherwise."""
        ours = {
            "CAMERA_SOURCE": "demo",
            "CAMERA_NAME": "door",
            "FRAME_WIDTH": "640",
            "FRAME_HEIGHT": "480",
            "CAPTURE_POLICY": "interval",
            "CAPTURE_INTERVAL_SECONDS": "0.2",
            "CAPTURES_PER_MINUTE": "6000",
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
        }
        folder = self.folder / f"uploader-{len(self.started)}"
        ours["HEARTBEAT_FILE"] = str(folder) + ".json"
        return self._started(start_uploader(folder, **(ours | settings)))

    def objects(self) -> list[str]:
        """What is in the bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def wait_for_objects(self, number: int) -> list[str]:
        def arrived() -> list[str]:
            for process in self.started:
                assert process.popen.returncode in (None, 0, -9), process.tail()
            return keys if len(keys := self.objects()) >= number else []

        return wait_for(arrived, seconds=START_SECONDS, what=f"{number} objects in the bucket")

    def spooled(self) -> list[str]:
        """The ids that wait at the edge."""
        return [file.stem for file in (self.folder / "camera" / "spool").glob("*.png")]

    def _started(self, process: Process) -> Process:
        self.started.append(process)
        return process
