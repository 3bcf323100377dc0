"""What the uploader needs around it: a broker, an edge that sends, and a bucket behind a proxy."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.harness.services import LOOPBACK, free_port, s3_client, start_store, wait_for
from tests.cloud.rig import (
    LATER,
    LIMITED_KEY,
    LIMITED_SECRET,
    READER_KEY,
    READER_SECRET,
    Broker,
    Bucket,
    Edge,
    S3Proxy,
    Uploaders,
    running_broker,
)
from tests.support.rig import Store


@pytest.fixture
def bucket(store: Store) -> Iterator[Bucket]:
    name = store.new_bucket()
    yield Bucket(store, name)
    store.delete_bucket(name)


@pytest.fixture
def s3_proxy(store: Store) -> Iterator[S3Proxy]:
    s3_proxy = S3Proxy(store.endpoint)
    yield s3_proxy
    s3_proxy.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def uploaders(tmp_path: Path, store: Store, s3_proxy: S3Proxy, broker: Broker, bucket: Bucket) -> Iterator[Uploaders]:
    settings = {
        "CLOUD_BROKER_PORT": str(broker.port),
        "S3_BUCKET": bucket.name,
        "S3_ENDPOINT_URL": s3_proxy.endpoint,
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    uploaders = Uploaders(tmp_path / "uploader", settings)
    yield uploaders
    uploaders.stop_all()


@pytest.fixture
def edge(broker: Broker) -> Iterator[Edge]:
    edge = Edge(broker.port)
    yield edge
    edge.close()


@pytest.fixture
def strict_store(tmp_path: Path) -> Iterator[Store]:
    """Run an S3 server with keys that may use one bucket only, and therefore cannot make it by writing to it."""
    port = free_port()
    ours = Store(f"http://{LOOPBACK}:{port}", "usbcam-admin", "usbcam-admin-secret")
    folder = tmp_path / "strict-store"
    process = start_store(folder, port=port, access_key=ours.access_key, secret_key=ours.secret_key)
    file = folder / "run" / "s3.json"
    content = json.loads(file.read_text())
    content["identities"] += [
        _identity(LIMITED_KEY, LIMITED_SECRET, "Read", "Write", "List"),
        _identity(READER_KEY, READER_SECRET, "Read", "List"),
    ]
    file.write_text(json.dumps(content))
    process.signal(signal.SIGHUP)
    wait_for(lambda: _knows(ours.endpoint), seconds=20, what="the store to know the limited key")
    yield ours
    process.kill()


def _identity(key: str, secret: str, *actions: str) -> dict[str, object]:
    credentials = [{"accessKey": key, "secretKey": secret}]
    return {"name": key, "credentials": credentials, "actions": [f"{action}:{LATER}" for action in actions]}


def _knows(endpoint: str) -> bool:
    client = s3_client(endpoint, LIMITED_KEY, LIMITED_SECRET)
    try:
        client.head_bucket(Bucket=LATER)
    except client.exceptions.ClientError as error:
        return error.response["Error"]["Code"] == "404"
    return True
