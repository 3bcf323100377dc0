"""What the uploader needs around it: a broker, an edge that sends, and a bucket behind a road."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.rig import Broker, Bucket, Edge, Road, Uploaders
from tests.rig import Store


@pytest.fixture
def bucket(store: Store) -> Bucket:
    return Bucket(store, store.new_bucket())


@pytest.fixture
def road(store: Store) -> Iterator[Road]:
    road = Road(store.endpoint)
    yield road
    road.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def uploaders(tmp_path: Path, store: Store, road: Road, broker: Broker, bucket: Bucket) -> Iterator[Uploaders]:
    settings = {
        "CLOUD_BROKER_PORT": str(broker.port),
        "S3_BUCKET": bucket.name,
        "S3_ENDPOINT_URL": road.endpoint,
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
