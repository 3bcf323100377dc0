"""More silent sockets than either page has connections: page, live updates and health check go on."""

import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from camera.control.health_check import health
from dev.harness.process import LOOPBACK, free_port, wait_for
from dev.harness.services import start_gallery
from gallery.health_check import health_problem
from tests.cloud.rig import Broker, Bucket
from tests.edge.web.page import live
from tests.support.pages.web import Site
from tests.support.rig import Store

SOCKETS = 640  # either program takes about 500 connections
SECONDS = 30.0
POST = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
SENT = (b"", b"GET / HTTP/1.1\r\nHost: x", POST, b"\x16\x03\x01")


@pytest.fixture(autouse=True)
def _many_sockets() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2 * SOCKETS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4 * SOCKETS, hard), hard))


@contextmanager
def silent_clients(port: int) -> Iterator[None]:
    with ExitStack() as stack:
        for number in range(SOCKETS):
            client = stack.enter_context(socket.create_connection((LOOPBACK, port), SECONDS))
            client.sendall(SENT[number % len(SENT)])
        yield


def test_the_live_page_and_its_health_go_on(broker: Broker, tmp_path: Path) -> None:
    with live(tmp_path, EDGE_BROKER_PORT=str(broker.port)) as page, silent_clients(page.port):
        assert page.ask("/").status == 200
        assert page.camera()["name"] == "door"
        wait_for(lambda: health(tmp_path / "camera.json").healthy, seconds=SECONDS, what="health")
        assert page.process.alive()


def test_the_gallery_and_its_health_go_on(store: Store, bucket: Bucket, broker: Broker, tmp_path: Path) -> None:
    port = free_port()
    given = {"S3_BUCKET": bucket.name, "S3_ENDPOINT_URL": store.endpoint, "AWS_ACCESS_KEY_ID": store.access_key}
    keys = {"AWS_SECRET_ACCESS_KEY": store.secret_key, "CLOUD_BROKER_PORT": str(broker.port), "GALLERY_PORT": str(port)}
    process, page = start_gallery(tmp_path, **given, **keys), Site(port)
    try:
        wait_for(lambda: health_problem(port) is None, seconds=SECONDS, what="the gallery")
        with silent_clients(port):
            assert health_problem(port) is None
            assert page.ask("/").status == 200
            assert json.loads(page.ask("/healthz").body)["healthy"]
        assert process.alive()
    finally:
        process.kill()
