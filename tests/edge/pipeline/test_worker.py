"""One camera's thread: what breaks in it stays in it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from camera.config.settings import Settings
from camera.pipeline import worker as worker_module
from camera.pipeline.analyzer import AnalysisCounters, AnalysisResult, FrameAnalyzer
from camera.pipeline.worker import CameraWorker
from camera.service import CameraService
from camera.sources.frame import Frame, SourceError
from camera.sources.synthetic.source import SyntheticSource
from dev.harness.services import wait_for


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


class Kept:
    """Takes what workers saw."""

    def __init__(self) -> None:
        self.captures = 0

    def keep(self, result: AnalysisResult, _counts: AnalysisCounters) -> None:
        self.captures += len(result.captures)


def scene(name: str) -> Settings:
    return Settings(
        camera_name=name, camera_source="demo", frame_width=320, frame_height=240, capture_interval_seconds=0.2
    )


def test_a_watcher_that_breaks_is_made_anew_and_the_count_goes_on(
    stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "FIRST_MEND_SECONDS", 0.1)
    worker, breaks = CameraWorker(scene("door"), Kept().keep, stop), iter([False, True, False])
    look = FrameAnalyzer.look

    def look_or_break(analyzer: FrameAnalyzer, frame: Frame) -> AnalysisResult:
        if next(breaks, False):
            raise MemoryError
        return look(analyzer, frame)

    monkeypatch.setattr(FrameAnalyzer, "look", look_or_break)

    worker.start()

    wait_for(lambda: worker.counts.looked_at >= 5, seconds=30, what="frames after the break")
    assert worker.crashes == 1
    assert worker.trouble is None


def test_a_broken_camera_leaves_the_other_alone(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, well = CameraWorker(scene("broken"), Kept().keep, stop), CameraWorker(scene("well"), Kept().keep, stop)
    look = FrameAnalyzer.look

    def look_or_break(analyzer: FrameAnalyzer, frame: Frame) -> AnalysisResult:
        if threading.current_thread().name == "camera-broken":
            raise ValueError
        return look(analyzer, frame)

    monkeypatch.setattr(FrameAnalyzer, "look", look_or_break)

    for worker in (broken, well):
        worker.start()

    wait_for(lambda: well.counts.looked_at >= 10 and broken.crashes, seconds=30, what="frames")
    assert well.crashes == 0
    assert broken.trouble == "The camera broken broke (ValueError); starting it again."


def test_a_stalled_camera_leaves_the_other_alone(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    stalled, well = CameraWorker(scene("stalled"), Kept().keep, stop), CameraWorker(scene("well"), Kept().keep, stop)
    look = FrameAnalyzer.look

    def look_or_stall(analyzer: FrameAnalyzer, frame: Frame) -> AnalysisResult:
        if threading.current_thread().name == "camera-stalled":
            stop.wait(60)
        return look(analyzer, frame)

    monkeypatch.setattr(FrameAnalyzer, "look", look_or_stall)

    for worker in (stalled, well):
        worker.start()

    wait_for(lambda: well.counts.looked_at >= 10, seconds=30, what="frames")
    assert stalled.counts.looked_at == 0


def test_a_paused_camera_lets_go_of_its_source(stop: threading.Event) -> None:
    before = set(threading.enumerate())
    worker = CameraWorker(scene("door"), Kept().keep, stop)
    worker.start()
    wait_for(lambda: worker.counts.looked_at > 0, seconds=30, what="a frame")

    worker.clock.override("pause")
    wait_for(lambda: worker.paused, seconds=30, what="the pause")
    assert [thread.name for thread in set(threading.enumerate()) - before] == ["camera-door"]
    assert worker.view is None
    seen, grabbed = worker.counts.looked_at, worker.frame_counters.grabbed
    worker.clock.override("run")

    wait_for(lambda: worker.counts.looked_at > seen, seconds=30, what="frames again")
    assert worker.frame_counters.grabbed >= grabbed


def test_a_visit_is_over_when_its_camera_is_gone(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "LOST_TRACK_SECONDS", 0.2)
    gone, grab = threading.Event(), SyntheticSource.grab

    def grab_or_fail(source: SyntheticSource) -> float:
        if gone.is_set():
            raise SourceError("The camera is gone.")
        return grab(source)

    monkeypatch.setattr(SyntheticSource, "grab", grab_or_fail)
    worker = CameraWorker(scene("door").model_copy(update={"min_face_px": 20}), Kept().keep, stop)
    worker.start()
    wait_for(lambda: worker.counts.faces > 5, seconds=30, what="a face")

    gone.set()

    wait_for(lambda: worker.counts.visits == 1, seconds=30, what="the visit's end")
    assert worker.counts.captured > 0


def test_a_house_whose_only_camera_hangs_in_its_driver_gives_up(
    stop: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = scene("door").model_copy(update={"spool_dir": tmp_path, "heartbeat_file": tmp_path / "beat.json"})
    service = CameraService([settings], stop)
    monkeypatch.setattr(CameraWorker, "stuck", True)

    assert service.run() is False


def test_a_house_goes_on_while_one_of_two_cameras_hangs(
    stop: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = {"spool_dir": tmp_path, "heartbeat_file": tmp_path / "beat.json"}
    service = CameraService([scene(name).model_copy(update=shared) for name in ("door", "yard")], stop)
    monkeypatch.setattr(CameraWorker, "stuck", property(lambda worker: worker.name == "door"))
    running = threading.Thread(target=service.run)
    running.start()

    wait_for(lambda: service.workers[1].counts.looked_at > 5, seconds=30, what="frames of the other")

    assert running.is_alive()
    stop.set()
    running.join(30)
