"""A camera's MQTT client: a retained status with a last will, and commands."""

import contextlib
import logging

import paho.mqtt.client as mqtt
from paho.mqtt.subscribeoptions import SubscribeOptions

from camera.config.broker_login import new_camera_client
from camera.config.schedule import ScheduleController
from camera.config.settings import Settings
from camera.control.homeassistant import event_payload
from common.contract import topics
from common.contract.capture import Capture
from common.contract.status import LAST_WILL, CameraReport
from common.contract.times import timestamp
from common.mqtt import MAX_COMMAND_BYTES, accept_packets_up_to
from common.runtime.files import atomic_write

log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 15
MAX_COMMAND_LENGTH = 1000


class CameraMqttClient:
    """Connects one camera to the broker: each has its own connection, since a connection has one last will."""

    def __init__(self, settings: Settings, schedule: ScheduleController) -> None:
        """`schedule`: what commands override."""
        self._name, self._schedule = settings.camera_name, schedule
        self._broker = settings.edge_broker_host, settings.edge_broker_port
        self._command_file = settings.spool_dir / f"{self._name}.command"  # a pause holds without the broker, too
        self._report = CameraReport(online=True)  # as published last
        self._restore_command()
        client = new_camera_client(settings, "camera")
        client.will_set(topics.status(self._name), LAST_WILL, qos=1, retain=True)
        client.on_connect = lambda *_: self._on_connect()
        client.on_message = lambda _c, _u, message: self._on_command(message)
        self._client = client

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        properties = accept_packets_up_to(MAX_COMMAND_BYTES)
        self._client.connect_async(*self._broker, KEEPALIVE_SECONDS, properties=properties)
        self._client.loop_start()

    def publish_capture(self, capture: Capture) -> None:
        """Show Home Assistant a capture: retain its image in place of the last one, and report the event once."""
        if self._client.is_connected():
            event = event_payload(capture.id, timestamp(capture.metadata.captured_at))
            self._client.publish(topics.homeassistant_image(self._name), capture.image, qos=0, retain=True)
            self._client.publish(topics.homeassistant_event(self._name), event, qos=0)

    def publish_status(self, report: CameraReport) -> None:
        """Replace the retained status, now or when the broker is back."""
        self._report = report
        if self._client.is_connected():
            self._send_status()

    def command(self, text: str) -> None:
        """Retain a command at the broker, as anybody may; without the broker apply it until it is back."""
        if self._client.is_connected():
            self._client.publish(topics.command(self._name), text, qos=1, retain=True)
        else:
            self._apply_command(text.encode())

    def stop(self, report: CameraReport) -> None:
        """Publish the last status and disconnect."""
        self.publish_status(report)
        self._client.disconnect()
        self._client.loop_stop()

    def _send_status(self) -> None:
        """QoS 0: a queue of old ones helps nobody."""
        self._client.publish(topics.status(self._name), self._report.to_json(), qos=0, retain=True)

    def _on_connect(self) -> None:
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        self._client.subscribe(topics.command(self._name), options=options)
        self._send_status()

    def _on_command(self, message: mqtt.MQTTMessage) -> None:
        """Apply a command, and retain it if its sender did not: the last one holds, whoever sent it."""
        self._apply_command(bytes(message.payload))
        if not message.retain:
            self._client.publish(message.topic, message.payload, qos=1, retain=True)

    def _restore_command(self) -> None:
        """Apply the last command of an earlier run."""
        with contextlib.suppress(OSError, ValueError):
            self._schedule.override(self._command_file.read_text(encoding="utf-8"))

    def _apply_command(self, payload: bytes) -> None:
        command = payload[:MAX_COMMAND_LENGTH].decode("utf-8", "replace").strip()
        try:
            self._schedule.override(command)
            atomic_write(self._command_file, command.encode())
        except OSError as error:
            log.warning("The command %s cannot be kept in %s: %s", command, self._command_file, error.strerror)
        except ValueError:
            log.warning(
                "Ignored a command on %s: it must be pause, run, or hours such as mo-fr/08:00-18:00",
                topics.command(self._name),
            )
        else:
            log.info("Command on %s: %s", topics.command(self._name), command or "back to SCHEDULE")
