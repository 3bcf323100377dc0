"""What tests wire together: brokers that restart on the data they left, and an S3 server."""

import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from common.runtime.files import SecretDir
from dev.harness.enrolment import Credentials, Enrolment
from dev.harness.object_store import check_room
from dev.harness.process import free_port, until_up
from dev.harness.services import (
    CLOUD_FILES,
    EDGE_FILES,
    LOOPBACK,
    SHARED_SCRIPT,
    Process,
    answers_mqtt,
    camera_password,
    delete_bucket,
    make_bucket,
    s3_client,
    start_cloud_broker,
    start_edge_broker,
)
from enroll.broker.rights import UPLOADER
from tests.support.container import Container, broker_mounts, new_container
from tests.support.mqtt import Client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def copy_broker_files(files: Path, folder: Path) -> Path:
    """Copy a broker's own files and what it shares with the other, to be changed by a test."""
    shutil.copytree(files, folder / files.name)
    shutil.copy(files.parent / SHARED_SCRIPT, folder)
    return folder / files.name


@dataclass(slots=True)
class Broker(ABC):
    """A shipped broker, as a process of this machine or, with a container, in Mosquitto's image."""

    folder: Path
    port: int
    files: Path
    container: Container | None = None
    process: Process | None = None

    def start(self) -> Process:
        if self.container is None:
            self.process = self._start_here()
        else:
            file, inside = self._secret()
            mounts = broker_mounts(self.files) | {inside: file}
            self.process = self.container.start(self.folder, mounts, self._environment())
            until_up(self.process, lambda: all(answers_mqtt(port) for port in self._ports()))
        return self.process

    def kill(self) -> None:
        """End it as a power cut does (SIGKILL)."""
        if running := self.container or self.process:
            running.kill()

    def stop(self) -> None:
        """End it properly (SIGTERM)."""
        if running := self.container or self.process:
            running.stop()

    def restart(self) -> Process:
        """Kill it and start it again on what it left."""
        self.kill()
        return self.start()

    @property
    def enrolment(self) -> Enrolment:
        """The authority next to this broker's folder."""
        return Enrolment(self.folder.parent)

    def remove(self) -> None:
        self.kill()
        if self.container is not None:
            self.container.remove()

    @abstractmethod
    def _start_here(self) -> Process: ...

    @abstractmethod
    def _ports(self) -> tuple[int, ...]: ...

    @abstractmethod
    def _environment(self) -> dict[str, str]: ...

    @abstractmethod
    def _secret(self) -> tuple[Path, str]:
        """Return a file or folder of this machine, and its name in the container."""


@dataclass(slots=True)
class CloudBroker(Broker):
    """`port` is the uploader's listener, `outside_port` the edges'."""

    files: Path = CLOUD_FILES
    outside_port: int = 0
    settings: dict[str, str] = field(default_factory=dict)  # others that start.sh reads

    @property
    def enrolment(self) -> Enrolment:
        if self.container is None:
            return Enrolment(self.folder.parent)
        return Enrolment(self.folder.parent, 0o644, Answers(path=self.folder, container=self.container))

    def credentials(self, edge: str) -> Credentials:
        """Return what an enrolled edge has."""
        return self.enrolment.credentials(edge)

    def uploader(self, client_id: str = "", *, keep_session: bool = False) -> Client:
        """Return a client with the uploader's login."""
        client = Client(self.port, client_id, keep_session=keep_session)
        client.login(UPLOADER, self.enrolment.uploader_password.read_text(encoding="ascii"))
        return client

    def _start_here(self) -> Process:
        return start_cloud_broker(
            self.folder, port=self.port, outside_port=self.outside_port, files=self.files, **self.settings
        )

    def _ports(self) -> tuple[int, ...]:
        return (self.port,)

    def _environment(self) -> dict[str, str]:
        inside = {"CLOUD_BROKER_LISTEN": LOOPBACK, "CLOUD_BROKER_PORT": str(self.port)}
        return inside | {"CLOUD_LISTEN": LOOPBACK, "CLOUD_PORT": str(self.outside_port)} | self.settings

    def _secret(self) -> tuple[Path, str]:
        self.enrolment.prepare()
        return self.enrolment.identity, "/mosquitto/identity"


@contextmanager
def running_cloud_broker(folder: Path, image: str | None) -> Iterator[CloudBroker]:
    """Run a brand-new one that knows the edges `porch` and `attic`; `image` is None for this machine's Mosquitto."""
    broker = CloudBroker(folder / "cloud-broker", free_port(), outside_port=free_port())
    broker.container = new_container(image)
    for edge in ("porch", "attic"):  # before the start, so that nothing waits for it
        Enrolment(folder, 0o644).token(edge, wait=False)
    broker.start()
    yield broker
    broker.remove()


@dataclass(slots=True)
class EdgeBroker(Broker):
    """The bridge of the edge named `edge` goes to `cloud_host:cloud_port`."""

    files: Path = EDGE_FILES
    edge: str = "porch"
    cloud_host: str = LOOPBACK
    cloud_port: int = 0
    settings: dict[str, str] = field(default_factory=dict)  # others that start.sh reads

    def _start_here(self) -> Process:
        return start_edge_broker(
            self.folder,
            edge=self.edge,
            cloud_host=self.cloud_host,
            cloud_port=self.cloud_port,
            port=self.port,
            files=self.files,
            **self.settings,
        )

    def start(self) -> Process:
        """Start it and, from a container, fetch the camera's password to where a native broker has it."""
        process = super(EdgeBroker, self).start()  # a class with slots is made anew, which the short form misses
        if self.container is not None and (password := self.container.read("camera-password")):
            file = camera_password(self.folder)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(password)
        return process

    def camera(self, client_id: str = "", *, keep_session: bool = False) -> Client:
        """Return a client with the camera's login."""
        client = Client(self.port, client_id, keep_session=keep_session)
        client.login("camera", camera_password(self.folder).read_text(encoding="ascii").strip())
        return client

    def _ports(self) -> tuple[int, ...]:
        return (self.port,)

    def _environment(self) -> dict[str, str]:
        cloud = {"CLOUD_HOST": self.cloud_host, "CLOUD_PORT": str(self.cloud_port)}
        own = {"EDGE_BROKER_LISTEN": LOOPBACK, "EDGE_BROKER_PORT": str(self.port)}
        return {"EDGE_TOKEN_FILE": "/run/token"} | cloud | own | self.settings

    def _secret(self) -> tuple[Path, str]:
        return Enrolment(self.folder.parent, 0o644).token(self.edge), "/run/token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers(SecretDir):
    """The data of a broker in a container."""

    container: Container

    def read(self, name: str) -> bytes | None:
        return self.container.read(name)


@dataclass(frozen=True, slots=True)
class Store:
    """An S3 server and the keys that may do everything there."""

    endpoint: str
    access_key: str
    secret_key: str
    folder: Path | None = None  # None: it keeps its objects elsewhere

    @property
    def client(self) -> "S3Client":
        return s3_client(self.endpoint, self.access_key, self.secret_key)

    def new_bucket(self) -> str:
        """Make a bucket that no other test uses; `delete_bucket` gives its room back."""
        if self.folder is not None:
            check_room(self.folder)
        bucket = f"usbcam-test-{uuid.uuid4().hex[:12]}"
        make_bucket(self.endpoint, self.access_key, self.secret_key, bucket)
        return bucket

    def delete_bucket(self, bucket: str) -> None:
        """Delete it with everything in it, unless the test has."""
        delete_bucket(self.client, bucket)
