"""The camera service: all cameras of a host, one spool, one connection that delivers."""

import logging
import os
import threading
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, ProcessCollector

from camera.config.settings import Settings
from camera.control.announcer import Announcer
from camera.control.health import HeartbeatWriter
from camera.control.metrics import CameraCollector
from camera.control.mqtt_client import CameraMqttClient
from camera.control.status import camera_report
from camera.delivery.capture_sink import CaptureSink
from camera.delivery.history import DeliveryHistory
from camera.delivery.latency import DeliveryMetrics
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from camera.pipeline.tampering.blindness import BlindnessStatus
from camera.pipeline.worker import CameraWorker
from camera.sources.factory import create_source
from camera.sources.v4l2.discovery import DeviceRegistry
from camera.web.context import WebContext
from camera.web.server import LiveServer
from common.contract.status import CameraState

log = logging.getLogger(__name__)

MEGABYTE = 1_000_000
TICK_SECONDS = 0.5
STATUS_EVERY_TICKS = 10  # every 5 s
JOIN_SECONDS = 5.0
CONTAINER_PROCESS = 1


class CameraService:
    """Builds the parts, each of them above those that it uses; supervises them on the main thread; stops them."""

    def __init__(self, cameras: Sequence[Settings], stop: threading.Event) -> None:
        """One `Settings` for each camera; what they share is the same in each. Raises SpoolInUseError."""
        shared = cameras[0]
        self._stop, self._settings = stop, shared
        self.registry = CollectorRegistry()
        self.history = DeliveryHistory()
        self.spool = Spool(shared.spool_dir, shared.spool_max_mb * MEGABYTE)
        latency = DeliveryMetrics(self.registry, [camera.camera_name for camera in cameras])
        self.publisher = Publisher(shared, self.spool, (self.history, latency))
        self._sink = CaptureSink(self.spool, self.publisher, self.history)
        devices = DeviceRegistry(shared.device_dir)
        self.workers = [
            CameraWorker(camera, create_source(camera, devices), self._sink.accept, stop) for camera in cameras
        ]
        self._mqtt_clients = {
            worker.name: CameraMqttClient(worker.settings, worker.schedule) for worker in self.workers
        }
        self._announcer = Announcer(cameras)
        self.registry.register(CameraCollector(self.workers, self.spool, self.publisher))
        ProcessCollector(registry=self.registry)
        self._heartbeat = HeartbeatWriter(shared.heartbeat_file)
        self._published: dict[str, tuple[CameraState, str | None, BlindnessStatus]] = {}  # by camera, as of last time
        self._shown: dict[str, str] = {}  # id of the last capture by camera, as of last time
        self._web = LiveServer(
            shared,
            WebContext(self.workers, self.spool, self.publisher, self.history, self.registry, self._mqtt_clients),
        )

    def run(self) -> bool:
        """Run until `stop` is set, or all sources have ended and all their captures are acknowledged.

        False when every camera hangs in its driver, so that whoever started the process should restart it.
        """
        self._start()
        ticks = 0
        while not self._stop.is_set() and not self._finished() and not self._hung:
            self._sink.retry_spool()
            self._heartbeat.write(self.workers, self.spool, self.publisher.status)
            ticks += 1
            self._publish_statuses(everyone=ticks % STATUS_EVERY_TICKS == 0)
            self._publish_images()
            self._announcer.update()
            self._stop.wait(TICK_SECONDS)
        hung = self._hung
        self._shut_down()
        return not hung

    def _start(self) -> None:
        self._publish_statuses(everyone=True)
        self.publisher.start()
        for client in self._mqtt_clients.values():
            client.start()
        self._announcer.start()
        for worker in self.workers:
            worker.start()
        self._web.start()

    @property
    def _hung(self) -> bool:
        return all(worker.status.state is CameraState.HUNG for worker in self.workers)

    def _publish_statuses(self, *, everyone: bool) -> None:
        """Publish the statuses; those whose state, problem or blindness has changed at once."""
        delivery = self.publisher.status
        for worker in self.workers:
            status = worker.status
            state = status.state, status.problem, status.blindness
            if everyone or state != self._published.get(worker.name):
                self._published[worker.name] = state
                self._mqtt_clients[worker.name].publish_status(camera_report(worker, self.spool, delivery, online=True))

    def _publish_images(self) -> None:
        """Show Home Assistant the last capture of each camera, once."""
        if self._settings.homeassistant == "off":
            return
        newest = {record.camera: record for record in reversed(self.history.recent())}
        for camera, record in newest.items():
            if record.capture is not None and record.id != self._shown.get(camera):
                self._shown[camera] = record.id
                self._mqtt_clients[camera].publish_capture(record.capture)

    def _shut_down(self) -> None:
        self._stop.set()
        self._web.stop()
        for worker in self.workers:
            worker.join(JOIN_SECONDS)
        self.publisher.stop()
        self._publish_images()
        self._announcer.stop()
        delivery = self.publisher.status
        for worker in self.workers:
            self._mqtt_clients[worker.name].stop(camera_report(worker, self.spool, delivery, online=False))
        self._heartbeat.remove()
        log.info("Stopped; %d captures wait in %s", self.spool.depth, self._settings.spool_dir)

    def _finished(self) -> bool:
        if os.getpid() == CONTAINER_PROCESS:
            return False  # its restart policy would start a container again, and play the file twice
        return all(worker.status.state is CameraState.ENDED for worker in self.workers) and not self.spool.depth
