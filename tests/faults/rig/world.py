"""The whole product as plain processes, with every link between them under the test's control."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dev.harness.services import (
    LOOPBACK,
    Process,
    free_port,
    make_bucket,
    s3_client,
    start_camera,
    start_cloud_broker,
    start_edge_broker,
    start_store,
    start_uploader,
    wait_for,
)
from tests.faults.rig import clock
from tests.faults.rig.clock import Clock
from tests.faults.rig.footage import write_film
from tests.faults.rig.ledger import Ledger
from tests.faults.rig.proxy import StoreDoor, Wire
from tests.faults.schedule import CLOUD, EDGE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEYS = ("usbcam-test", "usbcam-test-secret")
BUCKET = "faults"
DISK_SIZE = "192m"
FAST = {
    "CAPTURE_POLICY": "interval",
    "CAPTURE_INTERVAL_SECONDS": "0.1",
    "CAPTURES_PER_MINUTE": "6000",
    "DETECTIONS_PER_SECOND": "10",
    "FILE_AT_END": "loop",
    "MIN_FACE_PX": "28",  # the film is small
}


@dataclass(slots=True)
class Part:
    """One of the five; nothing but the test may end it."""

    run: Callable[[], Process]
    process: Process | None = field(default=None)

    def check(self) -> Process:
        assert self.process is not None
        assert self.process.alive(), f"{self.process.name} ended by itself: {self.process.tail()}"
        return self.process

    def start(self) -> None:
        self.process = self.run()

    def kill(self) -> None:
        self.check().kill()

    def freeze(self) -> None:
        self.check().signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.check().signal(signal.SIGCONT)


class World:
    """Camera, edge broker, cloud broker, uploader and store; links between them; a disk and, if wanted, two clocks."""

    def __init__(self, folder: Path, *, clocks: bool = False, **camera: str) -> None:
        """`camera`: settings that differ from the usual ones. With `clocks` each start imports all libraries anew."""
        self.folder = folder
        self.spool = folder / "spool"
        self.film = folder / "film.avi"
        self.log = folder / "camera" / "camera.log"
        self.ledger = Ledger()
        self._camera = camera
        self._ports = {name: free_port() for name in ("edge", "cloud", "outside", "store")}
        self.door = StoreDoor(self._ports["store"])
        self.links = {
            "camera-link": Wire(self._ports["edge"]),
            "bridge": Wire(self._ports["outside"]),
            "uploader-link": Wire(self._ports["cloud"]),
        }
        self.clocks = {name: Clock(folder, name) for name in (EDGE, CLOUD)} if clocks and not clock.missing() else {}
        self.parts = {
            "store": Part(self._run_store),
            "cloud-broker": Part(self._run_cloud_broker),
            "edge-broker": Part(self._run_edge_broker),
            "uploader": Part(self._run_uploader),
            "camera": Part(self._run_camera),
        }

    @property
    def s3(self) -> "S3Client":
        return s3_client(f"http://{LOOPBACK}:{self._ports['store']}", *KEYS)

    @property
    def edge_port(self) -> int:
        return self._ports["edge"]

    @property
    def outside_port(self) -> int:
        return self._ports["outside"]

    @contextlib.contextmanager
    def running(self, *, camera: bool = True) -> Iterator[None]:
        """Start everything, and stop it all at the end."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(_disk(self.spool))
            stack.enter_context(self.door)
            for link in self.links.values():
                stack.enter_context(link)
            stack.callback(self._end)
            write_film(self.film)
            for name, part in self.parts.items():
                if camera or name != "camera":
                    part.start()
                if name == "store":
                    self.make_bucket()
            yield

    def make_bucket(self) -> None:
        make_bucket(f"http://{LOOPBACK}:{self._ports['store']}", *KEYS, BUCKET)

    def waiting(self) -> set[str]:
        """Return the ids in the spool."""
        return {file.stem for file in self.spool.glob("*.png")}

    def captured(self) -> int:
        """Return how many captures the camera has logged."""
        return self.logged(" Captured ")

    def wait_for_captures(self, more: int, *, seconds: float = 60) -> None:
        wanted = self.captured() + more
        wait_for(lambda: self.captured() >= wanted, seconds=seconds, what=f"{more} captures: {self._tails()}")

    def settle(self, *, seconds: float) -> None:
        """Remove the camera's film, and wait until every capture has its receipt."""
        self.wait_for_captures(1)  # a camera that is still starting would end without its film
        self.film.unlink()
        wait_for(lambda: self.logged(f"{self.film} is not there"), seconds=30, what="the end of the film")
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: not self.waiting(), seconds=seconds, what="the last receipt")

    def logged(self, words: str) -> int:
        return self.log.read_text(encoding="utf-8", errors="replace").count(words) if self.log.exists() else 0

    def _tails(self) -> str:
        return "\n".join(part.process.tail(5) for part in self.parts.values() if part.process)

    def _end(self) -> None:
        for part in self.parts.values():
            if part.process is not None:
                part.process.kill()

    def _time(self, name: str) -> dict[str, str]:
        return self.clocks[name].environment if self.clocks else {}

    @contextlib.contextmanager
    def _mosquitto(self, name: str) -> Iterator[None]:
        before = os.environ.get("MOSQUITTO")
        if self.clocks:
            os.environ["MOSQUITTO"] = str(self.clocks[name].mosquitto(before or "mosquitto"))
        yield
        os.environ.pop("MOSQUITTO", None)
        if before:
            os.environ["MOSQUITTO"] = before

    def _run_store(self) -> Process:
        return start_store(self.folder / "store", port=self._ports["store"], access_key=KEYS[0], secret_key=KEYS[1])

    def _run_cloud_broker(self) -> Process:
        with self._mosquitto(CLOUD):
            folder = self.folder / "cloud-broker"
            return start_cloud_broker(folder, port=self._ports["cloud"], outside_port=self._ports["outside"])

    def _run_edge_broker(self) -> Process:
        with self._mosquitto(EDGE):
            return start_edge_broker(
                self.folder / "edge-broker",
                edge="porch",
                cloud_host=LOOPBACK,
                cloud_port=self.links["bridge"].port,
                port=self._ports["edge"],
            )

    def _run_uploader(self) -> Process:
        ours = {
            "CLOUD_BROKER_HOST": LOOPBACK,
            "CLOUD_BROKER_PORT": str(self.links["uploader-link"].port),
            "S3_BUCKET": BUCKET,
            "S3_ENDPOINT_URL": f"http://{LOOPBACK}:{self.door.port}",
            "AWS_ACCESS_KEY_ID": KEYS[0],
            "AWS_SECRET_ACCESS_KEY": KEYS[1],
        }
        return start_uploader(self.folder / "uploader", **ours, **self._time(CLOUD))

    def _run_camera(self) -> Process:
        ours = {
            "CAMERA_SOURCE": str(self.film),
            "CAMERA_NAME": "door",
            "EDGE_BROKER_HOST": LOOPBACK,
            "EDGE_BROKER_PORT": str(self.links["camera-link"].port),
            "SPOOL_DIR": str(self.spool),
        }
        return start_camera(self.folder / "camera", **(ours | FAST | self._camera), **self._time(EDGE))


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Give the folder a small disk of its own, where we may."""
    folder.mkdir()
    if not may_mount():
        yield
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "usbcam-faults", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def may_mount() -> bool:
    """Root may, but not in every container: ask by doing it in a name space that ends at once."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
