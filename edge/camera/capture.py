"""Making a capture: the picture of a face, cut from the full frame and encoded."""

from dataclasses import dataclass
from datetime import datetime

import cv2

from camera.detector import Detection, Image
from camera.message import Box, Capture, describe, whole_milliseconds, with_description

JPEG_QUALITY = 95  # faces are kept to be looked at; 95 costs 40 % more bytes than 90


@dataclass(frozen=True, slots=True)
class Encoder:
    """How captures are cut and encoded."""

    camera: str
    whole_frame: bool
    margin: float  # share of the face's size added on each side
    image_format: str  # png or jpeg

    def capture(self, image: Image, captured_at: datetime, detection: Detection) -> Capture:
        """Cut one face out of a frame, (height, width, 3) BGR, and encode it with its description inside."""
        captured_at = whole_milliseconds(captured_at)
        cut = image if self.whole_frame else crop(image, detection.box, self.margin)
        description = describe(self.camera, captured_at, detection.box, detection.score)
        return Capture(
            camera=self.camera,
            captured_at=captured_at,
            box=detection.box,
            score=detection.score,
            image=with_description(encode(cut, self.image_format), description),
        )


def crop(image: Image, box: Box, margin: float) -> Image:
    """The face with a margin of its own size on each side, as far as the frame goes."""
    height, width = image.shape[:2]
    across, down = round(box.width * margin), round(box.height * margin)
    left, top = max(0, box.x - across), max(0, box.y - down)
    right, bottom = min(width, box.x + box.width + across), min(height, box.y + box.height + down)
    return image[top:bottom, left:right]


def encode(image: Image, image_format: str) -> bytes:
    """PNG at OpenCV's default (its fastest, see the notes' table) or JPEG."""
    if image_format == "png":
        _, encoded = cv2.imencode(".png", image)
    else:
        _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()
