"""Where the face is in a picture of a whole frame, so that a thumbnail shows it and not a room."""

from collections.abc import Mapping

from common.contract.capture import WHOLE_FRAME, Box

AROUND = 2.0  # how many times the face's size a thumbnail shows
MAX_DIGITS = 40  # of a box; what an edge says may be anything

Area = tuple[int, int, int, int]  # left, top, right, bottom


def face_of(metadata: Mapping[str, str]) -> Box | None:
    """The face's box in the picture; None where the picture is a crop already, or nobody says."""
    if metadata.get("picture") != WHOLE_FRAME or len(metadata.get("box", "")) > MAX_DIGITS:
        return None
    try:
        box = Box.parse(metadata["box"])
    except (KeyError, ValueError):
        return None
    return box if box.width > 0 and box.height > 0 else None


def around(box: Box, width: int, height: int) -> Area | None:
    """A square of the picture with the face in its middle, if there is room; None for a face that is not in it."""
    if not (0 <= box.x < width and 0 <= box.y < height):
        return None
    side = round(min(AROUND * max(box.width, box.height), width, height))
    left = _within(box.x + box.width / 2 - side / 2, width - side)
    top = _within(box.y + box.height / 2 - side / 2, height - side)
    return left, top, left + side, top + side


def _within(start: float, most: int) -> int:
    return round(min(max(start, 0), most))
