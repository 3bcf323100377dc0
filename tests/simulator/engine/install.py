"""Puts the simulation in the place of the clock, threads, sockets, disk and store of the shipped modules."""

import contextlib
import dataclasses
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any, Self

import camera.delivery.capture_sink
import camera.delivery.carrier
import camera.delivery.history
import camera.delivery.latency
import camera.delivery.publisher
import camera.delivery.send_window
import camera.delivery.spool
import camera.delivery.spool_folder
import common.runtime.files
import uploader.ingest.cameras
import uploader.ingest.offences
import uploader.ingest.parser
import uploader.ingest.poison.guard
import uploader.ingest.revoked
import uploader.metrics
import uploader.mqtt.callbacks
import uploader.mqtt.connection
import uploader.mqtt.delivery
import uploader.mqtt.inbox
import uploader.mqtt.outbox
import uploader.mqtt.receipts
import uploader.mqtt.session
import uploader.mqtt.subscriber
import uploader.pool
import uploader.service
import uploader.store.bare_images
import uploader.store.bucket_objects
import uploader.store.bucket_watch
import uploader.store.fast_put
import uploader.store.retry
import uploader.store.writer
from camera.delivery.send_window import MAX_IN_FLIGHT_BYTES
from common.contract.embedded import PNG_SIGNATURE, extract_metadata
from storage.star import tags_of_new
from tests.simulator.engine import bucket, client, disk, journal, threads
from tests.simulator.engine.simulation import Simulation
from uploader.ingest.image import ImageInfo, NotAnImageError
from uploader.ingest.offences import Offence, Offences
from uploader.mqtt.delivery import Deliveries
from uploader.mqtt.session import SessionConfig, session_config
from uploader.mqtt.upload_limit import UploadLimit
from uploader.store.fast_put import FastPut
from uploader.store.writer import CaptureStore

READING_SECONDS = 0.02  # of an image
BAD = b"bad"  # how the pixels of an image begin that can never be stored
Names = dict[Any, dict[str, Any]]


class Heartbeat:
    def __init__(self, _file: object, _setting: str) -> None:
        return

    def write(self, _content: object) -> None:
        return


class Unmetered:
    """In the place of CPU budgets: decoding is not simulated."""

    was_refused = False

    def reserve(self, _seconds: float) -> bool:
        return True

    def take_sample(self) -> bool:
        return True

    def meter(self, _edge: str) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


