"""What a camera is to the broker: a retained status with a last will, and somebody who takes commands."""

import contextlib
import json
import logging
from collections.abc import Callable

import paho.mqtt.client as mqtt
from paho.mqtt.subscribeoptions import SubscribeOptions

from camera.config.schedule import ScheduleController
from camera.config.settings import Settings
from common.mqtt import new_client

log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 15
LONGEST_COMMAND = 1000


def status_topic(camera: str) -> str:
    """Where a camera's status is retained."""
    return f"usbcam/status/{camera}"


def command_topic(camera: str) -> str:
    """Where a camera listens."""
    return f"usbcam/command/{camera}"


class CameraMqttClient:
    """A connection of its own for each camera, since a connection has one last will."""

    def __init__(
        self,
        settings: Settings,
        clock: ScheduleController,
        status: Callable[[], dict[str, object]],
        *greetings: tuple[str, bytes],
    ) -> None:
        """`status`: what the status says now; `greetings`: topics and payloads to retain at each connection."""
        self._name, self._clock, self._status, self._greetings = settings.camera_name, clock, status, greetings
        self._where = settings.edge_broker_host, settings.edge_broker_port
        self._note = settings.spool_dir / f"{self._name}.command"  # a pause holds although the broker is away
        self._recall()
        client = new_client(f"camera-{self._name}")
        client.will_set(status_topic(self._name), json.dumps({"online": False}), qos=1, retain=True)
        client.on_connect = lambda *_: self._greet()
        client.on_message = lambda _c, _u, message: self._hear(message)
        self._client = client

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        self._client.connect_async(*self._where, KEEPALIVE_SECONDS)
        self._client.loop_start()

    def show(self, topic: str, picture: bytes) -> None:
        """Retain a picture, in the place of the last one."""
        if self._client.is_connected():
            self._client.publish(topic, picture, qos=0, retain=True)

    def tell(self) -> None:
        """Renew the status (QoS 0: a queue of old ones helps nobody)."""
        if self._client.is_connected():
            self._publish(online=True)

    def command(self, text: str) -> None:
        """Retain a command at the broker, as anybody may; without the broker follow it until it is back."""
        if self._client.is_connected():
            self._client.publish(command_topic(self._name), text, qos=1, retain=True)
        else:
            self._obey(text.encode())

    def stop(self) -> None:
        """Say goodbye."""
        if self._client.is_connected():
            self._publish(online=False)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, *, online: bool) -> None:
        content = {"online": online, **self._status()}
        self._client.publish(status_topic(self._name), json.dumps(content), qos=0, retain=True)

    def _greet(self) -> None:
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        self._client.subscribe(command_topic(self._name), options=options)
        for topic, payload in self._greetings:
            self._client.publish(topic, payload, qos=1, retain=True)
        self.tell()

    def _hear(self, message: mqtt.MQTTMessage) -> None:
        """Follow a command, and retain it if its sender did not: the last one holds, whoever sent it."""
        self._obey(bytes(message.payload))
        if not message.retain:
            self._client.publish(message.topic, message.payload, qos=1, retain=True)

    def _recall(self) -> None:
        """Follow the last command of before."""
        with contextlib.suppress(OSError, ValueError):
            self._clock.override(self._note.read_text(encoding="utf-8"))

    def _obey(self, payload: bytes) -> None:
        command = payload[:LONGEST_COMMAND].decode("utf-8", "replace").strip()
        try:
            self._clock.override(command)
            self._note.write_text(command, encoding="utf-8")
        except OSError as error:
            log.warning("The command %s cannot be kept in %s: %s", command, self._note, error.strerror)
        except ValueError:
            log.warning(
                "Ignored a command on %s: it must be pause, run, or hours such as mo-fr/08:00-18:00",
                command_topic(self._name),
            )
        else:
            log.info("Told on %s: %s", command_topic(self._name), command or "the hours of SCHEDULE")
        self.tell()
