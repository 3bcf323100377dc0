"""What of a service the page shows and steers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from camera.control.mqtt_client import CameraMqttClient
from camera.delivery.history import Journal
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from camera.pipeline.worker import CameraWorker


@dataclass(frozen=True, slots=True)
class Parts:
    """All of one service."""

    workers: Sequence[CameraWorker]
    spool: Spool
    publisher: Publisher
    journal: Journal
    registry: CollectorRegistry
    mqtt_clients: Mapping[str, CameraMqttClient]  # by camera
