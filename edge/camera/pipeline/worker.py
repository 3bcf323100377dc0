"""One camera at work: its source, its analyzer and its thread. A failure here stays here."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from camera.config.polygons import Polygon
from camera.config.schedule import ScheduleController
from camera.config.settings import Settings
from camera.pipeline.analyzer import AnalysisResult, DetectedFace, FrameAnalyzer
from camera.pipeline.camera_status import CameraStatus
from camera.pipeline.counters import AnalysisCounters
from camera.pipeline.face.thresholds import STILL
from camera.pipeline.tampering.blindness import NOT_BLIND
from camera.pipeline.tampering.monitor import TamperingMonitor
from camera.pipeline.tracking.track import LOST_TRACK_SECONDS
from camera.pipeline.visits.policy import VisitState
from camera.sources.frame import Frame, FrameSourceFactory
from camera.sources.privacy_mask import all_polygons, replace_masks, save_masks
from camera.sources.reader.counters import FrameCounters, RateMeter
from camera.sources.reader.latest_frame import LatestFrame
from camera.sources.reader.status import ReaderStatus
from common.contract.capture import Capture
from common.contract.status import CameraState
from common.contract.visit import Visit

log = logging.getLogger(__name__)

TAKE_SECONDS = 0.5  # so soon a problem of the source shows in the status
SILENT_FRAMES = 2
PAUSE_SECONDS = 0.5
JOIN_SECONDS = 5.0
INITIAL_RESTART_SECONDS, MAX_RESTART_SECONDS = 1.0, 60.0

Accept = Callable[[Sequence[Capture], Sequence[Visit]], Collection[str]]  # returns the ids that it refused


@dataclass(frozen=True, slots=True)
class Preview:
    """The frame that was processed last, and the faces in it."""

    frame: Frame
    faces: tuple[DetectedFace, ...]


class CameraWorker:
    """Runs one camera on a thread of its own, until told to stop or its file has ended."""

    def __init__(self, settings: Settings, source: FrameSourceFactory, accept: Accept, stop: threading.Event) -> None:
        """`settings`, `source`: this camera's; `accept`: takes captures and visits; `stop` ends it."""
        self.name, self.settings = settings.camera_name, settings
        self.schedule = ScheduleController(settings.schedule, settings.timezone)
        self.preview: Preview | None = None
        self.counters = AnalysisCounters()
        self.frame_counters = FrameCounters()
        self.rate = RateMeter()
        self.crashes = 0
        self._status = CameraStatus()
        self._crash: str | None = None  # until the next frame is processed
        self._source, self._accept, self._stop = source, accept, stop
        self._analyzer = FrameAnalyzer(settings, self.counters)
        hours_file = settings.spool_dir / f"{self.name}.hours"
        self._tampering = TamperingMonitor(self.name, all_polygons(settings), hours_file)
        self._thread = threading.Thread(target=self._run, name=f"camera-{self.name}", daemon=True)

    @property
    def status(self) -> CameraStatus:
        """How the camera is: one snapshot, replaced as a whole by the camera's thread."""
        return self._status

    def mask_still_faces(self) -> int:
        """Black out from now on what the last frame showed as never moving; return how many. Raises OSError."""
        preview = self.preview
        boxes = [face.box for face in preview.faces if face.rejected == STILL] if preview else []
        if preview and boxes:
            save_masks(self.settings, boxes, (preview.frame.image.shape[1], preview.frame.image.shape[0]))
            self._renew_masks()
            log.info("Masked %d still faces of the camera %s", len(boxes), self.name)
        return len(boxes)

    def replace_masks(self, polygons: Sequence[Polygon]) -> None:
        """Black out these from now on, besides what MASKS says; raises OSError."""
        replace_masks(self.settings, polygons)
        self._renew_masks()
        log.info("The camera %s has %d masks that were drawn on its page", self.name, len(polygons))

    def _renew_masks(self) -> None:
        """Pass masks on to all that process frames: a new one would look like something before the lens."""
        polygons = all_polygons(self.settings)
        self._tampering.set_masks(polygons)
        self._analyzer.set_masks(polygons)

    def start(self) -> None:
        """Begin to process frames."""
        self._thread.start()

    def join(self, timeout_seconds: float) -> None:
        """Wait for the end, after `stop` is set."""
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        restart_delay = INITIAL_RESTART_SECONDS
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                if self._run_session():
                    self._set_status(CameraState.ENDED)  # and its last captures are kept
                    return
            except Exception as error:  # whatever this was, other cameras must not suffer from it
                log.exception("The camera %s crashed, trying again in %g s", self.name, restart_delay)
                self._note_crash(error)
                self._stop.wait(restart_delay)
                recovered = time.monotonic() - began > MAX_RESTART_SECONDS
                restart_delay = INITIAL_RESTART_SECONDS if recovered else min(restart_delay * 2, MAX_RESTART_SECONDS)
                self._reset_analyzer()

    def _note_crash(self, error: Exception) -> None:
        self.crashes += 1
        self._crash = f"The camera {self.name} crashed ({type(error).__name__}); starting it again."
        self._set_status(CameraState.CRASHED)

    def _reset_analyzer(self) -> None:
        """Start over with a new detector, but go on counting."""
        self._analyzer = FrameAnalyzer(self.settings, self.counters)

    def _run_session(self) -> bool:
        """Process frames until told to stop or pause; True when the source has ended."""
        self.schedule.update()
        if not self.schedule.is_active():
            self._pause()
            return False
        if self.status.state is CameraState.PAUSED:
            log.info("The camera %s is running again", self.name)
            self._set_status(CameraState.STARTING)
        stop = threading.Event()
        rate = self.settings.detections_per_second
        frames = LatestFrame(self._source, rate, stop, self.frame_counters, self.name)
        try:
            return self._process_frames(frames)
        finally:
            stop.set()
            frames.join(JOIN_SECONDS)
            self._deliver(self._analyzer.flush())

    def _process_frames(self, frames: LatestFrame) -> bool:
        while not self._stop.is_set() and self.schedule.is_active():
            frame = frames.take(TAKE_SECONDS)
            if frame is not None:
                self._process(frame)
                frames.set_rate(self._analyzer.rate)
            elif frames.status.has_ended:
                return not self._stop.is_set()
            elif frames.age_seconds > self._silent_seconds and self._analyzer.has_active_tracks:
                self._deliver(self._analyzer.flush())  # the camera is unavailable, perhaps for good
            self._set_status_from(frames.status)
            self.schedule.update()
        return False

    @property
    def _silent_seconds(self) -> float:
        """After how long without a frame, of which few may be wanted, whoever was there is taken to be gone."""
        return max(LOST_TRACK_SECONDS, SILENT_FRAMES / self.settings.detections_per_second)

    def _process(self, frame: Frame) -> None:
        result = self._analyzer.process(frame)
        self._crash = None
        heights = [face.box.height for face in result.faces if face.track]
        self._tampering.update(frame.image, frame.seconds, frame.captured_at, heights, still=self._analyzer.is_still)
        self._set_status(CameraState.RUNNING, last_frame_at=time.monotonic())
        self.rate.count()
        self.preview = Preview(frame, result.faces)
        self._deliver(result)

    def _deliver(self, result: AnalysisResult) -> None:
        """Hand on captures, then visits: what was refused is not listed in a visit's message."""
        if result.captures:
            refused = self._accept(result.captures, ())
            self._analyzer.refuse(refused)
            for visit in result.ended:
                visit.refuse(refused)
        if result.ended:
            self._accept((), [self._summary(visit) for visit in result.ended])

    def _summary(self, state: VisitState) -> Visit:
        visit = state.summary(self.name)
        seconds = (visit.ended_at - visit.began_at).total_seconds()
        log.info("Visit %s at %s ended after %.1f s: %d captures", visit.track, self.name, seconds, visit.count)
        return visit

    def _pause(self) -> None:
        if self.status.state is not CameraState.PAUSED:
            log.info("The camera %s is paused and its device released", self.name)
        self.preview = None
        self._tampering.forget()
        self._set_status(CameraState.PAUSED)
        self._stop.wait(PAUSE_SECONDS)

    def _set_status_from(self, reader: ReaderStatus) -> None:
        """Take over how the reader is."""
        self._set_status(self._state(reader), reader.problem)

    def _state(self, reader: ReaderStatus) -> CameraState:
        if reader.is_hung:
            return CameraState.HUNG
        if self._crash:
            return CameraState.CRASHED
        if reader.problem:
            return CameraState.RECONNECTING
        if self.status.state is CameraState.STARTING or self.status.last_frame_at is None:
            return CameraState.STARTING
        return CameraState.RUNNING

    def _set_status(self, state: CameraState, problem: str | None = None, last_frame_at: float | None = None) -> None:
        last_frame_at = last_frame_at or self._status.last_frame_at
        blindness = self._tampering.status if state is CameraState.RUNNING else NOT_BLIND
        self._status = CameraStatus(state, self._crash or problem, last_frame_at, blindness)
