"""How well faces are found, next to Haar's cascade, and what is kept of each visit, by independent measures."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import cv2.data
import numpy as np

from camera.config.settings import Settings
from camera.pipeline.tracking.detector import FaceDetector
from camera.sources.frame import Image
from dev.bench.figures.measure import Figure
from dev.bench.figures.plot import bars
from dev.bench.figures.report import Report, Table
from dev.bench.figures.shots import shots_table
from dev.scripts.environment import ROOT

MEDIA = ROOT.parent / "shared" / "media"
RIGHT = 0.5  # intersection over union
SIZES = {"all": (0, 10_000), "under 56 px high": (0, 56), "56 to 112 px": (56, 112), "from 112 px": (112, 10_000)}
LOW_SCORE = 0.3  # for the curve; the camera's own threshold is for precision and recall

Box = list[float]  # x, y, width, height
Scored = tuple[float, Box]


@dataclass(frozen=True, slots=True)
class Picture:
    """One labelled picture."""

    image: Image
    faces: list[Box]
    ignored: list[Box]


@dataclass(frozen=True, slots=True)
class Score:
    """How a detector did."""

    precision: float
    recall: float
    average_precision: float


def run(_folder: Path) -> Report:
    """Nothing here depends on time: one run says all."""
    if not MEDIA.is_dir():
        return Report("quality", "How well faces are found", (), (f"Left out: there is no {MEDIA.name} folder here.",))
    pictures = list(_pictures())
    shipped = Settings()
    detectors: dict[str, tuple[Callable[[Image], list[Scored]], float]] = {
        f"ours (MIN_FACE_PX={shipped.min_face_px})": (_ours(shipped.min_face_px), shipped.min_score),
        "ours, MIN_FACE_PX=28": (_ours(28), shipped.min_score),
        "Haar, frontal face": (_haar("haarcascade_frontalface_default.xml"), 0.0),
        "Haar, frontal face alt2": (_haar("haarcascade_frontalface_alt2.xml"), 0.0),
    }
    found = {name: [detect(picture.image) for picture in pictures] for name, (detect, _) in detectors.items()}
    rows, precisions = [], {}
    for name, (_, least) in detectors.items():
        scores = {size: _score(pictures, found[name], least, bounds) for size, bounds in SIZES.items()}
        whole = scores["all"]
        rows.append(
            (
                name,
                *(f"{value:.3f}" for value in (whole.precision, whole.recall, whole.average_precision)),
                *(f"{scores[size].recall:.3f}" for size in list(SIZES)[1:]),
            )
        )
        precisions[name] = Figure((whole.average_precision,))
    faces = [face for picture in pictures for face in picture.faces]
    counts = [sum(low <= face[3] < high for face in faces) for low, high in list(SIZES.values())[1:]]
    columns = (
        "",
        "precision",
        "recall",
        "AP",
        *(f"recall, {size} ({count})" for size, count in zip(list(SIZES)[1:], counts, strict=True)),
    )
    caption = f"{len(pictures)} pictures with {len(faces)} faces, right at an IoU of {RIGHT}:"
    notes = (
        "Precision and recall at the shipped threshold (YuNet) or three neighbours (Haar); AP over all scores.",
        "Haar marks squares. Making them as narrow as faces, or lower, changes nothing here: 72 such ways were tried.",
        "Crisp: the Laplacian at the face's own size. Frontal: the nose between the ears, by BlazeFace.",
        "Degrees off: so much further to the side than the most frontal tenth of the visit, by the same measure.",
        "Possible in both: what the frame reaches in both at once that is best by these measures themselves.",
    )
    plot = bars("Average precision", "IoU 0.5", {"": precisions})
    return Report(
        "quality",
        "How well faces are found",
        (Table(caption, columns, tuple(rows)), shots_table(MEDIA)),
        notes,
        {"quality": plot},
    )


def _pictures() -> list[Picture]:
    labels = json.loads((MEDIA / "labels.json").read_text(encoding="utf-8"))
    found = [
        Picture(_read(MEDIA / entry["file"]), entry["faces"], entry.get("ignore", [])) for entry in labels["stills"]
    ]
    for entry in labels["video_frames"]:
        video = cv2.VideoCapture(str(MEDIA / entry["video"]))
        for _ in range(entry["frame"]):
            video.grab()
        found.append(Picture(video.read()[1], entry["faces"], entry.get("ignore", [])))
    return found


def _read(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise FileNotFoundError(path)
    return image


def _ours(min_face_px: int) -> Callable[[Image], list[Scored]]:
    detector = FaceDetector(min_face_px, LOW_SCORE)

    def detect(image: Image) -> list[Scored]:
        return [
            (each.score, [each.box.x, each.box.y, each.box.width, each.box.height]) for each in detector.detect(image)
        ]

    return detect


def _haar(name: str) -> Callable[[Image], list[Scored]]:
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + name)

    def detect(image: Image) -> list[Scored]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        boxes, _, weights = cascade.detectMultiScale3(grey, 1.1, 3, minSize=(28, 28), outputRejectLevels=True)
        return [
            (float(weight), [float(side) for side in box]) for box, weight in zip(boxes, np.ravel(weights), strict=True)
        ]

    return detect


def _score(pictures: list[Picture], found: list[list[Scored]], least: float, bounds: tuple[int, int]) -> Score:
    """Match greedily, the best_score first; faces of other sizes count neither way."""
    marks: list[tuple[float, bool]] = []
    total = 0
    for picture, detections in zip(pictures, found, strict=True):
        open_faces = [face for face in picture.faces if bounds[0] <= face[3] < bounds[1]]
        others = picture.ignored + [face for face in picture.faces if face not in open_faces]
        total += len(open_faces)
        for score, box in sorted(detections, reverse=True):
            hit = max(open_faces, key=lambda face: _overlap(box, face), default=None)
            if hit is not None and _overlap(box, hit) >= RIGHT:
                open_faces.remove(hit)
                marks.append((score, True))
            elif not any(_overlap(box, other) >= RIGHT for other in others):
                marks.append((score, False))
    chosen = [right for score, right in marks if score >= least]
    precision = sum(chosen) / len(chosen) if chosen else 0.0
    return Score(precision, sum(chosen) / total if total else 0.0, _average_precision(marks, total))


def _average_precision(marks: list[tuple[float, bool]], total: int) -> float:
    """The area below the curve of precision over recall, made monotonic, as PASCAL VOC has it since 2010."""
    right = np.cumsum([mark[1] for mark in sorted(marks, reverse=True)])
    if not total or not len(right):
        return 0.0
    precision = np.maximum.accumulate((right / np.arange(1, len(right) + 1))[::-1])[::-1]
    recall = np.concatenate([[0], right / total])
    return float(np.sum(np.diff(recall) * precision))


def _overlap(one: Box, other: Box) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)
