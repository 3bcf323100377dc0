"""What Home Assistant is told of a camera, and what its templates make of every status."""

import functools
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from camera.control.homeassistant import Edge, device_id, discovery_payload, event_payload
from camera.control.status import camera_report
from camera.delivery.delivery_status import Bridge, DeliveryStatus
from camera.delivery.spool import Spool
from camera.pipeline.camera_status import CameraStatus
from camera.pipeline.worker import CameraWorker
from common.contract import topics
from common.contract.status import LAST_WILL as LAST_WILL_JSON
from common.contract.status import CameraState

PORCH = Edge("porch", bridged=True)
UNKNOWN = Edge()
LAST_WILL: dict[str, object] = json.loads(LAST_WILL_JSON)
TEMPLATES = ImmutableSandboxedEnvironment(undefined=StrictUndefined)  # Home Assistant's own warns instead of failing


def discovery(camera: str, edge: Edge) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(discovery_payload(camera, "image/png", edge))
    return content


def statuses() -> Iterator[dict[str, object]]:
    """Every status that a camera can send, its last will among them."""
    spool = cast("Spool", SimpleNamespace(problem=None, depth=3, dropped=0))
    for state in CameraState:
        for problem in (None, "No camera."):
            for bridge in Bridge:
                worker = SimpleNamespace(
                    status=CameraStatus(state, problem),
                    rate=SimpleNamespace(per_second=lambda: 9.9),
                    counters=SimpleNamespace(faces=1, captured=2, refused=0, last_captured_at=None),
                    frame_counters=SimpleNamespace(skipped=0),
                )
                for online in (True, False):
                    delivery = DeliveryStatus(bridge=bridge)
                    report = camera_report(cast("CameraWorker", worker), spool, delivery, online=online)
                    yield json.loads(report.to_json())
    yield dict(LAST_WILL)


compiled = functools.cache(TEMPLATES.from_string)


def rendered(template: str, **values: object) -> str:
    return compiled(template).render(values).strip()


def templates(content: object) -> Iterator[str]:
    """Every template of a message, wherever it is."""
    if isinstance(content, dict):
        for name, value in content.items():
            if isinstance(value, str) and ("template" in name or "{" in value):
                yield value
            yield from templates(value)
    elif isinstance(content, list):
        for value in content:
            yield from templates(value)


@pytest.mark.parametrize("edge", [PORCH, Edge("porch"), UNKNOWN])
def test_every_template_can_read_every_status_and_a_cleared_one(edge: Edge) -> None:
    found = list(templates(discovery("front", edge)))

    assert len(found) > 5
    for template in found:
        rendered(template, value="")  # an empty message has no value_json
        for status in statuses():
            rendered(template, value=json.dumps(status), value_json=status)


def test_the_switch_shows_a_pause_and_stays_as_it_is_when_the_camera_is_gone() -> None:
    watching = discovery("front", PORCH)["cmps"]["watching"]

    for status in statuses():
        shown = rendered(watching["value_template"], value_json=status)
        if "state" not in status:
            assert shown == ""
        else:
            assert shown == (watching["state_off"] if status["state"] == "paused" else watching["state_on"])


def test_a_blind_camera_is_a_problem_with_its_reason_and_a_last_will_changes_nothing() -> None:
    blind = discovery("front", PORCH)["cmps"]["blind"]
    status = next(statuses())

    said = status | {"blind": "covered", "blind_since": "2026-11-22T06:33:25.123Z"}
    assert rendered(blind["value_template"], value_json=said) == "ON"
    assert json.loads(rendered(blind["json_attributes_template"], value_json=said))["why"] == "covered"
    assert rendered(blind["value_template"], value_json=status) == "OFF"
    assert rendered(blind["value_template"], value_json=LAST_WILL) == ""


def test_a_last_will_sets_no_count_back() -> None:
    parts = discovery("front", PORCH)["cmps"]

    for part in (part for part in parts.values() if part["p"] == "sensor"):
        assert rendered(part["value_template"], value_json=LAST_WILL) == ""
        assert rendered(part["value_template"], value_json=next(statuses())).isdigit()


def test_the_connection_is_on_while_the_camera_is_online_without_a_problem() -> None:
    online = discovery("front", PORCH)["cmps"]["online"]

    for status in statuses():
        works = bool(status["online"]) and not status["problem"]
        assert rendered(online["value_template"], value_json=status) == ("ON" if works else "OFF")


@pytest.mark.parametrize("edge", [PORCH, UNKNOWN])
def test_everything_but_the_event_is_unavailable_with_the_camera_and_with_the_bridge(edge: Edge) -> None:
    for part in discovery("front", edge)["cmps"].values():
        ways = {way["topic"] for way in part.get("availability", ())}
        if part["p"] == "event":  # else it would come again with the camera
            assert ways == set()
        else:
            assert ways == {edge.topic("usbcam/status/front")} | (
                {"usbcam-bridge/homeassistant/porch"} if edge.bridged else set()
            )
            assert part["availability_mode"] == "all"
            assert rendered(part["availability"][0]["value_template"], value_json=LAST_WILL) == "offline"


def test_a_device_has_an_image_a_connection_an_event_and_counts() -> None:
    said = discovery("front", UNKNOWN)

    parts = said["cmps"]
    assert device_id("front", UNKNOWN) == said["dev"]["ids"][0] == "usbcam-front"
    assert topics.homeassistant_discovery("usbcam-front") == "homeassistant/device/usbcam-front/config"
    assert parts["last_capture"]["image_topic"] == topics.homeassistant_image("front") == "usbcam-homeassistant/front"
    assert {part["p"] for part in parts.values()} == {"image", "binary_sensor", "sensor", "switch", "event"}
    assert len({part["unique_id"] for part in parts.values()}) == len(parts)
    event = parts.pop("capture")
    assert all(part.get("state_topic", "usbcam/status/front") == "usbcam/status/front" for part in parts.values())
    assert json.loads(event_payload("an-id", "2026-11-22T06:33:25.123Z"))["event_type"] in event["event_types"]


def test_behind_the_bridge_all_topics_have_the_edges_name() -> None:
    said = discovery("front", PORCH)

    used = {value for part in said["cmps"].values() for name, value in part.items() if name.endswith("_topic")}
    assert used == {
        "usbcam/porch/status/front",
        "usbcam/porch/command/front",
        "usbcam-homeassistant/porch/front",
        "usbcam-homeassistant/porch/front/captured",
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("front", PORCH), ("back", PORCH)),
        (("front", PORCH), ("front", Edge("attic", bridged=True))),
        (("b-front", Edge("a", bridged=True)), ("front", Edge("a-b", bridged=True))),
        (("front", PORCH), ("porch_front", UNKNOWN)),
    ],
)
def test_two_cameras_share_nothing_but_their_bridge(one: tuple[str, Edge], other: tuple[str, Edge]) -> None:
    first, second = (discovery(*camera) for camera in (one, other))

    assert first["dev"]["name"] != second["dev"]["name"]
    unique_ids, used = (
        [{part.get(name) for part in said["cmps"].values()} for said in (first, second)]
        for name in ("unique_id", "state_topic")
    )
    assert not used[0] & used[1] - {None}
    if other[1] is not UNKNOWN:  # at a broker of its own
        assert device_id(*one) != device_id(*other)
        assert not unique_ids[0] & unique_ids[1]
