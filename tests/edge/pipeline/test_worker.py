"""One camera's thread: what breaks in it stays in it."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from camera.config.polygons import Polygon
from camera.config.settings import Settings
from camera.pipeline import worker as worker_module
from camera.pipeline.analyzer import AnalysisResult, DetectedFace, FrameAnalyzer
from camera.pipeline.camera_status import CameraStatus
from camera.pipeline.face.thresholds import STILL
from camera.pipeline.tampering.monitor import TamperingMonitor
from camera.pipeline.worker import CameraWorker, Preview
from camera.service import CameraService
from camera.sources.factory import create_source
from camera.sources.frame import Frame, SourceError
from camera.sources.privacy_mask import PrivacyMask, all_polygons
from camera.sources.synthetic.source import SyntheticSource
from camera.sources.v4l2.discovery import DeviceRegistry
from common.contract.capture import Box, Capture
from common.contract.status import CameraState
from common.contract.visit import Visit
from dev.harness.services import wait_for


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


class Sink:
    """Takes captures and visits, and refuses as many of the first captures as it is told."""

    def __init__(self, refusing: int = 0) -> None:
        self.captures: list[Capture] = []
        self.visits: list[Visit] = []
        self._refusing = refusing

    def accept(self, captures: Sequence[Capture], visits: Sequence[Visit]) -> set[str]:
        self.captures += captures
        self.visits += visits
        return {capture.id for capture in self.captures[: self._refusing]} & {capture.id for capture in captures}


def worker_of(settings: Settings, sink: Sink, stop: threading.Event) -> CameraWorker:
    return CameraWorker(settings, create_source(settings, DeviceRegistry(settings.device_dir)), sink.accept, stop)


def scene(name: str) -> Settings:
    return Settings(
        camera_name=name, camera_source="demo", frame_width=320, frame_height=240, capture_interval_seconds=0.2
    )


def test_faces_that_never_move_become_masks_of_this_camera_and_no_others_do(
    stop: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = scene("door").model_copy(update={"spool_dir": tmp_path})
    worker = worker_of(settings, Sink(), stop)
    assert worker.mask_still_faces() == 0  # nothing was seen yet
    poster, visitor = (DetectedFace(Box(x, 90, 40, 50), 0.9, 0.8, "", why) for x, why in ((20, STILL), (200, None)))
    frame = Frame(np.full((240, 320, 3), 200, np.uint8), datetime.now(UTC), 0.0, 0)
    worker.preview = Preview(frame, (poster, visitor))
    looked_past: list[Sequence[Polygon]] = []
    monkeypatch.setattr(TamperingMonitor, "set_masks", lambda _monitor, polygons: looked_past.append(polygons))

    assert worker.mask_still_faces() == 1
    worker.replace_masks(all_polygons(settings))

    assert looked_past == [all_polygons(settings)] * 2

    PrivacyMask(all_polygons(settings)).apply(frame.image)
    assert not frame.image[90:140, 20:60].any()
    assert frame.image[90:140, 200:240].all()
    assert all_polygons(scene("bell").model_copy(update={"spool_dir": tmp_path})) == []


def test_an_analyzer_that_crashes_is_replaced_and_the_count_goes_on(
    stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "INITIAL_RESTART_SECONDS", 0.1)
    worker, breaks = worker_of(scene("door"), Sink(), stop), iter([False, True, False])
    process = FrameAnalyzer.process

    def process_or_break(analyzer: FrameAnalyzer, frame: Frame) -> AnalysisResult:
        if next(breaks, False):
            raise MemoryError
        return process(analyzer, frame)

    monkeypatch.setattr(FrameAnalyzer, "process", process_or_break)

    worker.start()

    wait_for(lambda: worker.counters.frames_processed >= 5, seconds=30, what="frames after the break")
    assert worker.crashes == 1
    assert worker.status.problem is None


def test_a_crashed_camera_leaves_the_other_alone(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, well = worker_of(scene("broken"), Sink(), stop), worker_of(scene("well"), Sink(), stop)
    process = FrameAnalyzer.process

    def process_or_break(analyzer: FrameAnalyzer, frame: Frame) -> AnalysisResult:
        if threading.current_thread().name == "camera-broken":
            raise ValueError
        return process(analyzer, frame)

    monkeypatch.setattr(FrameAnalyzer, "process", process_or_break)

    for worker in (broken, well):
        worker.start()

    wait_for(lambda: well.counters.frames_processed >= 10 and broken.crashes, seconds=30, what="frames")
    assert well.crashes == 0
    assert broken.status.problem == "The camera broken crashed (ValueError); starting it again."


def test_a_stalled_camera_leaves_the_other_alone(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    stalled, well = (
        worker_of(scene("stalled"), Sink(), stop),
        worker_of(scene("well"), Sink(), stop),
    )
    process = FrameAnalyzer.process

    def process_or_stall(analyzer: FrameAnalyzer, frame: Frame) -> AnalysisResult:
        if threading.current_thread().name == "camera-stalled":
            stop.wait(60)
        return process(analyzer, frame)

    monkeypatch.setattr(FrameAnalyzer, "process", process_or_stall)

    for worker in (stalled, well):
        worker.start()

    wait_for(lambda: well.counters.frames_processed >= 10, seconds=30, what="frames")
    assert stalled.counters.frames_processed == 0


def test_a_paused_camera_releases_its_source(stop: threading.Event) -> None:
    before = set(threading.enumerate())
    worker = worker_of(scene("door"), Sink(), stop)
    worker.start()
    wait_for(lambda: worker.counters.frames_processed > 0, seconds=30, what="a frame")

    worker.schedule.override("pause")
    wait_for(lambda: worker.status.state is CameraState.PAUSED, seconds=30, what="the pause")
    assert [thread.name for thread in set(threading.enumerate()) - before] == ["camera-door"]
    assert worker.preview is None
    seen, grabbed = worker.counters.frames_processed, worker.frame_counters.grabbed
    worker.schedule.override("run")

    wait_for(lambda: worker.counters.frames_processed > seen, seconds=30, what="frames again")
    assert worker.frame_counters.grabbed >= grabbed


def test_a_visit_is_over_when_its_camera_is_gone(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "LOST_TRACK_SECONDS", 0.2)
    gone, grab = threading.Event(), SyntheticSource.grab

    def grab_or_fail(source: SyntheticSource) -> float:
        if gone.is_set():
            raise SourceError("The camera is gone.")
        return grab(source)

    monkeypatch.setattr(SyntheticSource, "grab", grab_or_fail)
    worker = worker_of(scene("door").model_copy(update={"min_face_px": 20}), Sink(), stop)
    worker.start()
    wait_for(lambda: worker.counters.faces > 5, seconds=30, what="a face")

    gone.set()

    wait_for(lambda: worker.counters.visits == 1, seconds=30, what="the visit's end")
    assert worker.counters.captured > 0


def test_a_visit_goes_on_where_few_frames_are_wanted(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "LOST_TRACK_SECONDS", 0.2)  # for a frame every half a second, as 3 for every 5 s
    monkeypatch.setattr(worker_module, "TAKE_SECONDS", 0.1)
    rare = {"min_face_px": 20, "detections_per_second": 2.0}
    worker = worker_of(scene("door").model_copy(update=rare), Sink(), stop)
    worker.start()

    wait_for(lambda: worker.counters.captured > 0, seconds=60, what="a capture")


def test_a_service_whose_only_camera_hangs_in_its_driver_gives_up(
    stop: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = scene("door").model_copy(update={"spool_dir": tmp_path, "heartbeat_file": tmp_path / "beat.json"})
    service = CameraService([settings], stop)
    monkeypatch.setattr(CameraWorker, "status", CameraStatus(CameraState.HUNG))

    assert service.run() is False


def test_a_service_goes_on_while_one_of_two_cameras_hangs(
    stop: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = {"spool_dir": tmp_path, "heartbeat_file": tmp_path / "beat.json"}
    service = CameraService([scene(name).model_copy(update=shared) for name in ("door", "yard")], stop)
    own, hung = vars(CameraWorker)["status"].fget, CameraStatus(CameraState.HUNG)
    monkeypatch.setattr(CameraWorker, "status", property(lambda worker: hung if worker.name == "door" else own(worker)))
    running = threading.Thread(target=service.run)
    running.start()

    wait_for(lambda: service.workers[1].counters.frames_processed > 5, seconds=30, what="frames of the other")

    assert running.is_alive()
    stop.set()
    running.join(30)


def test_a_refused_capture_is_neither_listed_in_its_visit_nor_its_best(stop: threading.Event) -> None:
    sink = Sink(refusing=1)
    settings = scene("door").model_copy(update={"demo_visits": 1, "min_face_px": 20, "capture_policy": "every"})
    worker = worker_of(settings, sink, stop)
    worker.start()

    wait_for(lambda: sink.visits, seconds=60, what="the visit's end")
    tracks = {capture.id: capture.metadata.track for capture in sink.captures}
    refused, *sent = [name for name, track in tracks.items() if track and track.id == sink.visits[0].track]

    assert sent
    assert sink.visits[0].captures == tuple(sent)
    assert sink.visits[0].best in sent
    assert refused not in sink.visits[0].captures
    assert worker.counters.refused == 1
