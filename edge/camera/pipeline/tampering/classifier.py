"""What seems to be wrong in one frame: dark, covered, defocused, turned away or frozen."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np

from camera.pipeline.tampering.darkness import Darkness
from camera.pipeline.tampering.reference import MIN_CELLS, Comparison, Reference, floor
from camera.pipeline.tampering.view import HEIGHT, WIDTH, View, Window, correlations, noise_between
from camera.sources.frame import Image
from common.contract.status import Blindness

TYPICAL_NOISE = 0.2  # grey levels of the details
GONE_ELSEWHERE = 0.2  # of the cells agree, at most, when the usual view is gone
CLEAR_SHARE = 0.4  # of the cells agree: the camera sees what it should
COVERED_SHARE = 0.7  # of the cells have no details left: something lies before the lens
STILL_SHARE, STILL_CORRELATION = (
    0.6,
    0.6,
)  # of the cells correlate so well; somebody who stands near moves
UNSHARP, SHAPE_KEPT = 0.6, 0.85
EVEN = 0.1  # of the cells have details, at most, in a picture without anything in it
NUDGED = 0.15  # of the picture: a camera that moved so little still looks where it should


@dataclass(frozen=True, slots=True)
class TamperingResult:
    """What one frame says."""

    blindness: Blindness | None
    is_clear: bool = False  # it sees what it should; neither of both is unclear
    moves: bool = False  # what is in the way: somebody near, not something on the lens


class TamperingClassifier:
    """Compares each frame with what the camera usually sees."""

    def __init__(self, window: Window, darkness: Darkness) -> None:
        self._window, self._darkness = window, darkness
        self._reference = Reference(window)
        self._last: View | None = None
        self._usual: Image | None = None  # the last picture that was as usual
        self._elsewhere: View | None = None  # what a camera that was turned sees now
        self._noises = deque[float]([TYPICAL_NOISE], maxlen=20)

    def process(self, view: View, elapsed: float, at: datetime, *, near: bool) -> TamperingResult:
        """Classify a frame, so many seconds after the last one; `near`: somebody's face fills much of it."""
        last, self._last = self._last, view
        is_same = last is not None and np.array_equal(view.picture, last.picture)
        noise = float(np.median(self._noises))
        compared = self._reference.compare(view, noise)
        if self._is_even(view, noise) and (compared.cells < MIN_CELLS or compared.agree < CLEAR_SHARE):
            blindness = self._darkness.judge(view.brightness, self._reference.brightness, elapsed, at)
            result = TamperingResult(blindness)
        else:
            self._darkness.end(view.brightness, elapsed, at)
            frozen = TamperingResult(Blindness.FROZEN)
            result = frozen if is_same else self._judge(view, compared, elapsed, noise, near=near)
        if last is not None and not is_same and (result.is_clear or not self._reference.is_ready or view.is_noise):
            self._noises.append(min(noise_between(last, view), view.most_noise))
        return result

    def _judge(self, view: View, compared: Comparison, elapsed: float, noise: float, *, near: bool) -> TamperingResult:
        """Judge a picture with something in it, and learn from what is as usual."""
        earlier, self._elsewhere = self._elsewhere, None
        if compared.cells < MIN_CELLS:
            self._learn(view, elapsed, noise)
            return TamperingResult(None, is_clear=True)
        blindness = None
        if self._reference.is_ready and not near:
            blindness = self._blindness(view, compared, earlier, noise)
        if blindness is None and not near and compared.agree > GONE_ELSEWHERE:
            self._learn(view, elapsed, noise)
        is_clear = blindness is None and compared.agree >= CLEAR_SHARE
        return TamperingResult(blindness, is_clear, moves=blindness is None and self._elsewhere is not None)

    def _learn(self, view: View, elapsed: float, noise: float) -> None:
        self._reference.learn(view, elapsed, noise)
        self._usual = view.picture

    def relearn(self) -> None:
        """Take the view from now on for the usual one."""
        self._reference = Reference(self._window)

    def is_nudged(self) -> bool:
        """Whether the camera only moved a little."""
        if self._usual is None or self._last is None:
            return False
        usual, now = self._usual.astype(np.float32), self._last.picture.astype(np.float32)
        (x, y), _ = cv2.phaseCorrelate(usual, now, cv2.createHanningWindow((WIDTH, HEIGHT), cv2.CV_32F))
        if abs(x) > NUDGED * WIDTH or abs(y) > NUDGED * HEIGHT:
            return False
        back = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
        moved = cv2.warpAffine(self._last.picture, back, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
        view = View.of(cv2.merge([moved] * 3), self._window)
        return self._reference.compare(view, float(np.median(self._noises))).agree >= CLEAR_SHARE

    def _is_even(self, view: View, noise: float) -> bool:
        structured = view.structure[self._window.cells] >= floor(noise)
        return bool(structured.size and structured.mean() < EVEN)

    def _blindness(self, view: View, compared: Comparison, earlier: View | None, noise: float) -> Blindness | None:
        if compared.agree > GONE_ELSEWHERE and compared.lost < COVERED_SHARE:
            return Blindness.DEFOCUSED if compared.sharpness < UNSHARP else None
        if earlier is None or not self._is_still(view, earlier, noise):
            self._elsewhere = view
            return None
        self._elsewhere = earlier
        if compared.lost < COVERED_SHARE:
            return Blindness.TURNED
        return Blindness.DEFOCUSED if compared.shape >= SHAPE_KEPT else Blindness.COVERED

    def _is_still(self, view: View, earlier: View, noise: float) -> bool:
        cells = self._window.cells & (view.structure >= floor(noise))
        if int(cells.sum()) < MIN_CELLS:
            return True
        agreement = correlations(view.details[cells], earlier.details[cells])
        return float((agreement >= STILL_CORRELATION).mean()) >= STILL_SHARE
