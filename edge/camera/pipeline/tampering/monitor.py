"""Whether a camera sees what it usually sees: told after some seconds, taken back when it sees again."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from camera.config.polygons import Polygon
from camera.pipeline.tampering.blindness import SEES, Blindness, Sight
from camera.pipeline.tampering.classifier import Finding, SightJudge
from camera.pipeline.tampering.dark_hours import DarkHours
from camera.pipeline.tampering.darkness import Darkness
from camera.pipeline.tampering.view import View, Window
from camera.sources.frame import Image

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.45  # between two looks
TELL_SECONDS = 5.0  # so long something lasts before it is told: longer than an autofocus searches
MIN_LOOKS = 3
UNCLEAR_SECONDS = 1.2  # who passes by does not end a suspicion
SEES_SECONDS = 2.0  # so long the camera sees again before that is told
GAP_SECONDS = 30.0  # without a frame: what was suspected is over
FOLLOW_SECONDS = 86_400.0  # after a day what it looks at now is what it should look at
NEAR = 0.35  # of the frame's height: a face that hides what is behind it


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What seems to be wrong, not told yet."""

    blindness: Blindness
    since: float
    since_at: datetime
    seen_at: float
    looks: int = 1


class SightMonitor:
    """Looks at a camera's frames. For one thread; `sight` may be read from others."""

    def __init__(self, name: str, masks: Sequence[Polygon] = (), memory: Path | None = None) -> None:
        """`name` is for the log; `memory`: the file that keeps at which hours it is dark."""
        self._name = name
        self._hours = DarkHours(memory)
        self._window = Window.of(masks)
        self._next_window: Window | None = None  # once masks have changed
        self.forget()

    def forget(self) -> None:
        """Begin anew: what the camera sees from now on is what it should see."""
        self.sight = SEES
        self._judge = SightJudge(self._window, Darkness(self._hours))
        self._looked_at: float | None = None
        self._suspicion: Suspicion | None = None
        self._told_at = 0.0
        self._sees_since: float | None = None

    def set_masks(self, masks: Sequence[Polygon]) -> None:
        """Look past other masks from the next look on; for any thread."""
        self._next_window = Window.of(masks)

    def update(self, image: Image, seconds: float, at: datetime, face_heights: Sequence[int] = ()) -> Sight:
        """Look at a frame, if it is time to; heights are in pixels, of the faces that were found in it."""
        window, self._next_window = self._next_window, None
        if window is not None:
            self._window = window
            self.forget()
        elapsed = 0.0 if self._looked_at is None else seconds - self._looked_at
        if self._looked_at is not None and elapsed < LOOK_SECONDS:
            return self.sight
        self._looked_at = seconds
        if elapsed > GAP_SECONDS:
            self._suspicion, elapsed = None, GAP_SECONDS
        near = max(face_heights, default=0) > NEAR * image.shape[0]
        self._take(self._judge.judge(View.of(image, self._window), elapsed, at, near=near), seconds, at)
        return self.sight

    def _take(self, finding: Finding, seconds: float, at: datetime) -> None:
        if finding.moves:
            self._suspicion = None
        self._suspect(finding.blindness, seconds, at)
        self._sees_since = (self._sees_since or seconds) if finding.sees else None
        suspicion = self._suspicion
        if suspicion and suspicion.looks >= MIN_LOOKS and seconds - suspicion.since >= TELL_SECONDS:
            self._tell(suspicion, seconds)
        elif self.sight.blindness and self._sees_since is not None and seconds - self._sees_since >= SEES_SECONDS:
            log.info("%s sees again", self._name)
            self.sight = SEES
        elif self.sight.blindness is Blindness.TURNED and seconds - self._told_at > FOLLOW_SECONDS:
            self.forget()

    def _suspect(self, blindness: Blindness | None, seconds: float, at: datetime) -> None:
        last = self._suspicion
        if blindness is None:
            if last is not None and seconds - last.seen_at > UNCLEAR_SECONDS:
                self._suspicion = None
        elif last is None:
            self._suspicion = Suspicion(blindness, seconds, at, seconds)
        else:
            self._suspicion = replace(last, blindness=blindness, seen_at=seconds, looks=last.looks + 1)

    def _tell(self, suspicion: Suspicion, seconds: float) -> None:
        if self.sight.blindness is suspicion.blindness:
            return
        if suspicion.blindness is Blindness.TURNED and self._judge.was_nudged():
            self._suspicion = None
            return
        since = self.sight.since or suspicion.since_at
        self.sight, self._told_at = Sight(suspicion.blindness, since), seconds
        log.warning("%s: %s", self._name, self.sight.problem)
