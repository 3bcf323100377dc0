"""Images from the frames of FFmpeg's decoders."""

from __future__ import annotations

from typing import Any

import numpy as np

from camera.sources.frame import Image

# FFmpeg would start a thread for each CPU, for each frame: more work than the frame itself, and no frame at all where
# a container may have no more of them.
THREADS = 1


class BgrConverter:
    """Converts frames, all with what FFmpeg prepares for the first of them. For one thread."""

    def __init__(self) -> None:
        """Nothing is prepared yet."""
        from av.video.reformatter import VideoReformatter  # noqa: PLC0415 -- loaded where it is used, it takes memory

        self._reformatter: Any = VideoReformatter()

    def convert(self, frame: Any) -> Image:
        """A frame's pixels, BGR; raises FFmpegError or ValueError if there is no such conversion."""
        converted = self._reformatter.reformat(frame, format="bgr24", threads=THREADS)
        image: Image = np.ascontiguousarray(converted.to_ndarray())
        return image
