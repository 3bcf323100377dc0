"""An edge that sends what no bridge sends is held off for a while; nobody else notices."""

import contextlib
import os
import subprocess
from collections.abc import Callable

import pytest

from common.contract import topics
from dev.harness.enrolment import Credentials
from dev.harness.services import wait_for
from tests.integration.honest import NOT_AUTHORIZED, Honest, has_logged, may_write
from tests.support.attacks import attack
from tests.support.mqtt import Client
from tests.support.rig import CloudBroker

HOLD_SECONDS = 8  # the test has to see it, with a busy processor, too


@pytest.fixture
def cloud_broker(cloud_broker: CloudBroker) -> CloudBroker:
    """Hold off for a shorter time than the shipped one."""
    cloud_broker.stop()
    cloud_broker.settings["CLOUD_HOLD_SECONDS"] = str(HOLD_SECONDS)
    cloud_broker.start()
    return cloud_broker


def flood(broker: CloudBroker, porch: Credentials, sent: bytes) -> None:
    """Send as the edge `porch` until the broker has had enough of it."""
    hello = attack.connect_packet("porch")
    with (
        contextlib.suppress(OSError),
        attack.connected(broker.outside_port, attack.context(porch), hello) as edge,
    ):
        while not has_logged(broker, "Holding porch off|porch floods"):
            edge.sendall(sent)


def by_packets(broker: CloudBroker, porch: Credentials) -> None:
    flood(broker, porch, 500 * attack.packet(0xC0, b""))


def by_messages(broker: CloudBroker, porch: Credentials) -> None:
    flood(broker, porch, 500 * attack.packet(0x30, attack.text("usbcam/porch/images") + b"\0x"))


def by_what_it_may_not_write(broker: CloudBroker, porch: Credentials) -> None:
    flood(broker, porch, 500 * attack.packet(0x30, attack.text("usbcam/porch/other") + b"\0x"))


def by_the_uploaders_word(broker: CloudBroker, _porch: Credentials) -> None:
    with broker.uploader("uploader") as uploader:
        assert uploader.publish(topics.offender("porch"), b"").value in {0, 16}


@pytest.mark.parametrize("offend", [by_packets, by_messages, by_what_it_may_not_write, by_the_uploaders_word])
def test_an_offender_is_named_held_off_and_comes_back(
    cloud_broker: CloudBroker,
    honest: Honest,
    porch: Credentials,
    offend: Callable[[CloudBroker, Credentials], None],
    mosquitto_image: str | None,
) -> None:
    offend(cloud_broker, porch)

    if mosquitto_image is None and offend is by_what_it_may_not_write:  # 2.0 hangs up at the first message
        assert honest.topics() == set()
        return
    if mosquitto_image is None:  # 2.0 cannot change rights often
        wait_for(
            lambda: has_logged(cloud_broker, "porch floods, revoke it: it sends more "), seconds=20, what="its name"
        )
        return
    wait_for(lambda: not gets_through(cloud_broker), seconds=20, what="the offender to be held off")
    assert honest.topics() <= {"usbcam/porch/images", "usbcam/_/offenders/porch"}
    wait_for(lambda: gets_through(cloud_broker), seconds=30, what="the offender to be let in again")
    assert has_logged(cloud_broker, rf"Holding porch off for {HOLD_SECONDS} s: it sends more ")


def test_rights_may_change_any_number_of_times(cloud_broker: CloudBroker, honest: Honest) -> None:
    names = ('"username": "porch"', '"username": "porch", "rolename": "edge-porch"')
    commands = [("disableClient", 0), ("enableClient", 0), ("removeClientRole", 1), ("addClientRole", 1)]
    message = ", ".join(f'{{"command": "{command}", {names[kind]}}}' for command, kind in commands)
    environment = os.environ | {"XDG_CONFIG_HOME": str(cloud_broker.enrolment.identity)}
    publish = [
        "mosquitto_pub",
        "-V",
        "5",
        "-p",
        str(cloud_broker.port),
        "-q",
        "1",
        "-t",
        "$CONTROL/dynamic-security/v1",
    ]

    for _ in range(20):
        subprocess.run([*publish, "-m", f'{{"commands": [{message}]}}'], env=environment, check=True)

    assert honest.topics() == set()


def test_nobody_but_the_uploader_has_others_held_off(
    cloud_broker: CloudBroker, honest: Honest, porch: Credentials
) -> None:
    with Client(cloud_broker.outside_port, credentials=porch) as edge:
        assert edge.publish(topics.offender("attic"), b"").value == NOT_AUTHORIZED
    with Client(cloud_broker.port, "uploader-2") as guest:
        assert guest.publish(topics.offender("attic"), b"").value == NOT_AUTHORIZED
    assert honest.topics() == set()


def gets_through(broker: CloudBroker) -> bool:
    """Whether the edge porch may write; a broker that is busy with a flood may not answer."""
    with contextlib.suppress(OSError, TimeoutError):
        return may_write(broker, "porch")
    return False
