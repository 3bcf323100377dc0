"""Puts the simulation in the place of the clock, threads, sockets, disk and store of the shipped modules."""

import contextlib
import dataclasses
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import camera.delivery.capture_sink
import camera.delivery.carrier
import camera.delivery.history
import camera.delivery.latency
import camera.delivery.publisher
import camera.delivery.spool
import camera.delivery.spool_folder
import common.runtime.files
import uploader.ingest.parser
import uploader.metrics
import uploader.mqtt.delivery
import uploader.mqtt.inbox
import uploader.mqtt.outbox
import uploader.mqtt.receipts
import uploader.mqtt.session
import uploader.mqtt.subscriber
import uploader.service
import uploader.store.bare_images
import uploader.store.bucket_objects
import uploader.store.fast_put
import uploader.store.retry
import uploader.store.writer
from common.contract.embedded import extract_metadata
from tests.simulator.engine import bucket, client, disk, threads
from tests.simulator.engine.simulation import Simulation
from uploader.ingest.image import ImageInfo, NotAnImageError
from uploader.mqtt.delivery import Deliveries
from uploader.mqtt.session import SessionConfig, session_config
from uploader.mqtt.upload_limit import UploadLimit
from uploader.store.fast_put import FastPut
from uploader.store.writer import CaptureStore

BAD = b"bad"  # how the pixels of an image begin that can never be stored
Names = dict[Any, dict[str, Any]]


class Heartbeat:
    def __init__(self, _file: object) -> None:
        return

    def write(self, _content: object) -> None:
        return


class Unmetered:
    """In the place of CPU budgets: decoding is not simulated."""

    was_refused = False

    def allows(self, _seconds: float) -> bool:
        return True

    def samples(self) -> bool:
        return True

    @contextlib.contextmanager
    def meter(self, _edge: str) -> Iterator["Unmetered"]:
        yield self


class Revoked:
    def __init__(self, edges: set[str]) -> None:
        self._edges = edges

    def __contains__(self, edge: str) -> bool:
        return edge in self._edges

    def count_dropped(self, _edge: str) -> None:
        return


class NoPoison:
    """In the place of the journal, which survives the end of real processes only."""

    def is_poison(self, _message: object) -> bool:
        return False

    def reading(self, _message: object) -> Any:
        return contextlib.nullcontext()

    def blame(self, _message: object) -> None:
        return

    def blame_hogs(self) -> None:
        return

    clear = blame
    close = blame_hogs


def validate_image(payload: bytes, _max_pixels: int, _meter: object) -> ImageInfo:
    """Pixels are not simulated either."""
    if BAD in payload:
        raise NotAnImageError("it is damaged")
    return ImageInfo("image/png", extract_metadata(payload))


def name_session(number: int, uploaders: int, *more: Any) -> SessionConfig:
    config = session_config(uploaders, *more)
    return dataclasses.replace(config, client_id=f"uploader-{number}") if config.is_shared else config


@dataclasses.dataclass(frozen=True, slots=True)
class Paces:
    """How often the threads look by themselves; a week of seconds would be long."""

    held_bytes: int  # of deliveries in memory
    poll: float
    ping: float = 10_800.0
    broker: float = 14_000.0
    bucket: float = 5000.0


def replacements(
    simulation: Simulation, paces: Paces, store: bucket.Bucket, revoked: set[str], brokers: Callable[[], Any]
) -> Names:
    """What takes the place of each module's names. `brokers` gives the broker of the running process."""

    def connect(name: str = "", *, manual_ack: bool = False, max_reconnect_seconds: float = 10, **_: Any) -> Any:
        return client.Client(simulation, brokers(), name, manual_ack=manual_ack, longest=max_reconnect_seconds)

    def connect_camera(_settings: object, role: str) -> Any:
        return connect(f"{role}-{simulation.rng.getrandbits(32):08x}")

    make_store = functools.partial(
        CaptureStore,
        fast_put_factory=lambda _client, _settings: FastPut([store, store], "STANDARD"),  # type: ignore[list-item]
    )
    put = types.SimpleNamespace(put=lambda _store, *args, **more: bucket.fast_put(store, *args, **more))
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
            "RevokedEdges": lambda _file: Revoked(revoked),
            "PoisonGuard": lambda *_: NoPoison(),
            "CpuBudgets": lambda _uploaders: Unmetered(),
            "Deliveries": lambda threads, _uploaders, limit: Deliveries(
                threads, max_bytes=paces.held_bytes, limit=limit
            ),
            "UploadLimit": functools.partial(UploadLimit, clock=threads.monotonic),
            "POLL_SECONDS": paces.poll,
            "BUCKET_CHECK_SECONDS": paces.bucket,
            "BROKER_CHECK_SECONDS": paces.broker,
        },
        uploader.mqtt.delivery: clock,
        uploader.mqtt.receipts: {"threading": threads.THREADING},
        uploader.mqtt.subscriber: clock
        | {
            "socket": types.SimpleNamespace(socket=client.Socket, SHUT_RDWR=2),
            "new_client": connect,
            "discard_exclusive_session": lambda *_: None,
        },
        uploader.mqtt.session: packets,
        uploader.mqtt.outbox: {"monotonic": threads.monotonic},
        uploader.mqtt.inbox: {"datetime": threads.TrueTime},
        uploader.store.retry: clock | {"random": simulation.rng},
        uploader.store.bucket_objects: {"threading": threads.THREADING},
        uploader.store.bare_images: {"threading": threads.THREADING},
        uploader.store.fast_put: {"monotonic": threads.monotonic, "obstore": put},
        uploader.ingest.parser: {"validate_image": validate_image},
        uploader.metrics: clock | {"datetime": threads.TrueTime, "time": threads.TIME.time},
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
