"""Faces that never move: posters, photographs on a shelf, screens. Each is furniture until it changes."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.pipeline.tracking.detector import Detection
from camera.pipeline.tracking.track import iou
from camera.sources.frame import Image
from common.contract.capture import Box

STILL_SECONDS = 60.0  # nobody keeps every pixel of the face still for so long
SUSPECT_SECONDS = 8.0  # until then, no further shot of what has not moved yet
SAMPLE_SECONDS = 0.5
SEEN_SECONDS = 25.0  # the live page shows what was found so recently: three searches of a quiet place may miss it
MAX_REGISTERED = 16
SAME_PLACE = 0.4  # intersection over union
SIDE, BLOCKS, SPREAD = 48, 6, 5.0  # pixels of a patch, blocks of it, and the Gaussian that takes its light away
MIN_CONTRAST = 4.0  # grey levels: less is noise, or the lamp is off
MAX_DIFFERENCE = 0.45  # of a block, in standard deviations: above the noise of a webcam (measured 0.1 to 0.3)
SAME_BLOCKS = 0.6  # of a picture that somebody stands before in part

Patch = NDArray[np.float32]


@dataclass(slots=True)
class StillFace:
    """A face that does not move."""

    box: Box
    patch: Patch
    seen_at: float


@dataclass(slots=True)
class _Watch:
    box: Box
    patch: Patch
    since: float
    sampled_at: float


class StillFaces:
    """Watches tracked faces for movement, and registers those that have none. For one camera."""

    def __init__(self) -> None:
        self._watches: dict[str, _Watch] = {}  # by track
        self._registered: list[StillFace] = []

    def boxes(self, now: float) -> list[Box]:
        """Where still faces were found a moment ago."""
        return [face.box for face in self._registered if now - face.seen_at <= SEEN_SECONDS]

    def take_out(self, image: Image, detections: list[Detection], now: float) -> list[Detection]:
        """Note which still faces are in the frame; return the detections that are of none of them."""
        others = []
        for detection in detections:
            face = self._find(image, detection)
            if face is None:
                others.append(detection)
            else:
                face.seen_at = now
        return others

    def watch(self, image: Image, track: str, box: Box, now: float) -> float:
        """For how many seconds nothing has moved in a track's face, by this frame."""
        watch = self._watches.get(track)
        if watch is None:
            self._watches[track] = _Watch(box, _patch(image, box), now, now)
            return 0.0
        if now - watch.sampled_at >= SAMPLE_SECONDS:
            watch.sampled_at = now
            if _same_share(watch.patch, _patch(image, watch.box)) < 1:
                self._watches[track] = _Watch(box, _patch(image, box), now, now)
                return 0.0
        return now - watch.since

    def register(self, track: str, now: float) -> None:
        """Ignore a track's face from now on where it hangs."""
        watch = self._watches.pop(track)
        others = [face for face in self._registered if iou(face.box, watch.box) < SAME_PLACE]
        self._registered = others[-MAX_REGISTERED + 1 :]
        self._registered.append(StillFace(watch.box, watch.patch, now))

    def forget(self, track: str) -> None:
        """A track has ended."""
        self._watches.pop(track, None)

    def _find(self, image: Image, detection: Detection) -> StillFace | None:
        """Find the still face that a detection is of, as long as it looks as it did."""
        face = next((face for face in self._registered if iou(face.box, detection.box) >= SAME_PLACE), None)
        if face is None or _same_share(face.patch, _patch(image, face.box)) < SAME_BLOCKS:
            return None
        return face


def _patch(image: Image, box: Box) -> Patch:
    """A face without its light: local differences in units of local contrast."""
    face = image[max(0, box.y) : box.y + box.height, max(0, box.x) : box.x + box.width]
    grey = cv2.cvtColor(cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    rough = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1)
    detail = rough - cv2.GaussianBlur(rough, (0, 0), SPREAD)
    contrast = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), SPREAD)) + MIN_CONTRAST
    return np.asarray(detail / contrast, np.float32)


def _same_share(one: Patch, other: Patch) -> float:
    """The share of blocks in which two patches differ by no more than noise."""
    blocks = cv2.resize(cv2.absdiff(one, other), (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
    return float(np.mean(blocks <= MAX_DIFFERENCE))
