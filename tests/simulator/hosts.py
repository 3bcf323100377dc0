"""The hosts of a simulated world: each runs the shipped code in processes that can be killed."""

import types
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from camera.delivery.capture_sink import CaptureSink
from camera.delivery.delivery_status import Bridge as BridgeState
from camera.delivery.events import CaptureState, DeliveryListener
from camera.delivery.history import DeliveryHistory
from camera.delivery.latency import DeliveryMetrics
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from camera.delivery.spool_folder import EXTENSIONS
from common.contract.capture import Capture
from tests.simulator.engine.bridge import Bridge
from tests.simulator.engine.broker import Broker, Message
from tests.simulator.engine.disk import Disk, Path
from tests.simulator.engine.install import BAD
from tests.simulator.engine.journal import Journal
from tests.simulator.engine.simulation import Process, Simulation
from tests.simulator.engine.threads import Event, SimpleQueue, true_time
from tests.simulator.pictures import describe, picture
from uploader.service import UploaderParts

SPOOL = "/spool"
LOOK_SECONDS = 14_400.0  # how often a camera without captures looks at its spool


class Completions(DeliveryListener):
    """What a camera says about the end of each delivery."""

    def __init__(self, on_completed: Callable[[str, CaptureState, str], object]) -> None:
        self.on_completed = on_completed  # type: ignore[method-assign,assignment]


class EdgeHost:
    """Camera, broker and bridge of one edge, and its disk."""

    def __init__(self, simulation: Simulation, name: str, cloud: Broker, settings: Any) -> None:
        self.simulation, self.name, self.settings = simulation, name, settings
        self.disk = Disk(simulation, name)
        self.broker = Broker(simulation, f"broker of {name}", {"bridge": ["usbcam/images"]})
        self.bridge = Bridge(simulation, name, self.broker, cloud)
        self.clock_error = timedelta()
        self.stopped_at: datetime | None = None
        self.on_captured: Callable[[Capture], object] = lambda _capture: None
        self.on_promised: Callable[[Capture], object] = lambda _capture: None
        self.on_completed: Callable[[str, CaptureState, str], object] = lambda _id, _state, _note: None
        self.spools: list[Spool] = []
        self.publisher: Publisher | None = None
        self.process: Process | None = None
        self._commands = SimpleQueue()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.alive

    @property
    def in_flight(self) -> int:
        return self.publisher.status.in_flight if self.publisher else 0

    def waiting(self, endings: tuple[str, ...] = EXTENSIONS) -> dict[str, int]:
        """Name and size of the files in the spool."""
        return {
            name: len(content.data)
            for name, content in self.disk.files.items()
            if name.endswith(endings) and name.rpartition("/")[0] == SPOOL
        }

    def check_calm(self) -> None:
        """What must be so when all works and nothing waits."""
        publisher, spool, report = self.publisher, self.spools[-1], self.simulation.report
        if publisher is None or not publisher.status.connected:
            report(f"the camera of {self.name} takes its broker for lost")
        elif publisher.status.bridge is BridgeState.DOWN:
            report(f"the camera of {self.name} takes its bridge for down")
        if spool.bytes or spool.depth or spool.problem:
            report(f"an empty spool of {self.name} counts {spool.bytes} bytes of {spool.depth}: {spool.problem}")

    def now(self) -> datetime:
        moment = self.stopped_at or true_time() + self.clock_error
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def start(self) -> None:
        if self.is_running:
            return
        self.simulation.trace(f"camera of {self.name} starts")
        self.simulation.counts["starts"] += 1
        self.process = Process(self.simulation, f"camera of {self.name}")
        self.process.disk = self.disk
        self.process.clock_error = lambda: self.clock_error
        self.process.broker = self.broker  # type: ignore[attr-defined]
        self._commands = SimpleQueue()
        self.process.spawn(self._run)

    def capture(self, *, is_bad: bool = False) -> None:
        if self.is_running:
            self._commands.put("bad" if is_bad else "good")

    def stop(self) -> None:
        """SIGTERM."""
        self._commands.put("stop")

    def publish_bare(self) -> Message:
        """Somebody else on this host publishes an image without a description."""
        rng = self.simulation.rng
        message = Message("usbcam/images", picture(rng, rng.randbytes(rng.choice([40, 400]))), 1)
        if self.broker.up:
            self.broker.publish(message)
        return message

    def kill(self) -> None:
        if self.process is not None:
            self.simulation.trace(f"camera of {self.name} is killed")
            self.process.kill()
            self.disk.handles.clear()

    def _run(self) -> None:
        process = self.process
        spool = Spool(Path(self.disk, SPOOL), self.settings.spool_bytes)  # type: ignore[arg-type]
        self.spools.append(spool)
        history = DeliveryHistory()
        latency = DeliveryMetrics(CollectorRegistry(), ["front"])
        publisher = self.publisher = Publisher(self.settings, spool, (history, latency, Completions(self.on_completed)))
        sink = CaptureSink(spool, publisher, history)
        publisher.start()
        while (command := self._next_command()) != "stop":
            if command != "look":
                self._take(sink, is_bad=command == "bad")
            sink.retry_spool()
        publisher.stop()
        spool.close()
        self.simulation.at(0.0, lambda: process.kill() if process else None)

    def _next_command(self) -> str:
        try:
            command: str = self._commands.get(timeout=LOOK_SECONDS)
        except Exception as error:  # noqa: BLE001 -- queue.Empty
            del error
            return "look"
        return command

    def _take(self, sink: CaptureSink, *, is_bad: bool) -> None:
        rng = self.simulation.rng
        pixels = (BAD if is_bad else b"") + rng.randbytes(rng.choice([40, 400, 4000]))
        capture = Capture.create(describe(rng, self.now()), picture(rng, pixels))
        self.on_captured(capture)
        self.simulation.counts["captures"] += 1
        if not sink.accept([capture], []):
            self.simulation.trace(f"{self.name} promises {capture.id}")
            self.on_promised(capture)


