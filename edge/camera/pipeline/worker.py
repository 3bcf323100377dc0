"""One camera at work: its source, its analyzer and its thread. What breaks here breaks here alone."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from camera.config.schedule import ScheduleController
from camera.config.settings import Settings
from camera.pipeline.analyzer import AnalysisCounters, AnalysisResult, DetectedFace, FrameAnalyzer
from camera.pipeline.tracker import LOST_TRACK_SECONDS
from camera.sources.factory import create_source
from camera.sources.frame import Frame
from camera.sources.reader.counters import FrameCounters, RateMeter
from camera.sources.reader.latest_frame import LatestFrame

log = logging.getLogger(__name__)

TAKE_SECONDS = 1.0
PAUSE_SECONDS = 0.5
FIRST_MEND_SECONDS, LONGEST_MEND_SECONDS = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Preview:
    """The frame that was looked at last, and the faces in it."""

    frame: Frame
    faces: tuple[DetectedFace, ...]


class CameraWorker:
    """Watches one camera on a thread of its own, until told to stop or its file has ended."""

    def __init__(
        self, settings: Settings, keep: Callable[[AnalysisResult, AnalysisCounters], None], stop: threading.Event
    ) -> None:
        """`settings`: this camera's; `keep`: takes what each frame gave; `stop` ends it."""
        self.name, self.settings = settings.camera_name, settings
        self.clock = ScheduleController(settings.schedule, settings.timezone)
        self.view: Preview | None = None
        self.handled_at: float | None = None  # monotonic: when a frame was handled last
        self.paused = False
        self.ended = False  # the source has nothing more to give
        self.crashes = 0
        self.frame_counters = FrameCounters()
        self.rate = RateMeter()
        self._broken: str | None = None
        self._keep, self._stop = keep, stop
        self._camera = create_source(settings)
        self._analyzer = FrameAnalyzer(settings)
        self._frames: LatestFrame | None = None
        self._thread = threading.Thread(target=self._run, name=f"camera-{self.name}", daemon=True)

    @property
    def counts(self) -> AnalysisCounters:
        """What was seen since the start."""
        return self._analyzer.counts

    @property
    def trouble(self) -> str | None:
        """Why this camera does not work, as a sentence."""
        frames = self._frames
        return self._broken or (frames.status.problem if frames else None)

    @property
    def stuck(self) -> bool:
        """Whether a call into the camera's driver hangs for good: only the end of the process may help."""
        frames = self._frames
        return frames is not None and frames.status.is_hung

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def join(self, timeout_seconds: float) -> None:
        """Wait for the end, after `stop` is set."""
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        mend_seconds = FIRST_MEND_SECONDS
        while not self._stop.is_set() and not self.ended:
            began = time.monotonic()
            try:
                self.ended = self._watch()  # and its last captures are kept
            except Exception as error:  # another camera must not suffer from whatever this was
                self.crashes += 1
                self._broken = f"The camera {self.name} broke ({type(error).__name__}); starting it again."
                log.exception("The camera %s broke, trying again in %g s", self.name, mend_seconds)
                self._stop.wait(mend_seconds)
                recovered = time.monotonic() - began > LONGEST_MEND_SECONDS
                mend_seconds = FIRST_MEND_SECONDS if recovered else min(mend_seconds * 2, LONGEST_MEND_SECONDS)
                self._renew()

    def _renew(self) -> None:
        """A new analyzer with a new detector, which goes on counting."""
        counts = self.counts
        self._analyzer = FrameAnalyzer(self.settings)
        self._analyzer.counts = counts

    def _watch(self) -> bool:
        """Look until told to stop or pause; True when the source has ended."""
        if not self.clock.is_active():
            self._pause()
            return False
        self._resume()
        stop = threading.Event()
        rate = self.settings.detections_per_second
        self._frames = LatestFrame(self._camera, rate, stop, self.frame_counters, self.name)
        try:
            return self._look(self._frames)
        finally:
            stop.set()
            self._frames.join(timeout_seconds=5)
            self._frames = None
            self._keep(self._analyzer.end(), self.counts)

    def _look(self, frames: LatestFrame) -> bool:
        while not self._stop.is_set() and self.clock.is_active():
            frame = frames.take(TAKE_SECONDS)
            if frame is not None:
                self._handle(frame)
            elif frames.status.has_ended:
                return not self._stop.is_set()
            elif frames.age_seconds > LOST_TRACK_SECONDS and self._analyzer.busy:
                self._keep(self._analyzer.end(), self.counts)  # the camera is away, and maybe for good
        return False

    def _handle(self, frame: Frame) -> None:
        result = self._analyzer.look(frame)
        if self._frames:
            self._frames.set_rate(self._analyzer.rate)
        self._broken = None
        self.handled_at = time.monotonic()
        self.rate.count()
        self.view = Preview(frame, result.faces)
        self._keep(result, self.counts)

    def _pause(self) -> None:
        if not self.paused:
            log.info("The camera %s is paused and let go of", self.name)
        self.paused, self.view = True, None
        self._stop.wait(PAUSE_SECONDS)

    def _resume(self) -> None:
        if self.paused:
            log.info("The camera %s looks again", self.name)
        self.paused = False
