"""A source that is pulled away and given back: frames flow again within five seconds, and memory stays as it was.

`REPLUGS=50` pulls as often as that, at random moments; by default a few times. Run with -s it prints the seconds.
"""

import contextlib
import errno
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from camera.config.settings import Settings
from camera.config.source_spec import DeviceSpec
from camera.sources.factory import create_source
from camera.sources.frame import FrameSourceFactory, Image
from camera.sources.reader.latest_frame import LatestFrame
from camera.sources.reader.reader import POLL_SECONDS
from camera.sources.v4l2.camera import V4l2Camera
from camera.sources.v4l2.discovery import DeviceRegistry
from dev.harness.process import free_port, wait_for
from tests.edge.sources.network_camera import NetworkCamera
from tests.edge.sources.v4l2.fake_v4l2 import FakeCamera, FakeMachine

ROUNDS = int(os.environ.get("REPLUGS", "2"))
BACK_SECONDS = 5.0
WAIT_SECONDS = 30.0
MAX_GROWTH_BYTES = 8_000_000
NO_DEVICES = DeviceRegistry(Path("/dev"))  # files and network cameras need none


class Pulls:
    """Pulls a source away and gives it back, and notes how long it takes until frames come."""

    def __init__(self, frames: LatestFrame, seed: int) -> None:
        self.frames, self.seconds = frames, list[float]()
        self._random, self._pause = random.Random(seed), threading.Event()
        self._grown_from = 0

    def play(self, pull: Callable[[], object], give_back: Callable[[], object], rounds: int = ROUNDS) -> None:
        """`pull` and `give_back` take turns, at random moments."""
        self.expect_frames()
        for number in range(rounds):
            self._pause.wait(self._random.uniform(0, 1.0))
            pull()
            wait_for(lambda: self.frames.status.problem, seconds=WAIT_SECONDS, what="the problem to be noticed")
            self._pause.wait(self._random.choice((0.0, 0.3, 1.0, 4.0)))
            give_back()
            self.expect_frames()
            if number == min(rounds - 1, 2):  # what is loaded once, is loaded by now
                self._grown_from = resident_bytes()

    def expect_frames(self) -> None:
        began = time.monotonic()
        while self.frames.take(0) is not None:
            pass
        wait_for(lambda: self.frames.take(0.1), seconds=WAIT_SECONDS, what="frames")
        self.seconds.append(time.monotonic() - began)

    def judge(self, what: str) -> None:
        """Every time within five seconds, and memory flat."""
        growth = resident_bytes() - self._grown_from
        slowest, mean = max(self.seconds), sum(self.seconds) / len(self.seconds)
        print(
            f"\n{what}: {len(self.seconds)} times, slowest {slowest:.2f} s, mean {mean:.2f} s, memory {growth:+,} bytes"
        )
        assert slowest < BACK_SECONDS
        assert growth < MAX_GROWTH_BYTES


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def watch() -> Iterator[Callable[[FrameSourceFactory], LatestFrame]]:
    """Watch a camera until the test ends."""
    stop, watched = threading.Event(), list[LatestFrame]()

    def begin(camera: FrameSourceFactory) -> LatestFrame:
        watched.append(LatestFrame(camera, rate=30, stop=stop))
        return watched[-1]

    yield begin
    stop.set()
    for frames in watched:
        assert frames.join(WAIT_SECONDS)


@pytest.fixture
def here(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path)


def usb(here: FakeMachine, source: str = "auto") -> V4l2Camera:
    settings = Settings(camera_source=source, frame_width=320, frame_height=240, frame_rate=30)
    assert isinstance(settings.source, DeviceSpec)
    return V4l2Camera(settings.source, settings, here.registry)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("source", ["auto", "0", "serial:A1B2C3"])
