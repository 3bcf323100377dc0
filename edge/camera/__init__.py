"""The edge half: a camera sees a face, and its picture is on its way to the cloud."""

import os

from common.runtime import quiet_start

quiet_start.install()
# OpenCV reads these once. By default it writes messages of its own to stderr.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
