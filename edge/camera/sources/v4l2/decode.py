"""Images from what a camera sends: JPEGs, H.264 and raw pixels."""

from __future__ import annotations

from typing import Any

from camera.sources.decoding.bgr import BgrConverter
from camera.sources.decoding.doubt import Doubt
from camera.sources.frame import Image
from camera.sources.v4l2.device import CaptureFormat
from camera.sources.v4l2.jpeg import decode
from camera.sources.v4l2.raw import RAW, decode_raw

COMPRESSED = ("MJPG", "JPEG")
VIDEO = ("H264",)  # where each image builds on those before
GREY = ("GREY", "Y16 ")
START_CODE, NAL_TYPE, SLICES = b"\0\0\1", 0x1F, range(1, 6)  # of H.264: Annex B, and table 7-1
# Compressed first: raw frames of a useful size do not fit USB 2. Without color last.
PIXEL_FORMATS = (*COMPRESSED, *(fourcc for fourcc in RAW if fourcc not in GREY), *VIDEO, *GREY)
# After damage: a few seconds. Some cameras send a frame that stands alone every ten, and what moves is soon drawn anew.
MAX_REFUSED_FRAMES = 60


class FrameDecoder:
    """Decodes what one stream sends."""

    def __init__(self, capture_format: CaptureFormat) -> None:
        self._format = capture_format
        self.needs_every_frame = capture_format.fourcc in VIDEO
        self._video = VideoDecoder() if self.needs_every_frame else None

    def decode(self, content: bytes, *, follows_loss: bool = False, damaged: bool = False) -> Image | None:
        """A frame as an image, BGR; None if it is damaged, or is drawn on top of what was damaged or lost."""
        if self._video is not None:
            return self._video.decode(content, follows_loss=follows_loss, damaged=damaged)
        if self._format.fourcc in COMPRESSED:
            return decode(content)
        return decode_raw(content, self._format)


class VideoDecoder:
    """Decodes H.264. There is no image before the first whole one, nor from damage to the next that stands alone."""

    def __init__(self) -> None:
        import av  # noqa: PLC0415 -- loaded where it is used, it takes memory

        self._av: Any = av
        self._codec: Any = av.CodecContext.create("h264", "r")
        self._codec.flags |= av.codec.context.Flags.low_delay
        self._codec.thread_count = 1  # threads for the slices of a frame keep the damage in one to themselves
        self._doubt = Doubt(MAX_REFUSED_FRAMES)
        self._packets = 0
        self._converter = BgrConverter()

    def decode(self, content: bytes, *, follows_loss: bool, damaged: bool) -> Image | None:
        """The newest image, BGR; None if there is none, or it is damaged."""
        if not _holds_picture(content):
            return None
        packet = self._av.Packet(content)
        self._packets += 1
        packet.pts = self._packets  # by which a frame that comes late is told from one after the damage
        if follows_loss:
            self._doubt.refuse(self._packets - 1)
        if damaged:
            self._doubt.refuse(self._packets)
        try:
            frames = self._codec.decode(packet)
        except (self._av.error.FFmpegError, ValueError):
            self._doubt.refuse(self._packets)
            return None
        whole = [frame for frame in frames if not self._doubt.covers(frame)]
        if not whole or whole[-1] is not frames[-1] or whole[-1].interlaced_frame:
            return None
        return self._converter.convert(whole[-1])


def _holds_picture(content: bytes) -> bool:
    """Whether any of it is a part of a picture, and not only a delimiter, filler or what is said of others."""
    at = content.find(START_CODE)
    while 0 <= at < len(content) - len(START_CODE):
        if content[at + len(START_CODE)] & NAL_TYPE in SLICES:
            return True
        at = content.find(START_CODE, at + 1)
    return False
