"""What must not be seen: polygons, blacked out before anything processes the frame."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from camera.config.polygons import Polygon, parse_polygons
from camera.config.settings import Settings
from camera.sources.frame import Image
from common.contract.capture import Box
from common.os_error import plain_reason
from common.runtime.files import atomic_write

log = logging.getLogger(__name__)

MASKED = (0, 0, 0)
AROUND = 0.15  # of a face's size, on each side: what a mask over it covers


class PrivacyMask:
    """Blacks out the same areas in every frame."""

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        """The areas, in shares of the frame."""
        self._polygons = polygons

    def __bool__(self) -> bool:
        """Whether there is anything to black out."""
        return bool(self._polygons)

    def apply(self, image: Image) -> None:
        """Black them out in the frame itself, so that nothing sees more by mistake."""
        height, width = image.shape[:2]
        for polygon in self._polygons:
            corners = np.array([(round(x * width), round(y * height)) for x, y in polygon], np.int32)
            cv2.fillPoly(image, [corners], MASKED)


def all_polygons(settings: Settings) -> list[Polygon]:
    """What MASKS says, and what was masked on the live page."""
    return [*parse_polygons(settings.masks), *saved_polygons(settings)]


def saved_polygons(settings: Settings) -> tuple[Polygon, ...]:
    """What was masked on the live page."""
    file = _saved_file(settings)
    try:
        return parse_polygons(_saved_text(file))
    except (OSError, ValueError) as error:
        words = "The masks in %s cannot be read (%s): delete the file and mask again"
        log.error(words, file, plain_reason(error))  # noqa: TRY400
        return ()


def replace_masks(settings: Settings, polygons: Sequence[Polygon]) -> None:
    """Mask these, and nothing else besides what MASKS says, from now on; raises OSError."""
    _write(_saved_file(settings), map(_text, polygons))


def save_masks(settings: Settings, boxes: Sequence[Box], size: tuple[int, int]) -> None:
    """Mask these boxes, in pixels of a frame of this width and height, from now on; raises OSError."""
    file = _saved_file(settings)
    _write(file, [*_saved_text(file).split(";"), *(_text(_around(box, size)) for box in boxes)])


def _saved_text(file: Path) -> str:
    return file.read_text(encoding="ascii").strip() if file.exists() else ""


def _write(file: Path, texts: Iterable[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(file, ";".join(filter(None, texts)).encode(), mode=0o600)


def _saved_file(settings: Settings) -> Path:
    return settings.spool_dir / f"masks-{settings.camera_name}.txt"


def _text(polygon: Polygon) -> str:
    return ":".join(f"{round(x, 4)},{round(y, 4)}" for x, y in polygon)


def _around(box: Box, size: tuple[int, int]) -> Polygon:
    across, down = box.width * AROUND, box.height * AROUND
    left, right = (_share(x, size[0]) for x in (box.x - across, box.x + box.width + across))
    top, bottom = (_share(y, size[1]) for y in (box.y - down, box.y + box.height + down))
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _share(pixels: float, of: int) -> float:
    return min(1.0, max(0.0, pixels / of))
