"""When a camera says that it sees nothing: its own parts before made footage."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from camera.pipeline.motion import MotionDetector
from camera.pipeline.tampering.monitor import TamperingMonitor
from camera.sources.frame import Image
from common.contract.status import Blindness

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def blind_times(frames: Iterable[tuple[Image, float]]) -> Iterator[tuple[float, Blindness]]:
    """The seconds and the cause of each frame that finds a camera blind; frames come with their seconds since noon."""
    monitor, motion = TamperingMonitor("made"), MotionDetector()
    for image, now in frames:
        motion.update(image, now, has_active_tracks=False)
        cause = monitor.update(image, now, NOON + timedelta(seconds=now), still=motion.is_still).cause
        if cause:
            yield now, cause
