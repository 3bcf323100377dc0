"""Home Assistant's broker, next to the edge: the cameras appear there, and its switch pauses them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.harness.process import start, until_up
from dev.harness.services import LOOPBACK, answers_mqtt, free_port, wait_for
from tests.support.journey import START_SECONDS, Journey
from tests.support.mqtt import Client
from tests.support.rig import EdgeBroker

LOGIN = ("usbcam", r"p&|\1s s")  # what sed and the shell would take for something else


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
    edge_broker.stop()
    edge_broker.settings |= {"HOMEASSISTANT_BROKER": f"{LOOPBACK}:{home}"}
    edge_broker.settings |= {"HOMEASSISTANT_USER": LOGIN[0], "HOMEASSISTANT_PASSWORD": LOGIN[1]}
    edge_broker.start()
    journey.camera(HOMEASSISTANT="on")

    client = Client(home)
    client.login(*LOGIN)
    with client:
        client.subscribe("#")
        topics = {"homeassistant/device/usbcam-door/config", "usbcam/status/door", "usbcam-homeassistant/door"}
        wait_for(
            lambda: topics <= {message.topic for message in list(client.messages)},
            seconds=START_SECONDS,
            what="discovery, status and picture",
        )
        client.publish("usbcam/command/door", b"pause")  # as its switch does
        wait_for(
            lambda: any(
                json.loads(message.payload).get("state") == "paused"
                for message in list(client.messages)
                if message.topic == "usbcam/status/door"
            ),
            seconds=START_SECONDS,
            what="the pause",
        )

    with Client(edge_broker.port) as edge:
        edge.subscribe("usbcam/command/door")
        kept = edge.wait_for(1)[0]
    assert (kept.payload, kept.retain) == (b"pause", True)  # only here: no old command comes back with that broker
    assert {message.topic for message in client.messages} <= topics | {"usbcam/command/door"}  # no pictures of the path
