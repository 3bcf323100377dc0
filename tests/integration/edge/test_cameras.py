"""Several cameras on one edge, and the commands they get through the broker."""

import json

from dev.harness.services import wait_for
from tests.support.mqtt import Client
from tests.support.programs.journey import START_SECONDS, Journey


def statuses(client: Client) -> dict[str, dict[str, object]]:
    """The newest status of each camera."""
    return {
        message.topic.removeprefix("usbcam/status/"): json.loads(message.payload)
        for message in list(client.messages)
        if message.topic.startswith("usbcam/status/")
    }


def is_so(client: Client, camera: str, **wanted: object) -> bool:
    found = statuses(client).get(camera, {})
    return all(found.get(name) == value for name, value in wanted.items())


def test_two_cameras_share_the_way_and_a_broken_one_does_not_hold_up_the_other(journey: Journey) -> None:
    journey.uploader()
    journey.camera(CAMERAS="front=demo porch=/dev/video99", CAMERA_SETTINGS="front.DEMO_SEED=7")
    with Client(journey.edge_broker.port) as client:
        client.subscribe("usbcam/status/+")

        keys = journey.wait_for_objects(3)
        wait_for(lambda: is_so(client, "front", online=True), seconds=START_SECONDS, what="a camera at work")
        wait_for(lambda: statuses(client).get("porch", {}).get("problem"), seconds=START_SECONDS, what="the problem")

    assert all(key.startswith("porch/front/") for key in keys)
    assert "/dev/video99" in str(statuses(client)["porch"]["problem"])
    assert statuses(client)["front"]["problem"] is None


def test_a_camera_is_paused_and_resumed_by_a_retained_command(journey: Journey) -> None:
    journey.camera(CAMERAS="front=demo porch=demo")
    with Client(journey.edge_broker.port) as client:
        client.subscribe("usbcam/status/+")
        wait_for(lambda: is_so(client, "front", state="running"), seconds=START_SECONDS, what="a camera at work")

        client.publish("usbcam/command/front", b"pause", retain=True)
        wait_for(lambda: is_so(client, "front", state="paused"), seconds=START_SECONDS, what="a pause")
        assert is_so(client, "porch", state="running")
        client.publish("usbcam/command/front", b"sleep", retain=True)  # no command: nothing changes
        client.publish("usbcam/command/front", b"", retain=True)
        wait_for(lambda: is_so(client, "front", state="running"), seconds=START_SECONDS, what="its end")

    assert "it must be pause, run, or hours" in journey.started[-1].tail(50)


def test_a_camera_starts_paused_when_it_was_told_so_before(journey: Journey) -> None:
    with Client(journey.edge_broker.port) as client:
        client.publish("usbcam/command/door", b"pause", retain=True)
        client.subscribe("usbcam/status/+")

        journey.camera()

        wait_for(lambda: is_so(client, "door", state="paused", online=True), seconds=START_SECONDS, what="a pause")


def test_every_camera_of_a_killed_process_is_offline(journey: Journey) -> None:
    camera = journey.camera(CAMERAS="front=demo porch=demo")
    with Client(journey.edge_broker.port) as client:
        client.subscribe("usbcam/status/+")
        names = ("front", "porch")
        wait_for(
            lambda: all(is_so(client, name, online=True) for name in names), seconds=START_SECONDS, what="two cameras"
        )

        camera.kill()

        wait_for(
            lambda: all(is_so(client, name, online=False) for name in names), seconds=START_SECONDS, what="their end"
        )


def test_home_assistant_finds_the_camera_and_its_last_capture(journey: Journey) -> None:
    device = "homeassistant/device/usbcam-porch_door/config"
    journey.camera(HOMEASSISTANT="on")

    with Client(journey.edge_broker.port) as client:
        client.subscribe("homeassistant/#")
        client.subscribe("usbcam-homeassistant/door")
        wait_for(
            lambda: {message.topic for message in list(client.messages)} >= {device, "usbcam-homeassistant/door"},
            seconds=START_SECONDS,
            what="the camera and a picture",
        )

    found = {message.topic: message for message in client.messages}
    assert found["usbcam-homeassistant/door"].payload.startswith(b"\x89PNG")
    assert json.loads(found[device].payload)["dev"]["name"] == "Camera door (porch)"
    assert all(message.retain for message in found.values())


def test_without_the_setting_home_assistant_is_told_nothing(journey: Journey) -> None:
    journey.uploader()
    journey.camera()
    with Client(journey.edge_broker.port) as client:
        client.subscribe("homeassistant/#")
        client.subscribe("usbcam-homeassistant/#")

        journey.wait_for_objects(2)

    assert client.messages == []
