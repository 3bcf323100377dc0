"""Home Assistant's broker, next to the edge: the cameras appear there, and its switch pauses them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.harness.process import start, until_up
from dev.harness.services import LOOPBACK, answers_mqtt, free_port, wait_for
from tests.support.mqtt import Client
from tests.support.programs.journey import START_SECONDS, Journey
from tests.support.rig import EdgeBroker

LOGIN = ("usbcam", r"p&|\1s s")  # what sed and the shell would take for something else

DEVICE = "homeassistant/device/usbcam-porch_door/config"
BRIDGE = "usbcam-bridge/homeassistant/porch"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[int]:
    """Run a plain broker as Home Assistant has it, with a login; return its port."""
    folder, port, inside = tmp_path / "home", free_port(), free_port()
    folder.mkdir(mode=0o755)
    logins = folder / "logins"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(logins), *LOGIN], check=True)
    (folder / "mosquitto.conf").write_text(
        f"user root\nper_listener_settings true\nlistener {port} {LOOPBACK}\npassword_file {logins}\n"
        f"listener {inside} {LOOPBACK}\nallow_anonymous true\n",  # where the test asks whether it has started
        encoding="ascii",
    )
    process = start("home", ["mosquitto", "-c", str(folder / "mosquitto.conf")], folder, {})
    until_up(process, lambda: answers_mqtt(inside))
    yield port
    process.kill()


def test_a_camera_appears_there_and_its_switch_pauses_it(journey: Journey, edge_broker: EdgeBroker, home: int) -> None:
    connect(edge_broker, home)
    journey.camera(HOMEASSISTANT="on")

    with at_home(home) as client:
        client.subscribe("#")
        retained = {DEVICE, "usbcam/porch/status/door", "usbcam-homeassistant/porch/door"}
        wait_for(
            lambda: retained <= {message.topic for message in list(client.messages)},
            seconds=START_SECONDS,
            what="discovery, status and picture",
        )
        client.publish("usbcam/porch/command/door", b"pause")  # as its switch does
        wait_for(
            lambda: any(
                json.loads(message.payload).get("state") == "paused"
                for message in list(client.messages)
                if message.topic == "usbcam/porch/status/door"
            ),
            seconds=START_SECONDS,
            what="the pause",
        )

    with Client(edge_broker.port) as edge:
        edge.subscribe("usbcam/command/door")
        kept = edge.wait_for(1)[0]
    assert (kept.payload, kept.retain) == (b"pause", True)  # only here: no old command comes back with that broker
    others = {"usbcam/porch/command/door", "usbcam-homeassistant/porch/door/captured", BRIDGE}
    assert {message.topic for message in client.messages} <= retained | others  # no pictures of the path


def test_home_assistant_notices_an_edge_that_is_switched_off(
    journey: Journey, edge_broker: EdgeBroker, home: int
) -> None:
    connect(edge_broker, home)
    journey.camera(HOMEASSISTANT="on")
    with at_home(home) as client:
        client.subscribe("#")
        wait_for(
            lambda: last(client, DEVICE) and last(client, BRIDGE) == b"1", seconds=START_SECONDS, what="the camera"
        )

        edge_broker.kill()

        wait_for(lambda: last(client, BRIDGE) == b"0", seconds=START_SECONDS, what="the end of the bridge")
    parts = json.loads(last(client, DEVICE))["cmps"]
    for name, part in parts.items():
        assert part["p"] == "event" or BRIDGE in [way["topic"] for way in part["availability"]], name


def test_a_proper_stop_of_the_edge_broker_is_noticed_too(edge_broker: EdgeBroker, home: int) -> None:
    connect(edge_broker, home)
    with at_home(home) as client:
        client.subscribe("#")
        wait_for(lambda: last(client, BRIDGE) == b"1", seconds=START_SECONDS, what="the bridge")

        edge_broker.stop()

        wait_for(lambda: last(client, BRIDGE) == b"0", seconds=START_SECONDS, what="the end of the bridge")


def test_a_renamed_camera_and_one_that_is_switched_off_there_leave_nothing(
    journey: Journey, edge_broker: EdgeBroker, home: int
) -> None:
    connect(edge_broker, home)
    first = journey.camera(HOMEASSISTANT="on")
    with at_home(home) as client:
        client.subscribe("#")
        wait_for(
            lambda: {DEVICE, "usbcam/porch/status/door", "usbcam-homeassistant/porch/door"} <= kept(client),
            seconds=START_SECONDS,
            what="the camera",
        )
        first.stop()

        second = journey.camera(HOMEASSISTANT="on", CAMERA_NAME="gate")
        renamed = {DEVICE.replace("door", "gate"), "usbcam/porch/status/gate", "usbcam-homeassistant/porch/gate"}
        wait_for(lambda: kept(client) == renamed | {BRIDGE}, seconds=START_SECONDS, what="the new name alone")
        second.stop()

        journey.camera(CAMERA_NAME="gate")
        alone = {"usbcam/porch/status/gate", BRIDGE}
        wait_for(lambda: kept(client) == alone, seconds=START_SECONDS, what="the status alone")


def test_what_could_not_be_cleared_is_cleared_when_home_assistants_broker_is_back(
    journey: Journey, edge_broker: EdgeBroker, home: int
) -> None:
    """The bridge to it queues nothing, so that a rename meanwhile would be lost."""
    connect(edge_broker, home)
    first = journey.camera(HOMEASSISTANT="on")
    with at_home(home) as client:
        client.subscribe("homeassistant/#")
        wait_for(lambda: kept(client) == {DEVICE}, seconds=START_SECONDS, what="the camera")
        first.stop()
        edge_broker.stop()
        connect(edge_broker, free_port())
        second = journey.camera(HOMEASSISTANT="on", CAMERA_NAME="gate")
        with Client(edge_broker.port) as edge:
            edge.subscribe("homeassistant/#")
            wait_for(lambda: len(kept(edge)) == 1, seconds=START_SECONDS, what="the new name at the edge")
        assert kept(client) == {DEVICE}

        edge_broker.stop()
        connect(edge_broker, home)

        new = {DEVICE.replace("door", "gate")}
        wait_for(lambda: kept(client) == new, seconds=START_SECONDS, what="the new name alone")
        assert second.popen.poll() is None


def connect(edge_broker: EdgeBroker, home: int) -> None:
    """Start the edge broker again, with a bridge to that port."""
    edge_broker.stop()
    edge_broker.settings |= {"HOMEASSISTANT_BROKER": f"{LOOPBACK}:{home}"}
    edge_broker.settings |= {"HOMEASSISTANT_USER": LOGIN[0], "HOMEASSISTANT_PASSWORD": LOGIN[1]}
    edge_broker.start()


def at_home(port: int) -> Client:
    client = Client(port)
    client.login(*LOGIN)
    return client


def last(client: Client, topic: str) -> bytes:
    return next((message.payload for message in reversed(client.messages) if message.topic == topic), b"")


def kept(client: Client) -> set[str]:
    """The topics on which something is retained: an empty message removes it."""
    payloads = {message.topic: message.payload for message in list(client.messages) if message.retain}
    return {topic for topic, payload in payloads.items() if payload}
