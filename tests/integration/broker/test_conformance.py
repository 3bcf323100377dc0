"""The program that tells what a broker grants: everything at ours, and no more than there is at others."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from common.mqtt import Login
from common.runtime.check_result import Status
from dev.conformance import edges, needs
from dev.conformance.__main__ import read_edge, try_broker, try_edge
from dev.conformance.client import Broker, LessGrantedError
from dev.harness.process import LOOPBACK, free_port, start, until_up
from dev.harness.services import answers_mqtt
from enroll.broker.rights import UPLOADER
from tests.support.played_broker import PlayedBroker
from tests.support.rig import CloudBroker

GENEROUS = ("allow_anonymous true", "max_queued_messages 0", "max_packet_size 16777216")
POOR = ("allow_anonymous true", "max_queued_messages 100", "max_packet_size 100000")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    processes = []

    def run(*lines: str) -> Broker:
        port = free_port()
        file = tmp_path / "mosquitto.conf"
        file.write_text("\n".join([f"listener {port} {LOOPBACK}", *lines, ""]))
        command = ["mosquitto", "-c", str(file)]
        processes.append(start("mosquitto", command, tmp_path, {"PATH": "/usr/sbin:/usr/bin"}))
        until_up(processes[-1], lambda: answers_mqtt(port))
        return Broker(LOOPBACK, port)

    yield run
    for process in processes:
        process.kill()


def test_a_mosquitto_like_ours_grants_everything(mosquitto: Callable[..., Broker]) -> None:
    results = list(try_broker(mosquitto(*GENEROUS)))

    assert [result.subject for result in results] == list(needs.NEEDS)
    assert [result.line() for result in results if result.status is not Status.PASS] == []


def test_what_a_broker_cuts_short_is_named_and_nothing_else(mosquitto: Callable[..., Broker]) -> None:
    results = list(try_broker(mosquitto(*POOR)))

    failures = {result.subject: result.message for result in results if result.status is not Status.PASS}
    assert set(failures) == {"backlog", "image size"}
    assert "and 100 arrive" in failures["backlog"]


def test_without_a_connection_nothing_else_is_tried() -> None:
    first, *others = try_broker(Broker(LOOPBACK, free_port()))

    assert (first.status, first.subject) == (Status.FAIL, "connection")
    assert {result.status for result in others} == {Status.SKIP}


def test_a_broker_without_shared_subscriptions_is_said_to_want_one_uploader() -> None:
    played = PlayedBroker(SharedSubscriptionAvailable=0)
    try:
        with pytest.raises(LessGrantedError, match="UPLOADERS=1"):
            needs.shared(Broker(LOOPBACK, played.port))
    finally:
        played.close()


@pytest.mark.parametrize("mosquitto_image", [None])
def test_the_shipped_broker_grants_an_edge_its_own_and_no_more(cloud_broker: CloudBroker, tmp_path: Path) -> None:
    login = Login(UPLOADER, cloud_broker.enrolment.uploader_password.read_text(encoding="ascii"))
    broker = Broker(LOOPBACK, cloud_broker.port, login)
    token = cloud_broker.enrolment.token("porch")

    results = list(try_edge(broker, read_edge(token, tmp_path / "porch", LOOPBACK, cloud_broker.outside_port)))

    assert [result.subject for result in results] == list(edges.NEEDS)
    assert [result.line() for result in results if result.status is not Status.PASS] == []


@pytest.mark.parametrize("mosquitto_image", [None])
def test_a_right_too_many_is_named(cloud_broker: CloudBroker, tmp_path: Path) -> None:
    """The broker believes that this edge is called otherwise."""
    token = cloud_broker.enrolment.token("attic")
    edge = read_edge(token, tmp_path / "attic", LOOPBACK, cloud_broker.outside_port)
    edge = edges.TriedEdge("porch", edge.broker)

    results = {result.subject: result for result in try_edge(Broker(LOOPBACK, cloud_broker.port), edge)}

    assert results["edge writes"].status is Status.FAIL
    assert "may not write usbcam/porch/images" in results["edge writes"].message
    assert results["edge reads"].status is Status.FAIL
