"""The contact sheet: what was kept of a video and what was not and why, as one HTML file to tune a camera by."""

import base64
from collections import Counter
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import cv2
import numpy as np

from camera.pipeline.analyzer import AnalysisResult, DetectedFace
from camera.sources.frame import Frame, Image
from common.contract.capture import Box, Capture

NAME = "contact-sheet.html"
THUMBNAIL_PX = 150  # high
THUMBNAIL_MARGIN = 0.3
MAX_NOT_KEPT = 5  # thumbnails of a visit, each for another reason
NOT_BETTER = "not better than what was kept"
STYLE = """body{font:14px/1.4 system-ui,sans-serif;margin:2em;color:#222;background:#fff}
h2{font-size:1.05em;margin:1.5em 0 .3em}
.row{display:flex;flex-wrap:wrap;gap:10px}
figure{margin:0;width:150px;border:3px solid #2f855a;border-radius:6px;padding:4px}
figure.poor{border-color:#b7791f}figure.not{border:3px dashed #a0aec0}figure.not img{opacity:.6}
img{height:150px;max-width:100%;object-fit:contain;display:block;margin:auto}figcaption{font-size:12px}"""


@dataclass(frozen=True, slots=True)
class _Thumbnail:
    jpeg: bytes
    quality: float
    caption: str


@dataclass(slots=True)
class _VisitRow:
    began: float  # seconds of the video
    kept: list[_Thumbnail] = field(default_factory=list)
    not_kept: dict[str, _Thumbnail] = field(default_factory=dict)  # the best one by reason
    frames: Counter[str] = field(default_factory=Counter)  # in which it was seen, by reason


class ContactSheet:
    """Collects thumbnails while a video is analyzed, a few for each visit, and writes them at its end."""

    def __init__(self, video: str) -> None:
        self._video = video
        self._rows: dict[str, _VisitRow] = {}  # by track

    def add_frame(self, frame: Frame, result: AnalysisResult) -> None:
        """Note the faces of a frame."""
        for face in filter(lambda each: each.track, result.faces):
            row = self._rows.setdefault(face.track, _VisitRow(frame.seconds))
            reason = face.rejected or NOT_BETTER
            row.frames[reason] += 1
            best = row.not_kept.get(reason)
            if best is None or face.quality > best.quality:
                row.not_kept[reason] = _thumbnail(frame, face, reason)

    def add_captures(self, result: AnalysisResult) -> None:
        """Note what was kept."""
        for capture in result.captures:
            track = capture.metadata.track
            if track and track.id in self._rows:
                self._rows[track.id].kept.append(_kept(capture))

    def write(self, folder: Path) -> Path:
        """Write the sheet into a folder, which is made if need be; raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / NAME
        path.write_text(self._html(), encoding="utf-8")
        return path

    def _html(self) -> str:
        kept = sum(len(row.kept) for row in self._rows.values())
        without = sum(not row.kept for row in self._rows.values())
        title = f"{escape(Path(self._video).name)}: {kept} captures of {len(self._rows)} faces, {without} without any"
        rows = "\n".join(_row_html(number, row) for number, row in enumerate(self._rows.values(), 1))
        head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        legend = "Whole frames: kept; broken frames: the best shot of each kind that was not kept, with the reason."
        return f"{head}<h1>{title}</h1><p>{legend}</p>\n{rows}\n</html>\n"


def _row_html(number: int, row: _VisitRow) -> str:
    seen = ", ".join(f"{count} {reason}" for reason, count in row.frames.most_common())
    heading = f"<h2>Face {number}, from {row.began:.1f} s: {len(row.kept)} kept; frames: {escape(seen)}</h2>"
    others = sorted(row.not_kept.values(), key=lambda each: -each.quality)[:MAX_NOT_KEPT]
    figures = [_figure(each, "kept") for each in row.kept] + [_figure(each, "not") for each in others]
    return f'{heading}<div class="row">{"".join(figures)}</div>'


def _figure(thumbnail: _Thumbnail, kind: str) -> str:
    data = base64.b64encode(thumbnail.jpeg).decode()
    image = f'<img alt="" src="data:image/jpeg;base64,{data}">'
    return f'<figure class="{kind}">{image}<figcaption>{escape(thumbnail.caption)}</figcaption></figure>'


def surroundings(image: Image, box: Box, margin: float) -> Image:
    """Cut out the face with a margin of its own size on each side, as far as the frame goes."""
    height, width = image.shape[:2]
    across, down = round(box.width * margin), round(box.height * margin)
    left, top = max(0, box.x - across), max(0, box.y - down)
    right, bottom = min(width, box.x + box.width + across), min(height, box.y + box.height + down)
    return image[top:bottom, left:right]


def _thumbnail(frame: Frame, face: DetectedFace, reason: str) -> _Thumbnail:
    caption = f"{reason}; {frame.seconds:.1f} s, quality {face.quality:.2f}, {face.box.height} px"
    return _Thumbnail(_jpeg(surroundings(frame.image, face.box, THUMBNAIL_MARGIN)), face.quality, caption)


def _kept(capture: Capture) -> _Thumbnail:
    track, quality = capture.metadata.track, 0.0
    words = []
    if track:
        quality = track.quality
        words = [track.shot, f"quality {quality:.2f}"]
    image = cv2.imdecode(np.frombuffer(capture.image, np.uint8), cv2.IMREAD_COLOR)
    jpeg = _jpeg(image) if image is not None else b""
    return _Thumbnail(jpeg, quality, ", ".join([*words, f"{capture.metadata.box.height} px"]))


def _jpeg(image: Image) -> bytes:
    scale = THUMBNAIL_PX / image.shape[0]
    size = max(1, round(image.shape[1] * scale)), THUMBNAIL_PX
    return cv2.imencode(".jpg", cv2.resize(image, size, interpolation=cv2.INTER_AREA))[1].tobytes()
