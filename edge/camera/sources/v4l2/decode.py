"""Images from what a camera sends: JPEGs, H.264 and raw pixels."""

from __future__ import annotations

from typing import Any

from camera.sources.bgr import BgrConverter
from camera.sources.frame import Image
from camera.sources.v4l2.device import CaptureFormat
from camera.sources.v4l2.jpeg import decode
from camera.sources.v4l2.raw import RAW, decode_raw

COMPRESSED = ("MJPG", "JPEG")
VIDEO = ("H264",)  # where each image builds on those before
GREY = ("GREY", "Y16 ")
# Compressed first: raw frames of a useful size do not fit USB 2. Without color last.
PIXEL_FORMATS = (*COMPRESSED, *(fourcc for fourcc in RAW if fourcc not in GREY), *VIDEO, *GREY)


class FrameDecoder:
    """Decodes what one stream sends."""

    def __init__(self, capture_format: CaptureFormat) -> None:
        self._format = capture_format
        self.needs_every_frame = capture_format.fourcc in VIDEO
        self._video = VideoDecoder() if self.needs_every_frame else None

    def decode(self, content: bytes) -> Image | None:
        """A frame as an image, BGR; None if it is damaged."""
        if self._video is not None:
            return self._video.decode(content)
        if self._format.fourcc in COMPRESSED:
            return decode(content)
        return decode_raw(content, self._format)


class VideoDecoder:
    """Decodes H.264. There is no image before the first whole one."""

    def __init__(self) -> None:
        import av  # noqa: PLC0415 -- loaded where it is used, it takes memory

        self._av: Any = av
        self._codec: Any = av.CodecContext.create("h264", "r")
        self._codec.flags |= av.codec.context.Flags.low_delay
        self._converter = BgrConverter()

    def decode(self, content: bytes) -> Image | None:
        """The newest image, BGR; None if there is none, or it is damaged."""
        try:
            frames = self._codec.decode(self._av.Packet(content))
        except self._av.error.FFmpegError:
            return None
        if not frames or frames[-1].is_corrupt or frames[-1].interlaced_frame:
            return None
        return self._converter.convert(frames[-1])
