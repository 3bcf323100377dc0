"""What a host retains at the broker: the cameras for Home Assistant; and the removal of what is there no longer."""

import contextlib
import json
import logging
import time
from collections.abc import Sequence

import paho.mqtt.client as mqtt

from camera.config.broker_login import new_camera_client
from camera.config.settings import Settings
from camera.control.homeassistant import Edge, device_id, discovery_payload
from common.contract import topics
from common.mqtt import MAX_COMMAND_BYTES, accept_packets_up_to
from common.runtime.files import atomic_write

log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 15
UNKNOWN_BROKER_SECONDS = 5.0  # by then the shipped broker has said which edge it is
FILE_NAME = "retained.json"


class Announcer:
    """Announces all cameras of a host. Callbacks only note what happened; `update` acts on the main thread."""

    def __init__(self, cameras: Sequence[Settings]) -> None:
        """Nothing happens before `start`."""
        shared = cameras[0]
        self._cameras = cameras
        self._broker = shared.edge_broker_host, shared.edge_broker_port
        self._file = shared.spool_dir / FILE_NAME  # a camera may be renamed or left out between two runs
        self._retained = self._read()
        self._edge: Edge | None = None
        self._bridge_up = False
        self._connected_at = 0.0
        self._due = False
        client = new_camera_client(shared, "announcer")
        client.on_connect = lambda _c, _u, _f, reason, _p: self._on_connect(connected=not reason.is_failure)
        client.on_message = lambda _c, _u, message: self._on_message(message)
        self._client = client

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        properties = accept_packets_up_to(MAX_COMMAND_BYTES)
        self._client.connect_async(*self._broker, KEEPALIVE_SECONDS, properties=properties)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; what is retained stays."""
        self._client.disconnect()
        self._client.loop_stop()

    def update(self) -> None:
        """Announce the cameras, if it is time to."""
        edge = self._edge
        if edge is None and time.monotonic() - self._connected_at > UNKNOWN_BROKER_SECONDS:
            edge = Edge()
        if self._due and edge is not None and self._client.is_connected():
            self._due = False
            self._announce(edge)

    def _announce(self, edge: Edge) -> None:
        devices = self._devices(edge)
        wanted = {topics.status(camera.camera_name) for camera in self._cameras} | set(devices)
        if devices:
            wanted |= {topics.homeassistant_image(camera.camera_name) for camera in self._cameras}
        obsolete = self._retained - wanted
        self._remember(self._retained | wanted)
        for topic in sorted(obsolete):  # devices come before their statuses
            self._client.publish(topic, b"", qos=1, retain=True)
        for topic, payload in devices.items():
            self._client.publish(topic, payload, qos=1, retain=True)
        if self._bridge_up or not edge.bridged:  # else it is cleared again when the bridge to Home Assistant is up
            self._remember(wanted)

    def _devices(self, edge: Edge) -> dict[str, bytes]:
        return {
            topics.homeassistant_discovery(device_id(camera.camera_name, edge)): discovery_payload(
                camera.camera_name, f"image/{camera.image_format}", edge
            )
            for camera in self._cameras
            if camera.homeassistant == "on"
        }

    def _on_connect(self, *, connected: bool) -> None:
        if connected:
            self._connected_at, self._bridge_up, self._due = time.monotonic(), False, True
            self._client.subscribe([(topics.EDGE, 1), (topics.homeassistant_bridge("+"), 1)])

    def _on_message(self, message: mqtt.MQTTMessage) -> None:
        if message.topic == topics.EDGE:
            with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
                self._edge = Edge.parse(bytes(message.payload))
        elif self._edge is not None and message.topic == topics.homeassistant_bridge(self._edge.name):
            self._bridge_up = message.payload == b"1"
        self._due = True

    def _read(self) -> set[str]:
        with contextlib.suppress(OSError, ValueError, TypeError):
            return {str(topic) for topic in json.loads(self._file.read_text(encoding="utf-8"))}
        return set()

    def _remember(self, retained: set[str]) -> None:
        if retained == self._retained:
            return
        self._retained = retained
        try:
            atomic_write(self._file, json.dumps(sorted(retained)).encode())
        except OSError as error:
            log.warning("What the broker retains cannot be noted in %s: %s", self._file, error.strerror)
