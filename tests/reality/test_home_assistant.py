"""The real Home Assistant: our cameras appear, follow what happens, and leave no ghosts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.harness.process import wait_for
from tests.integration.edge.test_homeassistant import LOGIN, connect
from tests.reality.asked import ASKED
from tests.reality.home_assistant import HomeAssistant, install
from tests.support.programs.journey import Journey
from tests.support.rig import EdgeBroker

pytestmark = ASKED

SECONDS = 120.0
CAPTURE = "event.camera_door_porch_capture"
SWITCH = "switch.camera_door_porch_watching"
IMAGE = "image.camera_door_porch_last_capture"
ENTITIES = {
    CAPTURE,
    SWITCH,
    IMAGE,
    "binary_sensor.camera_door_porch_camera",
    "sensor.camera_door_porch_captures",
    "sensor.camera_door_porch_stored_in_s3",
    "sensor.camera_door_porch_waiting_for_s3",
}
NOT_THERE = {"unavailable", "unknown", "missing"}


@pytest.fixture
def assistant(tmp_path: Path, home: int) -> Iterator[HomeAssistant]:
    """A new one, with our broker."""
    running = install(tmp_path / "home-assistant")
    try:
        running.start()
        running.onboard()
        running.add_mqtt(home, *LOGIN)
        yield running
    finally:
        running.remove()


def until(condition: Callable[[], bool], what: str, assistant: HomeAssistant) -> None:
    try:
        wait_for(condition, seconds=SECONDS, what=what)
    except TimeoutError:
        pytest.fail(f"waited for {what}: {[(name, each['state']) for name, each in assistant.states().items()]}")


def test_a_camera_lives_in_home_assistant_from_its_first_capture_to_its_renaming(
    journey: Journey, edge_broker: EdgeBroker, home: int, assistant: HomeAssistant, note: Callable[[str], None]
) -> None:
    connect(edge_broker, home)
    journey.uploader()
    first = journey.camera(HOMEASSISTANT="on")

    def settled() -> bool:
        states = assistant.states()
        return set(states) >= ENTITIES and not any(states[name]["state"] in NOT_THERE for name in ENTITIES)

    until(settled, "all entities with a state", assistant)
    assert set(assistant.states()) == ENTITIES
    until(lambda: int(assistant.state("sensor.camera_door_porch_stored_in_s3")) > 2, "stored captures", assistant)
    picture = assistant.fetch(assistant.states()[IMAGE]["attributes"]["entity_picture"])
    assert picture.startswith(b"\x89PNG")
    note(f"Home Assistant {assistant.ask('config')['version']} shows {len(ENTITIES)} entities")

    assistant.ask("services/switch/turn_off", {"entity_id": SWITCH})
    until(lambda: '"paused"' in journey.started[-1].log.read_text() or paused(edge_broker), "the pause", assistant)
    until(lambda: assistant.state(SWITCH) == "off", "the switch off", assistant)
    seen = assistant.state(CAPTURE)

    first.stop()
    until(lambda: assistant.state(SWITCH) == "unavailable", "the camera that was stopped", assistant)
    assert assistant.state(CAPTURE) == seen  # the last capture stays true
    assistant.stop()
    assistant.start()
    until(lambda: assistant.state(CAPTURE) == seen, "the event of before the restart", assistant)

    second = journey.camera(HOMEASSISTANT="on")
    until(lambda: assistant.state(SWITCH) == "off", "the pause, which held", assistant)
    assert assistant.state(CAPTURE) == seen  # no restart fires it
    assistant.ask("services/switch/turn_on", {"entity_id": SWITCH})
    until(lambda: assistant.state(CAPTURE) != seen, "another capture", assistant)

    edge_broker.kill()
    gone = ENTITIES - {CAPTURE}
    until(lambda: all(assistant.state(name) == "unavailable" for name in gone), "an edge without power", assistant)
    edge_broker.start()
    until(settled, "the edge that is back", assistant)

    second.stop()
    third = journey.camera(HOMEASSISTANT="on", CAMERA_NAME="gate")
    renamed = {name.replace("door", "gate") for name in ENTITIES}
    until(lambda: set(assistant.states()) == renamed, "the new name and no ghost", assistant)
    third.stop()
    journey.camera(CAMERA_NAME="gate", HOMEASSISTANT="off")
    until(lambda: not assistant.states(), "nothing of a camera that is no longer told", assistant)
    assert assistant.complaints() == []


def paused(edge_broker: EdgeBroker) -> bool:
    with edge_broker.camera() as client:
        client.subscribe("usbcam/status/door")
        return b'"paused"' in client.wait_for(1)[0].payload
