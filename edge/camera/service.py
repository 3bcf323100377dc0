"""All cameras of a host under one roof: workers, one spool, one way out."""

import logging
import os
import threading
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, ProcessCollector

from camera.config.settings import Settings
from camera.control.health import Heartbeat, status
from camera.control.homeassistant import discovery, discovery_topic, image_topic
from camera.control.metrics import DeliveryMetrics, StateCollector
from camera.control.mqtt_client import CameraMqttClient
from camera.delivery.capture_sink import Intake
from camera.delivery.history import Journal
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from camera.pipeline.analyzer import AnalysisCounters, AnalysisResult
from camera.pipeline.worker import CameraWorker
from camera.web.context import Parts
from camera.web.server import Server

log = logging.getLogger(__name__)

MEGABYTE = 1_000_000
TICK_SECONDS = 0.25
TELL_TICKS = 20  # a status every 5 s
CONTAINER_PROCESS = 1


class CameraService:
    """Starts the parts, looks after them on the main thread, and ends them."""

    def __init__(self, cameras: Sequence[Settings], stop: threading.Event) -> None:
        """One `Settings` for each camera; what they share is the same in each. Raises SpoolInUseError."""
        shared = cameras[0]
        self._stop, self._settings = stop, shared
        self.journal = Journal()
        self.spool = Spool(shared.spool_dir, shared.spool_max_mb * MEGABYTE)
        self.registry = CollectorRegistry()
        meter = DeliveryMetrics(self.registry, [camera.camera_name for camera in cameras])
        self.publisher = Publisher(shared, self.spool, (self.journal, meter))
        self._intake = Intake(self.spool, self.publisher, self.journal)
        self.workers = [CameraWorker(camera, self._keep, stop) for camera in cameras]
        self._presences = {worker.name: self._presence(worker) for worker in self.workers}
        self.registry.register(StateCollector(self.workers, self.spool, self.publisher))
        ProcessCollector(registry=self.registry)
        self._troubles: dict[str, str | None] = {}  # as last told
        self._heartbeat = Heartbeat(shared.heartbeat_file)
        self._live = Server(shared, self._parts())

    def run(self) -> bool:
        """Go on until `stop` is set, or all sources have ended and all their captures are answered for.

        False when every camera hangs in its driver, so that whoever started the process should start it anew.
        """
        self.publisher.start()
        for presence in self._presences.values():
            presence.start()
        for worker in self.workers:
            worker.start()
        self._live.start()
        ticks = 0
        while not self._stop.is_set() and not self._finished() and not self._stuck:
            self._intake.mend()
            self._heartbeat.beat(self.workers, self.spool, self.publisher)
            ticks += 1
            self._tell(everybody=ticks % TELL_TICKS == 0)
            self._stop.wait(TICK_SECONDS)
        stuck = self._stuck
        self._end()
        return not stuck

    @property
    def _stuck(self) -> bool:
        return all(worker.stuck for worker in self.workers)

    def _parts(self) -> Parts:
        return Parts(self.workers, self.spool, self.publisher, self.journal, self.registry, self._command)

    def _command(self, camera: str, text: str) -> None:
        self._presences[camera].command(text)

    def _presence(self, worker: CameraWorker) -> CameraMqttClient:
        name = worker.name
        content_type = f"image/{worker.settings.image_format}"
        greetings = [(discovery_topic(name), discovery(name, content_type))] if self._for_home else []
        return CameraMqttClient(
            worker.settings, worker.clock, lambda: status(worker, self.spool, self.publisher), *greetings
        )

    @property
    def _for_home(self) -> bool:
        return self._settings.homeassistant == "on"

    def _keep(self, result: AnalysisResult, counts: AnalysisCounters) -> None:
        """Take what a worker saw."""
        self._intake.keep(result, counts)
        for capture in result.captures if self._for_home else ():
            self._presences[capture.camera].show(image_topic(capture.camera), capture.image)

    def _tell(self, *, everybody: bool) -> None:
        """Renew the statuses; those whose trouble has come or gone at once."""
        for worker in self.workers:
            if everybody or worker.trouble != self._troubles.get(worker.name):
                self._troubles[worker.name] = worker.trouble
                self._presences[worker.name].tell()

    def _end(self) -> None:
        self._stop.set()
        self._live.stop()
        for worker in self.workers:
            worker.join(timeout_seconds=5)
        self.publisher.stop()
        for presence in self._presences.values():
            presence.stop()
        self._heartbeat.end()
        log.info("Stopped; %d captures wait in %s", self.spool.depth, self._settings.spool_dir)

    def _finished(self) -> bool:
        if os.getpid() == CONTAINER_PROCESS:
            return False  # its restart policy would start a container again, and play the file twice
        return all(worker.ended for worker in self.workers) and not self.spool.depth