class UploaderHost:
    """One uploader; a supervisor starts it again whenever it ends."""

    def __init__(self, simulation: Simulation, number: int, cloud: Broker, settings: Any) -> None:
        self.simulation, self.number, self.cloud, self.settings = simulation, number, cloud, settings
        self.process: Process | None = None
        self._signals = SimpleQueue()
        self._until_check: Any = Event()
        self.clock_error = timedelta()
        self.parts: UploaderParts | None = None
        self._started_at = 0.0
        self._own: Any = types.SimpleNamespace(**vars(settings), journal_dir=Journal())

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.alive

    @property
    def running_seconds(self) -> float:
        return self.simulation.now - self._started_at

    def start(self) -> None:
        if self.is_running:
            return
        self._started_at = self.simulation.now
        self.simulation.trace(f"uploader {self.number} starts")
        self.simulation.counts["starts"] += 1
        self.process = Process(self.simulation, f"uploader {self.number}")
        self.process.clock_error = lambda: self.clock_error
        self.process.broker, self.process.number = self.cloud, self.number  # type: ignore[attr-defined]
        self._signals = SimpleQueue()
        self.process.spawn(self._run)

    def check_calm(self) -> None:
        """What must be so when all works and nothing waits."""
        parts, report = self.parts, self.simulation.report
        if parts is None or not parts.subscriber.connection.is_up:
            report(f"uploader {self.number} takes its broker for lost")
            return
        deliveries = parts.deliveries
        if deliveries.qsize() or deliveries.held_bytes:
            report(f"uploader {self.number} holds {deliveries.held_bytes} bytes of {deliveries.qsize()} deliveries")
        if parts.retry.error:
            report(f"uploader {self.number} takes the store for broken: {parts.retry.error.message}")
        if self._own.journal_dir.reading:
            report(f"uploader {self.number} still reads {self._own.journal_dir.reading}")

    def look(self) -> None:
        """Have its main thread look around now, as it does four times a second outside of simulations."""
        self._signals.nudge()

    def check_bucket(self) -> None:
        """Have it look at the bucket now, as it does every 5 s outside of simulations."""
        self._until_check.nudge()

    def stop(self) -> None:
        self._signals.put(15)

    def kill(self) -> None:
        if self.process is not None:
            self.simulation.trace(f"uploader {self.number} is killed")
            self.process.kill()

    def _run(self) -> None:
        process = self.process
        parts = self.parts = UploaderParts(self._own, CollectorRegistry())
        service = parts.build_service()
        self._until_check = service.bucket._stop  # noqa: SLF001 -- what its watch over the bucket waits for
        code = service.run(self._signals)  # type: ignore[arg-type]
        self.simulation.trace(f"uploader {self.number} ends with {code}")
        if code:
            self.simulation.at(1.0, self.start)
        self.simulation.at(0.0, lambda: process.kill() if process else None)


def camera_settings(window: int, qos: int, spool_bytes: int, *, receipts: str) -> Any:
    return types.SimpleNamespace(
        window=window,
        mqtt_qos=qos,
        receipts=receipts,
        edge_broker_host="edge-broker",
        edge_broker_port=1883,
        camera_name="front",
        spool_bytes=spool_bytes,
    )


def uploader_settings(uploaders: int, threads: int, template: str, retention_days: int | None) -> Any:
    return types.SimpleNamespace(
        uploaders=uploaders,
        upload_threads=threads,
        s3_key_template=template,
        s3_retention_days=retention_days,
        s3_bucket="captures",
        s3_storage_class="STANDARD",
        s3_sse=None,
        s3_kms_key_id=None,
        cloud_broker_host="cloud-broker",
        cloud_broker_port=1883,
        max_image_pixels=50_000_000,
        certificates_file=None,
        heartbeat_file=None,
        broker_login=lambda: None,
    )
