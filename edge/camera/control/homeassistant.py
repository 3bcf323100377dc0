"""What Home Assistant learns about a camera by MQTT discovery, so that it appears there by itself.

One message per device, as Home Assistant 2024.11 and later take it (its documentation: MQTT, "Device discovery
payload").
"""

import json
from dataclasses import dataclass
from typing import Any, Self

from common.contract import topics

EXPIRE_SECONDS = 30  # a status comes every 5 s
EVENT = "captured"


@dataclass(frozen=True, slots=True)
class Edge:
    """Where the cameras are, as the edge broker's start.sh says it."""

    name: str = ""  # empty: another broker than the shipped one
    bridged: bool = False  # to Home Assistant's broker, which gives topics the edge's name

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the message; raises ValueError, KeyError or TypeError."""
        content = json.loads(payload)
        return cls(str(content["name"]), content["homeassistant"] is True)

    def topic(self, topic: str) -> str:
        """Return what a topic of the edge broker is called where Home Assistant reads it."""
        return topics.bridged_to_homeassistant(topic, self.name) if self.bridged else topic


def device_id(camera: str, edge: Edge) -> str:
    """Name a camera so that no other one of any edge has that name: there is no _ in an edge's name."""
    return f"usbcam-{edge.name}_{camera}" if edge.name else f"usbcam-{camera}"


def discovery_payload(camera: str, content_type: str, edge: Edge) -> bytes:
    """Describe a camera: last capture, online, counts, a switch that pauses it, and an event for each capture."""
    device = device_id(camera, edge)
    # The event has no availability: its time of last week is true while the camera is off, too, and does not come anew.
    components = {
        name: part | _availability(camera, edge) for name, part in _entities(camera, content_type, edge).items()
    }
    components["capture"] = {
        "p": "event",
        "name": "Capture",
        "icon": "mdi:face-recognition",
        "event_types": [EVENT],
        "state_topic": edge.topic(topics.homeassistant_event(camera)),
    }
    content = {
        "dev": {
            "ids": [device],
            "name": f"Camera {camera} ({edge.name})" if edge.name else f"Camera {camera}",
            "mf": "usbcam",
        },
        "o": {"name": "usbcam"},
        "cmps": {name: part | {"unique_id": f"{device}-{name}"} for name, part in components.items()},
        "qos": 1,
    }
    return json.dumps(content).encode()


def event_payload(capture_id: str, captured_at: str) -> bytes:
    """Write what is sent for each capture."""
    return json.dumps({"event_type": EVENT, "id": capture_id, "captured_at": captured_at}).encode()


def _entities(camera: str, content_type: str, edge: Edge) -> dict[str, dict[str, Any]]:
    status: dict[str, object] = {"state_topic": edge.topic(topics.status(camera))}
    sensor = status | {"expire_after": EXPIRE_SECONDS}  # sensors can expire, switches and images cannot
    return {
        "last_capture": {
            "p": "image",
            "name": "Last capture",
            "content_type": content_type,
            "image_topic": edge.topic(topics.homeassistant_image(camera)),
        },
        "online": {
            "p": "binary_sensor",
            "name": "Camera",
            "device_class": "connectivity",
            "value_template": _template("'ON' if status.online | default(false) and not status.problem else 'OFF'"),
            **sensor,
        },
        "blind": {
            "p": "binary_sensor",
            "name": "Sees nothing",
            "device_class": "problem",
            "value_template": _template("('ON' if status.blind else 'OFF') if status.blind is defined else ''"),
            "json_attributes_topic": status["state_topic"],
            "json_attributes_template": _template(
                "{'why': status.blind | default(none), 'since': status.blind_since | default(none)} | tojson"
            ),
            **sensor,
        },
        "watching": {
            "p": "switch",
            "name": "Watching",
            "icon": "mdi:eye",
            "command_topic": edge.topic(topics.command(camera)),
            "retain": False,  # the camera retains it; kept there too, an old one would come back with that broker
            "payload_on": "run",
            "payload_off": "pause",
            # A last will says nothing of it, so that the switch stays as it is.
            "value_template": _template(
                "('pause' if status.state == 'paused' else 'run') if status.state is defined else ''"
            ),
            "state_on": "run",
            "state_off": "pause",
            **status,
        },
        "captured": _count("Captures", "captured", "mdi:face-recognition", total=True) | sensor,
        "stored": _count("Stored in S3", "stored", "mdi:cloud-check", total=True) | sensor,
        "waiting": _count("Waiting for S3", "waiting", "mdi:cloud-upload", total=False) | sensor,
    }


def _availability(camera: str, edge: Edge) -> dict[str, object]:
    """A camera is there while it says so and, if an edge loses its power, while the bridge from there is up.

    Nobody publishes the camera's last will then: the edge broker, which holds that, is down as well.
    """
    ways: list[dict[str, str]] = [
        {
            "topic": edge.topic(topics.status(camera)),
            "value_template": _template("'online' if status.online | default(false) else 'offline'"),
        }
    ]
    if edge.bridged:
        bridge = topics.homeassistant_bridge(edge.name)
        ways.append({"topic": bridge, "payload_available": "1", "payload_not_available": "0"})
    return {"availability": ways, "availability_mode": "all"}


def _count(name: str, key: str, icon: str, *, total: bool) -> dict[str, object]:
    """Describe a number. A last will has none: an empty text leaves it as it is; after a 0 all would count again."""
    kind = "total_increasing" if total else "measurement"
    value = _template(f"status.{key} | default('')")
    return {"p": "sensor", "name": name, "icon": icon, "state_class": kind, "value_template": value}


def _template(expression: str) -> str:
    """Read `status`, which is empty where a cleared status has no JSON."""
    return f"{{% set status = value_json | default({{}}) %}}{{{{ {expression} }}}}"
