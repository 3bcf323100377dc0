"""One camera's thread: what breaks in it stays in it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from camera.config.settings import Settings
from camera.pipeline import worker as stations
from camera.pipeline.analyzer import Counts, Sight, Watcher
from camera.pipeline.worker import Station
from camera.service import House
from camera.sources.factory import SceneSource
from camera.sources.frame import SourceError
from camera.sources.reader.latest_frame import Frame
from dev.harness.services import wait_for


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


class Kept:
    """Takes what stations saw."""

    def __init__(self) -> None:
        self.captures = 0

    def keep(self, sight: Sight, _counts: Counts) -> None:
        self.captures += len(sight.captures)


def scene(name: str) -> Settings:
    return Settings(
        camera_name=name, camera_source="demo", frame_width=320, frame_height=240, capture_interval_seconds=0.2
    )


def test_a_watcher_that_breaks_is_made_anew_and_the_count_goes_on(
    stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stations, "FIRST_MEND_SECONDS", 0.1)
    station, breaks = Station(scene("door"), Kept().keep, stop), iter([False, True, False])
    look = Watcher.look

    def look_or_break(watcher: Watcher, frame: Frame) -> Sight:
        if next(breaks, False):
            raise MemoryError
        return look(watcher, frame)

    monkeypatch.setattr(Watcher, "look", look_or_break)

    station.start()

    wait_for(lambda: station.counts.looked_at >= 5, seconds=30, what="frames after the break")
    assert station.crashes == 1
    assert station.trouble is None


def test_a_broken_camera_leaves_the_other_alone(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, well = Station(scene("broken"), Kept().keep, stop), Station(scene("well"), Kept().keep, stop)
    look = Watcher.look

    def look_or_break(watcher: Watcher, frame: Frame) -> Sight:
        if threading.current_thread().name == "camera-broken":
            raise ValueError
        return look(watcher, frame)

    monkeypatch.setattr(Watcher, "look", look_or_break)

    for station in (broken, well):
        station.start()

    wait_for(lambda: well.counts.looked_at >= 10 and broken.crashes, seconds=30, what="frames")
    assert well.crashes == 0
    assert broken.trouble == "The camera broken broke (ValueError); starting it again."


def test_a_stalled_camera_leaves_the_other_alone(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    stalled, well = Station(scene("stalled"), Kept().keep, stop), Station(scene("well"), Kept().keep, stop)
    look = Watcher.look

    def look_or_stall(watcher: Watcher, frame: Frame) -> Sight:
        if threading.current_thread().name == "camera-stalled":
            stop.wait(60)
        return look(watcher, frame)

    monkeypatch.setattr(Watcher, "look", look_or_stall)

    for station in (stalled, well):
        station.start()

    wait_for(lambda: well.counts.looked_at >= 10, seconds=30, what="frames")
    assert stalled.counts.looked_at == 0


def test_a_paused_camera_lets_go_of_its_source(stop: threading.Event) -> None:
    before = set(threading.enumerate())
    station = Station(scene("door"), Kept().keep, stop)
    station.start()
    wait_for(lambda: station.counts.looked_at > 0, seconds=30, what="a frame")

    station.clock.command("pause")
    wait_for(lambda: station.paused, seconds=30, what="the pause")
    assert [thread.name for thread in set(threading.enumerate()) - before] == ["camera-door"]
    assert station.view is None
    seen, grabbed = station.counts.looked_at, station.totals["grabbed"]
    station.clock.command("run")

    wait_for(lambda: station.counts.looked_at > seen, seconds=30, what="frames again")
    assert station.totals["grabbed"] >= grabbed


def test_a_visit_is_over_when_its_camera_is_gone(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stations, "LOST_SECONDS", 0.2)
    gone, grab = threading.Event(), SceneSource.grab

    def grab_or_fail(source: SceneSource) -> float:
        if gone.is_set():
            raise SourceError("The camera is gone.")
        return grab(source)

    monkeypatch.setattr(SceneSource, "grab", grab_or_fail)
    station = Station(scene("door").model_copy(update={"min_face_px": 20}), Kept().keep, stop)
    station.start()
    wait_for(lambda: station.counts.faces > 5, seconds=30, what="a face")

    gone.set()

    wait_for(lambda: station.counts.visits == 1, seconds=30, what="the visit's end")
    assert station.counts.captured > 0


def test_a_house_whose_only_camera_hangs_in_its_driver_gives_up(
    stop: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = scene("door").model_copy(update={"spool_dir": tmp_path, "heartbeat_file": tmp_path / "beat.json"})
    house = House([settings], stop)
    monkeypatch.setattr(Station, "stuck", True)

    assert house.run() is False


def test_a_house_goes_on_while_one_of_two_cameras_hangs(
    stop: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = {"spool_dir": tmp_path, "heartbeat_file": tmp_path / "beat.json"}
    house = House([scene(name).model_copy(update=shared) for name in ("door", "yard")], stop)
    monkeypatch.setattr(Station, "stuck", property(lambda station: station.name == "door"))
    running = threading.Thread(target=house.run)
    running.start()

    wait_for(lambda: house.stations[1].counts.looked_at > 5, seconds=30, what="frames of the other")

    assert running.is_alive()
    stop.set()
    running.join(30)