class Revocations:
    """The file that enrolment writes, in the place of a real one."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._since: dict[str, float] = {}

    def revoke(self, edge: str) -> None:
        self._since.setdefault(edge, self._simulation.now)

    def renew(self, edge: str) -> None:
        self._since.pop(edge, None)

    @property
    def content(self) -> frozenset[str]:
        """Who is revoked, as the watched file holds it."""
        return frozenset(self._since)

    def seconds(self, edge: str) -> float:
        """How long an edge has been revoked."""
        return self._simulation.now - self._since.get(edge, self._simulation.now)

    def names(self) -> dict[str, Any]:
        """What `uploader.ingest.revoked` takes it for."""
        return {
            "WatchedFile": lambda _file, _parse: self,
        }


def validate_image(payload: bytes, _max_pixels: int, _meter: object) -> ImageInfo:
    """Pixels are not simulated; the time that they take is."""
    Simulation.current.sleep(READING_SECONDS * Simulation.current.rng.random())
    if BAD in payload:
        raise NotAnImageError("it is damaged")
    kind = "image/png" if payload.startswith(PNG_SIGNATURE) else "image/jpeg"
    return ImageInfo(kind, extract_metadata(payload))


def in_turn(*calls: Callable[[str, Offence], object]) -> Callable[[str, Offence], object]:
    def call_all(edge: str, offence: Offence) -> None:
        for call in calls:
            call(edge, offence)

    return call_all


def name_session(number: int, uploaders: int, *more: Any) -> SessionConfig:
    config = session_config(uploaders, *more)
    return dataclasses.replace(config, client_id=f"uploader-{number}") if config.is_shared else config


@dataclasses.dataclass(frozen=True, slots=True)
class Paces:
    """How often the threads look by themselves; a week of seconds would be long."""

    held_bytes: int  # of deliveries in memory
    left_bytes: int  # of deliveries that wait at the broker for room
    waiting_qos_0: int
    poll: float
    in_flight_bytes: int = MAX_IN_FLIGHT_BYTES
    ping: float = 21_600.0
    broker: float = 28_000.0
    bucket: float = 14_000.0


def replacements(
    simulation: Simulation,
    paces: Paces,
    store: bucket.Bucket,
    revocations: Revocations,
    on_offence: Callable[[str, Offence], object],
    brokers: Callable[[], Any],
) -> Names:
    """What takes the place of each module's names. `brokers` gives the broker of the running process."""

    def connect(name: str = "", *, manual_ack: bool = False, max_reconnect_seconds: float = 10, **_: Any) -> Any:
        return client.Client(simulation, brokers(), name, manual_ack=manual_ack, longest=max_reconnect_seconds)

    def connect_camera(_settings: object, role: str) -> Any:
        return connect(f"{role}-{simulation.rng.getrandbits(32):08x}")

    def make_fast_put(s3: Any, settings: Any) -> FastPut:
        return FastPut([s3, s3], settings.s3_storage_class, tags_of_new(settings))

    make_store = functools.partial(CaptureStore, fast_put_factory=make_fast_put)
    put = types.SimpleNamespace(put=bucket.fast_put)
    packets = {"Properties": client.Properties, "SubscribeOptions": client.SubscribeOptions}
    clock = {"threading": threads.THREADING, "monotonic": threads.monotonic}
    camera_clock = {"threading": threads.THREADING, "time": threads.TIME}
    return {
        common.runtime.files: {"os": disk.OS},
        camera.delivery.spool: {"os": disk.OS, "threading": threads.THREADING, "Path": lambda path: path},
        camera.delivery.spool_folder: {"os": disk.OS, "fcntl": disk.FCNTL, "Path": lambda path: path},
        camera.delivery.publisher: camera_clock
        | {"queue": threads.QUEUE, "new_camera_client": connect_camera}
        | packets,
        camera.delivery.carrier: {"PING_SECONDS": paces.ping},
        camera.delivery.send_window: {"MAX_IN_FLIGHT_BYTES": paces.in_flight_bytes},
        camera.delivery.capture_sink: {"threading": threads.THREADING},
        camera.delivery.history: camera_clock,
        camera.delivery.latency: {"time": threads.TIME},
        uploader.service: clock
        | {
            "SimpleQueue": threads.SimpleQueue,
            "Heartbeat": Heartbeat,
            "create_client": lambda *_, **__: bucket.S3Client(store),
            "CaptureStore": make_store,
            "session_config": lambda *args: name_session(simulation.process().number, *args),
            "Offences": lambda on_count: Offences(threads.monotonic, in_turn(on_count, on_offence)),
            "CpuBudgets": lambda _uploaders: Unmetered(),
            "Deliveries": lambda threads, _uploaders, limit: Deliveries(
                threads, max_bytes=paces.held_bytes, limit=limit
            ),
            "UploadLimit": functools.partial(UploadLimit, clock=threads.monotonic),
            "POLL_SECONDS": paces.poll,
            "BROKER_CHECK_SECONDS": paces.broker,
        },
        uploader.pool: clock,
        uploader.mqtt.delivery: clock,
        uploader.mqtt.receipts: {"threading": threads.THREADING},
        uploader.mqtt.callbacks: clock | {"discard_exclusive_session": lambda *_: None},
        uploader.mqtt.connection: {"threading": threads.THREADING},
        uploader.mqtt.subscriber: {
            "monotonic": threads.monotonic,
            "new_client": connect,
        },
        uploader.mqtt.session: packets,
        uploader.mqtt.outbox: {"monotonic": threads.monotonic},
        uploader.mqtt.inbox: {
            "datetime": threads.WallClock,
            "monotonic": threads.monotonic,
            "MAX_LEFT_BYTES": paces.left_bytes,
            "MAX_WAITING_QOS_0": paces.waiting_qos_0,
        },
        uploader.ingest.revoked: revocations.names(),
        uploader.ingest.offences: {"threading": threads.THREADING},
        uploader.ingest.cameras: {"threading": threads.THREADING},
        uploader.ingest.poison.guard: clock | {"InHand": journal.InHand, "Suspects": journal.Suspects},
        uploader.store.retry: clock | {"random": simulation.rng},
        uploader.store.bucket_watch: {"threading": threads.THREADING, "BUCKET_CHECK_SECONDS": paces.bucket},
        uploader.store.bucket_objects: {"threading": threads.THREADING},
        uploader.store.bare_images: {"threading": threads.THREADING},
        uploader.store.fast_put: {"monotonic": threads.monotonic, "obstore": put},
        uploader.ingest.parser: {"validate_image": validate_image},
        uploader.metrics: clock | {"datetime": threads.WallClock, "time": threads.TIME.time},
    }


@contextlib.contextmanager
def installed(names: Names) -> Iterator[None]:
    """Replace the names during the `with`."""
    replaced = [(module, name, getattr(module, name)) for module, new in names.items() for name in new]
    try:
        for module, new in names.items():
            for name, value in new.items():
                setattr(module, name, value)
        yield
    finally:
        for module, name, value in replaced:
            setattr(module, name, value)
