"""What Home Assistant is told of a camera."""

import json

from camera.control.homeassistant import discovery_payload
from common.contract import topics


def test_a_device_has_an_image_a_connection_and_counts() -> None:
    said = json.loads(discovery_payload("front", "image/png"))

    parts = said["cmps"]
    assert topics.homeassistant_discovery("front") == "homeassistant/device/usbcam-front/config"
    assert said["dev"]["ids"] == ["usbcam-front"]
    assert parts["last_capture"]["image_topic"] == topics.homeassistant_image("front") == "usbcam-homeassistant/front"
    assert {part["p"] for part in parts.values()} == {"image", "binary_sensor", "sensor", "switch"}
    assert len({part["unique_id"] for part in parts.values()}) == len(parts)
    assert all(part.get("state_topic", "usbcam/status/front") == "usbcam/status/front" for part in parts.values())
    assert said["availability_topic"] == "usbcam/status/front"


def test_names_of_two_cameras_do_not_meet() -> None:
    front, porch = (json.loads(discovery_payload(name, "image/png"))["cmps"] for name in ("front", "porch"))

    assert not {part["unique_id"] for part in front.values()} & {part["unique_id"] for part in porch.values()}
