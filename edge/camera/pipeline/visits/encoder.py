"""Making a capture: the image of a face, cropped from the full frame and encoded."""

from dataclasses import dataclass, replace
from datetime import datetime

import cv2

from camera.pipeline.face.portrait import brighten, portrait
from camera.pipeline.face.quality import Quality
from camera.pipeline.tracking.detector import Detection
from camera.sources.frame import Frame, Image
from common.contract.capture import WHOLE_FRAME, Capture, CaptureMetadata, ShotKind, TrackInfo
from common.contract.times import whole_milliseconds

JPEG_QUALITY = 95  # people look at the faces; 95 costs 40 % more bytes than 90


@dataclass(frozen=True, slots=True)
class ShotCandidate:
    """A face as it was cropped from its frame, not encoded yet."""

    image: Image
    captured_at: datetime  # whole milliseconds
    detection: Detection
    quality: float  # 0 to 1
    track: str
    frame: int  # its number in the source
    poor: str | None = None  # why it is no good shot
    judged: Quality | None = None  # what the quality is made of

    @property
    def facing(self) -> float:
        """0 to 1: 1 looks here."""
        return self.judged.pose if self.judged else 1.0

    def rejudged(self, judged: Quality, poor: str | None) -> "ShotCandidate":
        """The same shot with another quality."""
        return replace(self, quality=judged.score, poor=poor, judged=judged)


@dataclass(frozen=True, slots=True)
class CaptureEncoder:
    """How captures are cropped and encoded."""

    camera: str
    whole_frame: bool
    margin: float  # share of the face's size added on each side
    image_format: str  # png or jpeg
    brighten: bool = False  # crops of dark faces
    timezone: str = ""  # where the camera is; empty for unknown

    def crop(self, frame: Frame, detection: Detection, quality: float, track: str, tilt: float = 0.0) -> ShotCandidate:
        """Crop one face from a frame; a copy, since the frame's own memory is used again. `tilt`: degrees."""
        cropped = frame.image.copy() if self.whole_frame else portrait(frame.image, detection.box, tilt, self.margin)
        return ShotCandidate(cropped, whole_milliseconds(frame.captured_at), detection, quality, track, frame.number)

    def encode(self, shot: ShotCandidate, kind: ShotKind) -> Capture:
        """Make a capture of a shot; `kind` says why it is kept."""
        image, gain = shot.image, 1.0
        if self.brighten and not self.whole_frame and shot.judged:
            image, gain = brighten(image, shot.judged.brightness)
        metadata = CaptureMetadata(
            camera=self.camera,
            captured_at=shot.captured_at,
            box=shot.detection.box,
            score=shot.detection.score,
            track=TrackInfo(shot.track, kind, round(shot.quality, 3)) if shot.track else None,
            poor=shot.poor,
            brightened=round(gain, 1) if gain > 1 else None,
            timezone=self.timezone or None,
            picture=WHOLE_FRAME if self.whole_frame else None,
        )
        return Capture.create(metadata, encode(image, self.image_format), shot.frame)


def encode(image: Image, image_format: str) -> bytes:
    """PNG at OpenCV's default compression, its fastest, or JPEG."""
    if image_format == "png":
        _, encoded = cv2.imencode(".png", image)
    else:
        _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()
