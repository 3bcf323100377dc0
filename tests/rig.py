"""The parts that tests wire together: brokers that start again where they were, and one store for the whole run."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from mypy_boto3_s3 import S3Client

from local.stack import LOOPBACK, Process, make_bucket, s3_client, start_cloud_broker, start_edge_broker


@dataclass(slots=True)
class CloudBroker:
    """The shipped cloud broker: `port` is the uploader's listener, `outside_port` the edges'."""

    folder: Path
    port: int
    outside_port: int
    process: Process | None = None

    def start(self) -> Process:
        self.process = start_cloud_broker(self.folder, port=self.port, outside_port=self.outside_port)
        return self.process

    def restart(self) -> Process:
        """Kill it (-9) and start it again on what it left."""
        self.kill()
        return self.start()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()


@dataclass(slots=True)
class EdgeBroker:
    """The shipped edge broker; its bridge goes to `cloud_host:cloud_port`."""

    folder: Path
    edge: str
    port: int
    cloud_port: int
    cloud_host: str = LOOPBACK
    process: Process | None = None

    def start(self) -> Process:
        self.process = start_edge_broker(
            self.folder, edge=self.edge, cloud_host=self.cloud_host, cloud_port=self.cloud_port, port=self.port
        )
        return self.process

    def restart(self) -> Process:
        """Kill it (-9) and start it again on what it left."""
        self.kill()
        return self.start()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()


@dataclass(frozen=True, slots=True)
class Store:
    """An S3 server. TEST_S3_ENDPOINT names another one than ours."""

    endpoint: str
    access_key: str
    secret_key: str

    @property
    def client(self) -> S3Client:
        return s3_client(self.endpoint, self.access_key, self.secret_key)

    def new_bucket(self) -> str:
        """Make a bucket that no other test uses."""
        bucket = f"usbcam-test-{uuid.uuid4().hex[:12]}"
        make_bucket(self.endpoint, self.access_key, self.secret_key, bucket)
        return bucket
