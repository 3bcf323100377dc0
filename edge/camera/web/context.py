"""What of the camera service the live page shows and controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from camera.control.mqtt_client import CameraMqttClient
from camera.delivery.history import DeliveryHistory
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from camera.pipeline.worker import CameraWorker


@dataclass(frozen=True, slots=True)
class WebContext:
    """The parts of the service that the page needs."""

    workers: Sequence[CameraWorker]
    spool: Spool
    publisher: Publisher
    history: DeliveryHistory
    registry: CollectorRegistry
    mqtt_clients: Mapping[str, CameraMqttClient]  # by camera
