"""Motion detection: far cheaper than face detection."""

from collections.abc import Sequence

import cv2
import numpy as np

from camera.sources.frame import Image
from common.contract.capture import Box

WIDTH, HEIGHT = 160, 120
PIXEL_THRESHOLD = 12  # grey levels, after the blur: above a sensor's noise
MIN_CHANGED_SHARE = 0.0008  # of the frame: what is left of a pale face of 56 pixels in a frame of 1280
BACKGROUND_ALPHA = 0.1  # how fast the background adapts to what is there now
# A face that was there from the start does not move: all is searched again so soon while anything has changed lately,
# and else after the longer time. A background has little noise: it shows what the gate cannot, as somebody in the dark.
RESCAN_SECONDS, MAX_RESCAN_SECONDS, LATELY_SECONDS = 2.0, 8.0, 10.0
BACKGROUND_THRESHOLD = 2.0  # grey levels
# What moves with a known face, in its heights and widths: the head, and the body below, each so far to either side.
HAIR, CHIN, HEAD, BODY = 0.75, 1.2, 0.9, 2.0


class MotionDetector:
    """Compares each frame with a running mean of the frames before it (about 0.05 ms a frame)."""

    def __init__(self) -> None:
        """Start without a background, so the first frame counts as motion."""
        self.is_still = False  # nothing moved in the last frame
        self._background: Image = np.zeros((0, 0), np.float32)  # empty before the first frame
        self._changed: Image = np.zeros((HEIGHT, WIDTH), np.uint8)  # since `moves_apart` was asked
        self._searched_at = float("-inf")
        self._searched = self._background  # as it was then
        self._changed_at = float("-inf")  # something moved, somebody was there, or the background was another

    def update(self, image: Image, now: float, *, has_active_tracks: bool) -> bool:
        """Learn from a frame; return whether to search it for faces.

        That is so while something moves, while somebody is there, and now and then.
        """
        self.is_still = not self._update_background(image)
        if not self.is_still or has_active_tracks:
            self._changed_at = now
        if self.is_still and not has_active_tracks and not self._is_rescan_due(now):
            return False
        self._searched_at, self._searched = now, self._background.copy()
        return True

    def moves_apart(self, boxes: Sequence[Box], size: tuple[int, int]) -> bool:
        """Whether anything moved since this was asked last, apart from the people whose faces these are.

        Boxes are in pixels of a frame of this size (width, height).
        """
        changed, self._changed = self._changed, np.zeros((HEIGHT, WIDTH), np.uint8)
        across, down = WIDTH / size[0], HEIGHT / size[1]
        for box in boxes:
            top, chin = (max(0, round((box.y + share * box.height) * down)) for share in (-HAIR, CHIN))
            for first, last, aside in ((top, chin, HEAD), (chin, HEIGHT, BODY)):
                sides = (box.x + (0.5 - aside) * box.width, box.x + (0.5 + aside) * box.width)
                left, right = (max(0, round(side * across)) for side in sides)
                changed[first:last, left:right] = 0
        return _is_motion(changed)

    def _is_rescan_due(self, now: float) -> bool:
        seconds = now - self._searched_at
        if seconds < RESCAN_SECONDS:
            return False
        if self._has_background_changed():
            self._changed_at = now
        return seconds >= MAX_RESCAN_SECONDS or now - self._changed_at < LATELY_SECONDS

    def _has_background_changed(self) -> bool:
        """Whether it is another than when all was searched last."""
        return _is_motion(np.asarray(cv2.absdiff(self._background, self._searched) > BACKGROUND_THRESHOLD, np.uint8))

    def _update_background(self, image: Image) -> bool:
        """Add a frame to the background; return whether it differs from what was there."""
        small = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (5, 5), 0)
        if not self._background.size:
            self._background = grey.astype(np.float32)
            return True
        difference = cv2.absdiff(grey, cv2.convertScaleAbs(self._background))
        changed = cv2.threshold(difference, PIXEL_THRESHOLD, 255, cv2.THRESH_BINARY)[1]
        self._changed = cv2.bitwise_or(self._changed, changed)
        cv2.accumulateWeighted(grey, self._background, BACKGROUND_ALPHA)
        return _is_motion(changed)


def _is_motion(changed: Image) -> bool:
    return cv2.countNonZero(changed) / changed.size >= MIN_CHANGED_SHARE