def test_a_usb_camera_is_back_within_five_seconds_under_whatever_number(
    here: FakeMachine, watch: Callable[[FrameSourceFactory], LatestFrame], source: str
) -> None:
    camera, others = FakeCamera(), [FakeCamera(card=f"Other {n}", serial=f"{n}", bus=f"usb-{n}") for n in range(3)]
    here.plug(camera)
    chance = random.Random(source)
    pulls = Pulls(watch(usb(here, source)), seed=1)

    def give_back() -> None:
        for other in others:  # so that ours gets another number
            if other.plugged:
                here.unplug(other)
            if chance.random() < 0.5 and other is not others[0]:
                here.plug(other)
        here.plug(camera)

    pulls.play(lambda: here.unplug(camera), give_back)

    pulls.judge(f"USB camera, {source}")
    assert pulls.frames.counters.reopened == ROUNDS
    assert all(other.calls.count("dequeue") == 0 for other in others)


HANGS: dict[str, dict[str, object]] = {
    "hangs while it is read": {"stuck": {"dequeue"}},
    "hangs while it is waited for": {"stuck": {"wait"}},
    "is silent": {"silent": True},
    "fails": {"fails": {"dequeue": errno.EIO, "open": errno.EIO}},
    "repeats itself": {"repeats": True},
}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", HANGS)
def test_a_camera_that_misbehaves_is_back_within_five_seconds_when_it_behaves(
    here: FakeMachine, watch: Callable[[FrameSourceFactory], LatestFrame], fault: str
) -> None:
    camera = FakeCamera()
    here.plug(camera)
    pulls = Pulls(watch(usb(here)), seed=2)

    def misbehave() -> None:
        camera.freed.clear()
        for name, value in HANGS[fault].items():
            setattr(camera, name, value)

    def behave() -> None:
        camera.stuck, camera.fails, camera.silent, camera.repeats = set(), {}, False, False
        camera.freed.set()

    pulls.play(misbehave, behave)

    pulls.judge(f"USB camera that {fault}")


