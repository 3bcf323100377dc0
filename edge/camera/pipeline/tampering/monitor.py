"""Whether a camera is blind: reported after some seconds, withdrawn when it sees again."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from camera.config.polygons import Polygon
from camera.pipeline.tampering.blindness import NOT_BLIND, BlindnessStatus
from camera.pipeline.tampering.classifier import TamperingClassifier, TamperingResult
from camera.pipeline.tampering.dark_hours import DarkHours
from camera.pipeline.tampering.darkness import Darkness
from camera.pipeline.tampering.view import View, Window
from camera.sources.frame import Image
from common.contract.status import Blindness

log = logging.getLogger(__name__)

# Between two frames that are classified; and where nothing moves and nothing was wrong for so long
SAMPLE_SECONDS, CALM_SAMPLE_SECONDS, CALM_SECONDS = 0.45, 1.4, 10.0
CONFIRM_SECONDS = 5.0  # so long something lasts before it is reported: longer than an autofocus searches
MIN_SAMPLES = 3
UNCLEAR_SECONDS = 1.2  # who passes by does not end a suspicion
CLEAR_SECONDS = 2.0  # so long the camera sees again before that is reported
GAP_SECONDS = 30.0  # without a frame: what was suspected is over
ADOPT_SECONDS = 86_400.0  # after a day its new view is the usual one
NEAR = 0.35  # of the frame's height: a face that hides what is behind it


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What seems to be wrong, not reported yet."""

    blindness: Blindness
    since: float
    since_at: datetime
    seen_at: float
    samples: int = 1


class TamperingMonitor:
    """Samples a camera's frames. For one thread; `status` may be read from others."""

    def __init__(self, name: str, masks: Sequence[Polygon] = (), hours_file: Path | None = None) -> None:
        """`name` is for the log; `hours_file` keeps at which hours it is dark."""
        self._name = name
        self._hours = DarkHours(hours_file)
        self._window = Window.of(masks)
        self._next_window: Window | None = None  # once masks have changed
        self.forget()

    def forget(self) -> None:
        """Start over: what the camera sees from now on is what it should see."""
        self.status = NOT_BLIND
        self._classifier = TamperingClassifier(self._window, Darkness(self._hours))
        self._sampled_at: float | None = None
        self._suspicion: Suspicion | None = None
        self._reported_at = 0.0
        self._clear_since: float | None = None

    def set_masks(self, masks: Sequence[Polygon]) -> None:
        """Ignore what these masks cover from the next frame on; for any thread."""
        self._next_window = Window.of(masks)

    def update(
        self, image: Image, seconds: float, at: datetime, face_heights: Sequence[int] = (), *, still: bool = False
    ) -> BlindnessStatus:
        """Classify a frame, if it is time to.

        Heights are in pixels, of the faces that were found in it; `still`: nothing moves.
        """
        window, self._next_window = self._next_window, None
        if window is not None:
            self._window = window
            self.forget()
        elapsed = 0.0 if self._sampled_at is None else seconds - self._sampled_at
        sample_seconds = CALM_SAMPLE_SECONDS if still and self._is_calm(seconds) else SAMPLE_SECONDS
        if self._sampled_at is not None and elapsed < sample_seconds:
            return self.status
        self._sampled_at = seconds
        if elapsed > GAP_SECONDS:
            self._suspicion, elapsed = None, GAP_SECONDS
        near = max(face_heights, default=0) > NEAR * image.shape[0]
        self._apply(self._classifier.process(View.of(image, self._window), elapsed, at, near=near), seconds, at)
        return self.status

    def _is_calm(self, now: float) -> bool:
        if self._clear_since is None or self._suspicion or self.status.cause:
            return False
        return now - self._clear_since >= CALM_SECONDS

    def _apply(self, result: TamperingResult, seconds: float, at: datetime) -> None:
        if result.moves:
            self._suspicion = None
        self._suspect(result.blindness, seconds, at)
        self._clear_since = (self._clear_since or seconds) if result.is_clear else None
        suspicion = self._suspicion
        if suspicion and suspicion.samples >= MIN_SAMPLES and seconds - suspicion.since >= CONFIRM_SECONDS:
            self._report(suspicion, seconds)
        elif self.status.cause and self._clear_since is not None and seconds - self._clear_since >= CLEAR_SECONDS:
            log.info("%s sees again", self._name)
            self.status = NOT_BLIND
        elif self.status.cause is Blindness.TURNED and seconds - self._reported_at > ADOPT_SECONDS:
            self.forget()

    def _suspect(self, blindness: Blindness | None, seconds: float, at: datetime) -> None:
        last = self._suspicion
        if blindness is None:
            if last is not None and seconds - last.seen_at > UNCLEAR_SECONDS:
                self._suspicion = None
        elif last is None:
            self._suspicion = Suspicion(blindness, seconds, at, seconds)
        else:
            self._suspicion = replace(last, blindness=blindness, seen_at=seconds, samples=last.samples + 1)

    def _report(self, suspicion: Suspicion, seconds: float) -> None:
        if self.status.cause is suspicion.blindness:
            return
        if suspicion.blindness is Blindness.TURNED and self._classifier.is_nudged():
            self._classifier.relearn()
            self._suspicion = None
            return
        since = self.status.since or suspicion.since_at
        self.status, self._reported_at = BlindnessStatus(suspicion.blindness, since), seconds
        log.warning("%s: %s", self._name, self.status.problem)
