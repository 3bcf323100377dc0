"""Every test of this folder runs with the Mosquitto of this machine (2.0) and with that of the Compose files (2.1)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.harness.enrolment import Credentials
from dev.harness.services import free_port
from tests.integration.honest import Honest, honest_edge
from tests.support.container import new_container
from tests.support.link import Link
from tests.support.programs.journey import Journey
from tests.support.rig import CloudBroker, EdgeBroker, Store

SHIPPED_IMAGE = "eclipse-mosquitto:2.1.2-alpine"


BROKER_IMAGES = ["native", pytest.param(SHIPPED_IMAGE, marks=pytest.mark.docker)]


@pytest.fixture(params=BROKER_IMAGES)
def mosquitto_image(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "native" else str(request.param)


@pytest.fixture
def link(cloud_broker: CloudBroker) -> Iterator[Link]:
    """Stand between an edge's bridge and the cloud."""
    with Link(cloud_broker.outside_port) as link:
        yield link


@pytest.fixture
def distant_edge(tmp_path: Path, mosquitto_image: str | None, link: Link) -> Iterator[EdgeBroker]:
    """Run an edge broker named `attic`, bridged to the cloud broker through the link."""
    broker = EdgeBroker(tmp_path / "distant-edge", free_port(), edge="attic", cloud_port=link.port)
    broker.container = new_container(mosquitto_image)
    broker.start()
    yield broker
    broker.remove()


@pytest.fixture
def journey(tmp_path: Path, edge_broker: EdgeBroker, cloud_broker: CloudBroker, store: Store) -> Iterator[Journey]:
    """Connect brokers and store; camera and uploader are started by the test."""
    whole = Journey(tmp_path, edge_broker, cloud_broker, store)
    yield whole
    for process in whole.started:
        process.kill()
    store.delete_bucket(whole.bucket)


@pytest.fixture
def honest(cloud_broker: CloudBroker) -> Iterator[Honest]:
    with honest_edge(cloud_broker) as honest:
        yield honest


@pytest.fixture
def porch(cloud_broker: CloudBroker) -> Credentials:
    """What an edge has, in the hands of an attacker."""
    return cloud_broker.credentials("porch")
