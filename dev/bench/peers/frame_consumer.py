"""Look for faces in a video as others do, in real time: `FILE haar|yunet|motion-first RATE`."""

import sys
import time
from collections.abc import Callable, Iterator
from typing import cast

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

from camera.pipeline.tracking.detector import model_path

MIN_SCORE = 0.7
Image = NDArray[np.uint8]
Faces = NDArray[np.float32]  # YuNet's 15 numbers, of one face or of several
Look = Callable[[Image], object]
Square = tuple[int, int, int]  # x, y, side


def haar() -> Look:
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    return lambda frame: cascade.detectMultiScale(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), 1.1, 5, minSize=(56, 56))


def yunet(width: int, height: int) -> Look:
    detector = cv2.FaceDetectorYN.create(str(model_path()), "", (width, height), MIN_SCORE)
    return detector.detect


class MotionFirst:
    """Look where something moved, and where a face was last: Frigate's order and numbers, from its documentation.

    https://docs.frigate.video/configuration/motion_detection has the numbers. A known face that stays where it is gets
    a look every 50 frames. Frigate's own model is for objects of all kinds; here YuNet looks at squares of 320 pixels.
    """

    SIDE = 320
    HEIGHT = 100  # of the picture that motion is looked for in
    THRESHOLD = 30
    MIN_AREA = 10
    WEIGHT = 0.01  # of a frame in the average
    STATIONARY, INTERVAL = 50, 50  # frames

    def __init__(self) -> None:
        self._detector = cv2.FaceDetectorYN.create(str(model_path()), "", (self.SIDE, self.SIDE), MIN_SCORE)
        self._average: Faces | None = None
        self._faces: list[Faces] = []
        self._number, self._still = 0, 0

    def __call__(self, frame: Image) -> None:
        self._number += 1
        squares = [*self._moved(frame), *self._known(frame)]
        if not squares:
            return
        found = _distinct([face for square in squares for face in self._detect(frame, square)])
        stays = len(found) == len(self._faces) and all(map(_overlap, found, self._faces))
        self._still = self._still + 1 if stays else 0
        self._faces = found

    def _moved(self, frame: Image) -> Iterator[Square]:
        """Find the part with all that differs from the average."""
        scale = frame.shape[0] / self.HEIGHT
        small = cv2.resize(frame, (round(frame.shape[1] / scale), self.HEIGHT), interpolation=cv2.INTER_LINEAR)
        grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (3, 3), 0)
        if self._average is None:
            self._average = grey.astype(np.float32)
        differs = cv2.threshold(cv2.absdiff(grey, cv2.convertScaleAbs(self._average)), self.THRESHOLD, 255, 0)[1]
        grown = cv2.dilate(differs, np.ones((3, 3), np.uint8), iterations=2)
        outlines = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
        boxes = [cv2.boundingRect(each) for each in outlines if cv2.contourArea(each) > self.MIN_AREA]
        cv2.accumulateWeighted(grey, self._average, self.WEIGHT)
        if boxes:
            corners = np.array([(x, y, x + wide, y + high) for x, y, wide, high in boxes]) * scale
            yield self._around(frame, *corners[:, :2].min(0), *corners[:, 2:].max(0))

    def _known(self, frame: Image) -> Iterator[Square]:
        if self._still < self.STATIONARY or self._number % self.INTERVAL == 0:
            for x, y, wide, high in (face[:4] for face in self._faces):
                yield self._around(frame, x, y, x + wide, y + high)

    def _around(self, frame: Image, left: float, top: float, right: float, bottom: float) -> Square:
        side = int(min(max(self.SIDE, 1.35 * (right - left), 1.35 * (bottom - top)), *frame.shape[:2]))
        x, y = int((left + right - side) / 2), int((top + bottom - side) / 2)
        return min(max(0, x), frame.shape[1] - side), min(max(0, y), frame.shape[0] - side), side

    def _detect(self, frame: Image, square: Square) -> Iterator[Faces]:
        x, y, side = square
        part = cv2.resize(frame[y : y + side, x : x + side], (self.SIDE, self.SIDE))
        found = cast("Faces | None", self._detector.detect(part)[1])
        for face in [] if found is None else found:
            face[:4] = face[:4] * (side / self.SIDE) + np.array([x, y, 0, 0], np.float32)
            yield face


def _distinct(faces: list[Faces]) -> list[Faces]:
    """Keep one of those that two squares show."""
    boxes = [[float(value) for value in face[:4]] for face in faces]
    kept = cv2.dnn.NMSBoxes(boxes, [float(face[14]) for face in faces], 0.0, 0.4)
    return [faces[int(index)] for index in kept]


def _overlap(one: Faces, other: Faces) -> bool:
    return bool(np.abs(one[:2] - other[:2]).max() < one[2] / 10)


def main() -> None:
    file, kind, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
    cv2.setNumThreads(1)
    video = cv2.VideoCapture(file)
    size = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    makers: dict[str, Callable[[], Look]] = {"haar": haar, "yunet": lambda: yunet(*size), "motion-first": MotionFirst}
    look = makers[kind]()
    began, number = time.monotonic(), 0
    while True:
        good, frame = video.read()
        if not good:
            video = cv2.VideoCapture(file)
            continue
        look(np.asarray(frame, np.uint8))
        number += 1
        time.sleep(max(0.0, began + number / rate - time.monotonic()))


if __name__ == "__main__":
    main()
