"""What Home Assistant learns about a camera by MQTT discovery, so that it appears there by itself.

One message per device, as Home Assistant 2024.11 and later take it (its documentation: MQTT, "Device discovery
payload").
"""

import json

from common.contract import topics

EXPIRE_SECONDS = 30  # a status comes every 5 s


def discovery_payload(camera: str, content_type: str) -> bytes:
    """Describe a camera: last capture, online, counts, and a switch that pauses it."""
    status: dict[str, object] = {"state_topic": topics.status(camera)}
    # If an edge loses its power, nobody publishes its last will: its broker, which holds that, is down as well.
    sensor_base = status | {"expire_after": EXPIRE_SECONDS}  # sensors can expire, switches cannot
    components: dict[str, dict[str, object]] = {
        "last_capture": {
            "p": "image",
            "name": "Last capture",
            "content_type": content_type,
            "image_topic": topics.homeassistant_image(camera),
        },
        "online": {
            "p": "binary_sensor",
            "name": "Camera",
            "device_class": "connectivity",
            "value_template": "{{ 'ON' if value_json.online and not value_json.problem else 'OFF' }}",
            **sensor_base,
        },
        "watching": {
            "p": "switch",
            "name": "Watching",
            "icon": "mdi:eye",
            "command_topic": topics.command(camera),
            "retain": False,  # the camera retains it; kept there too, an old one would come back with that broker
            "payload_on": "run",
            "payload_off": "pause",
            "value_template": "{{ 'pause' if value_json.state == 'paused' else 'run' }}",
            "state_on": "run",
            "state_off": "pause",
            **status,
        },
        "captured": _count("Captures", "captured", "mdi:face-recognition", total=True) | sensor_base,
        "stored": _count("Stored in S3", "stored", "mdi:cloud-check", total=True) | sensor_base,
        "waiting": _count("Waiting for S3", "waiting", "mdi:cloud-upload", total=False) | sensor_base,
    }
    content = {
        "dev": {"ids": [f"usbcam-{camera}"], "name": f"Camera {camera}", "mf": "usbcam"},
        "o": {"name": "usbcam"},
        "cmps": {name: component | {"unique_id": f"usbcam-{camera}-{name}"} for name, component in components.items()},
        "availability_topic": topics.status(camera),
        "availability_template": "{{ 'online' if value_json.online else 'offline' }}",
        "qos": 1,
    }
    return json.dumps(content).encode()


def _count(name: str, key: str, icon: str, *, total: bool) -> dict[str, object]:
    kind = "total_increasing" if total else "measurement"
    value = f"{{{{ value_json.{key} | default(0) }}}}"
    return {"p": "sensor", "name": name, "icon": icon, "state_class": kind, "value_template": value}
