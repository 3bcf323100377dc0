"""The edge half: a camera sees a face, and its picture is on its way to the cloud."""

import os

# OpenCV reads these once. Its defaults: 10 s until a dead USB camera is noticed, and messages of its own on stderr.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
