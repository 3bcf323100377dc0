"""paho that is woken otherwise gives what paho gives: every message, every wake-up, every wait."""

import random
import select
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from paho.mqtt import client as paho

from common.mqtt import new_client
from common.paho.client import Bell
from dev.harness.process import LOOPBACK, wait_for
from tests.cloud.rig import Broker, running_broker
from tests.support.images import pictures
from tests.support.link import Link

PAIRS = 200


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path / "broker") as broker:
        yield broker


def test_a_bell_rings_once_until_somebody_comes() -> None:
    bell = Bell()
    for _ in range(3):
        for _ in range(1000):
            bell.send(b"\0")
        assert select.select([bell], [], [], 0)[0] == [bell]
        assert bell.recv(10_000) == b"\0"
        assert select.select([bell], [], [], 0)[0] == []
    bell.close()
    bell.close()


def test_who_rings_while_the_bell_is_answered_is_heard_next_time() -> None:
    bell = Bell()
    near = bell._near  # noqa: SLF001

    class Slow:
        """Between asking the kernel and having its answer, others have their turn."""

        def recv(self, size: int) -> bytes:
            bell.send(b"\0")
            data = near.recv(size)
            bell.send(b"\0")
            return data

    bell.send(b"\0")
    with mock.patch.object(bell, "_near", Slow()):
        bell.recv(10_000)
    bell.send(b"\0")

    assert select.select([bell], [], [], 0)[0] == [bell]
    bell.close()


def test_no_message_of_many_threads_waits_for_a_wake_up(broker: Broker) -> None:
    """Each waits for its answer before it sends again."""
    client = new_client("sender")
    client.connect_async(LOOPBACK, broker.port, 3600)
    client.loop_start()
    wait_for(client.is_connected, seconds=20, what="the connection")
    late: list[int] = []

    def send() -> None:
        for number in range(PAIRS):
            info = client.publish("usbcam/porch/test", bytes(number), 1)
            info.wait_for_publish(20)
            if not info.is_published():
                late.append(number)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.disconnect()
    client.loop_stop()

    assert late == []


def test_only_a_connection_that_is_given_up_comes_back_without_a_wait(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[str] = []
    monkeypatch.setattr(paho.Client, "_reconnect_wait", lambda _client: waits.append("waited"))
    connections: list[int] = []
    with Link(broker.port) as link:
        client = new_client("reader")
        client.on_connect = lambda *_: connections.append(len(waits))
        client.connect_async(LOOPBACK, link.port)
        client.loop_start()
        wait_for(lambda: len(connections) == 1, seconds=20, what="the connection")
        client.reconnect_at_once()
        wait_for(lambda: len(connections) == 2, seconds=20, what="the next connection")
        link.cut()
        link.restore()
        wait_for(lambda: len(connections) == 3, seconds=20, what="the third connection")
        client.disconnect()
        client.loop_stop()

    assert connections[:2] == [0, 0]
    assert connections[2] >= 1


def test_an_image_of_any_size_arrives_whole(broker: Broker) -> None:
    images = [pictures.png(1)] + [random.Random(size).randbytes(size) for size in (0, 1, 32_760, 70_000, 3_000_000)]
    arrived: list[bytes] = []
    client = new_client("reader")
    subscribed = threading.Event()

    def subscribe(*_: object) -> None:
        client.subscribe("usbcam/porch/test", qos=1)

    client.on_connect = subscribe
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _client, _data, message: arrived.append(bytes(message.payload))
    client.connect_async(LOOPBACK, broker.port)
    client.loop_start()
    assert subscribed.wait(20)

    for image in 3 * images:
        client.publish("usbcam/porch/test", image, 1)
    wait_for(lambda: len(arrived) == 3 * len(images), seconds=20, what="the images")
    client.disconnect()
    client.loop_stop()

    assert arrived == 3 * images