def test_a_hang_is_noticed_outside_of_the_thread_that_hangs(
    here: FakeMachine, watch: Callable[[FrameSourceFactory], LatestFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("camera.sources.reader.status.HUNG_SECONDS", 1.0)
    hanging, other_folder = FakeCamera(), here.devices.parent / "other"
    elsewhere, healthy = FakeMachine(other_folder), FakeCamera(serial="B2")
    here.plug(hanging)
    elsewhere.plug(healthy)
    frames, other = watch(usb(here)), watch(usb(elsewhere))
    wait_for(lambda: frames.take(0.1) and other.take(0.1), seconds=WAIT_SECONDS, what="frames of both")

    hanging.stuck = {"dequeue", "open"}

    wait_for(lambda: frames.status.problem, seconds=WAIT_SECONDS, what="the hang to be noticed")
    grabbed = other.counters.grabbed
    assert not frames.status.is_hung
    assert frames.status.problem == "The camera hangs; opening it again."
    wait_for(lambda: frames.status.is_hung, seconds=WAIT_SECONDS, what="it to be given up")
    assert frames.status.problem == (
        "The camera hangs in its driver: unplug it and plug it in again, or restart this machine."
    )
    assert other.counters.grabbed > grabbed
    assert other.status.problem is None
    frames.take(0.1)  # the last one from before, if nobody has taken it
    hanging.stuck = set()
    hanging.freed.set()
    wait_for(lambda: frames.take(0.1), seconds=WAIT_SECONDS, what="frames again")
    assert not frames.status.is_hung
    assert frames.status.problem is None


def test_threads_that_hang_do_not_pile_up(
    here: FakeMachine, watch: Callable[[FrameSourceFactory], LatestFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("camera.sources.v4l2.camera.OPEN_SECONDS", 0.2)
    camera = FakeCamera(stuck={"open"})
    here.plug(camera)

    frames = watch(usb(here))

    wait_for(lambda: camera.calls.count("open") == 3, seconds=WAIT_SECONDS, what="three tries")
    assert not wait(lambda: camera.calls.count("open") > 3, seconds=1.0)
    assert frames.status.problem == "The camera hangs; opening it again."
    camera.stuck = set()
    camera.freed.set()
    wait_for(lambda: frames.take(0.1), seconds=WAIT_SECONDS, what="frames")


def wait(condition: Callable[[], bool], *, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        return wait_for(condition, seconds=seconds, what="something that must not happen")
    return False


def test_a_camera_that_is_plugged_in_first_after_the_start_is_found_at_once(
    here: FakeMachine, watch: Callable[[FrameSourceFactory], LatestFrame]
) -> None:
    frames = watch(usb(here))
    wait_for(lambda: frames.status.problem, seconds=WAIT_SECONDS, what="the problem")
    assert str(frames.status.problem).startswith("No camera is plugged in")

    here.plug(FakeCamera())
    began = time.monotonic()

    wait_for(lambda: frames.take(0.1), seconds=WAIT_SECONDS, what="frames")
    assert time.monotonic() - began < POLL_SECONDS + 2


def test_a_node_that_gets_its_group_a_moment_later_is_tried_again(
    here: FakeMachine, watch: Callable[[FrameSourceFactory], LatestFrame]
) -> None:
    camera = FakeCamera(fails={"open": errno.EACCES})
    node = here.plug(camera)
    frames = watch(usb(here))
    wait_for(lambda: frames.status.problem, seconds=WAIT_SECONDS, what="the refusal")

    camera.fails = {}
    node.chmod(0o664)  # as udev does

    wait_for(lambda: frames.take(0.1), seconds=WAIT_SECONDS, what="frames")
    assert frames.status.problem is None


def test_what_was_lost_and_what_was_damaged_is_counted(
    here: FakeMachine, watch: Callable[[FrameSourceFactory], LatestFrame]
) -> None:
    camera = FakeCamera()
    here.plug(camera)
    frames = watch(usb(here))
    wait_for(lambda: frames.take(0.1), seconds=WAIT_SECONDS, what="frames")
    assert (frames.counters.dropped, frames.counters.damaged, frames.counters.reopened) == (0, 0, 0)

    camera.skips = 1
    wait_for(lambda: frames.counters.dropped > 3, seconds=WAIT_SECONDS, what="lost frames")
    camera.damaged = True
    wait_for(lambda: frames.counters.damaged > 3, seconds=WAIT_SECONDS, what="damaged frames")

    assert 0 < frames.age_seconds < WAIT_SECONDS


@pytest.mark.timeout(1800)
def test_a_file_that_is_moved_away_is_played_again_when_it_is_back(
    tmp_path: Path, face_frame: Image, watch: Callable[[FrameSourceFactory], LatestFrame]
) -> None:
    film, away = tmp_path / "film.avi", tmp_path / "away.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 30, (640, 480))
    for _ in range(10):
        writer.write(face_frame)
    writer.release()
    pulls = Pulls(watch(create_source(Settings(camera_source=str(film), file_at_end="loop"), NO_DEVICES)), seed=3)

    pulls.play(lambda: shutil.move(film, away), lambda: shutil.move(away, film))

    pulls.judge("file")


@pytest.mark.timeout(1800)
def test_a_network_camera_that_dies_is_back_when_it_answers(
    face_frame: Image, watch: Callable[[FrameSourceFactory], LatestFrame]
) -> None:
    port, jpeg = free_port(), cv2.imencode(".jpg", face_frame)[1].tobytes()
    server = NetworkCamera(port, jpeg)
    pulls = Pulls(watch(create_source(Settings(camera_source=server.url), NO_DEVICES)), seed=4)

    def die() -> None:
        server.die()

    def come_back() -> None:
        nonlocal server
        server = NetworkCamera(port, jpeg)

    pulls.play(die, come_back)

    pulls.judge("network camera")
    server.die()


def test_a_network_camera_that_falls_silent_is_given_up_and_found_again(
    face_frame: Image, watch: Callable[[FrameSourceFactory], LatestFrame]
) -> None:
    server = NetworkCamera(free_port(), cv2.imencode(".jpg", face_frame)[1].tobytes())
    pulls = Pulls(watch(create_source(Settings(camera_source=server.url), NO_DEVICES)), seed=5)

    pulls.play(server.silent.set, server.silent.clear, rounds=1)

    pulls.judge("network camera that falls silent")
    server.die()
