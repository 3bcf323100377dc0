"""What every folder of tests may ask for: real brokers with the shipped files, a real S3 server, the shared footage."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import LOOPBACK, free_port, start_store
from tests.rig import CloudBroker, EdgeBroker, Store

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Run one S3 server for all tests, or use the one that TEST_S3_ENDPOINT names, with the keys of AWS_*."""
    if endpoint := os.environ.get("TEST_S3_ENDPOINT"):
        yield Store(endpoint, os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        return
    port = free_port()
    ours = Store(f"http://{LOOPBACK}:{port}", "usbcam-test", "usbcam-test-secret")
    folder = tmp_path_factory.mktemp("store")
    process = start_store(folder, port=port, access_key=ours.access_key, secret_key=ours.secret_key)
    yield ours
    process.kill()


@pytest.fixture
def cloud_broker(tmp_path: Path) -> Iterator[CloudBroker]:
    """Run a brand-new cloud broker."""
    broker = CloudBroker(tmp_path / "cloud-broker", port=free_port(), outside_port=free_port())
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def edge_broker(tmp_path: Path, cloud_broker: CloudBroker) -> Iterator[EdgeBroker]:
    """Run a brand-new edge broker named `porch`, bridged to the cloud broker."""
    folder = tmp_path / "edge-broker"
    broker = EdgeBroker(folder, edge="porch", port=free_port(), cloud_port=cloud_broker.outside_port)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture(scope="session")
def media() -> Path:
    """Return the folder of real footage that lies beside the repository on the project's machines."""
    folder = ROOT.parent / "shared" / "media"
    if not folder.is_dir():
        pytest.skip(f"no real footage at {folder}")
    return folder
