"""The right source for each CAMERA_SOURCE."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from camera.config.settings import Settings
from camera.config.source_spec import DeviceSpec, FileSpec, NetworkSpec, SyntheticSpec
from camera.sources.frame import FrameSource, FrameSourceFactory, Timeouts
from camera.sources.turned import TurnedCamera
from camera.sources.v4l2.camera import V4l2Camera
from camera.sources.v4l2.discovery import DeviceRegistry
from camera.sources.video import network
from camera.sources.video.file import FileSource, open_video
from camera.sources.video.network import NetworkSource

NO_TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True)
class ReopenableSource:
    """A source that remembers nothing between two openings."""

    opener: Callable[[threading.Event], FrameSource]
    timeouts: Timeouts = NO_TIMEOUTS

    def open(self, stop: threading.Event) -> FrameSource:
        """Open it; raises SourceError."""
        return self.opener(stop)

    def should_retry_now(self) -> bool:
        """Nothing tells when it is back."""
        return False


def create_source(settings: Settings, devices: DeviceRegistry) -> FrameSourceFactory:
    """The source that CAMERA_SOURCE names, to be opened again and again; cameras of one process share `devices`."""
    source = _source(settings, devices)
    return TurnedCamera(source, settings.rotate) if settings.rotate else source


def _source(settings: Settings, devices: DeviceRegistry) -> FrameSourceFactory:
    match settings.source:
        case DeviceSpec() as spec:
            return V4l2Camera(spec, settings, devices)
        case NetworkSpec(url):
            return ReopenableSource(lambda stop: NetworkSource(url, stop, settings.frame_rate), network.TIMEOUTS)
        case FileSpec(path):
            return ReopenableSource(lambda stop: FileSource(path, loop=settings.file_at_end == "loop", stop=stop))
        case SyntheticSpec():
            return ReopenableSource(lambda stop: _synthetic(settings, stop))


def _synthetic(settings: Settings, stop: threading.Event) -> FrameSource:
    from camera.sources.synthetic.source import SyntheticSource, create_scene  # noqa: PLC0415 -- the demo's alone

    return SyntheticSource(create_scene(settings), settings.frame_rate, stop)


def validate_file_source(settings: Settings) -> None:
    """Refuse a CAMERA_SOURCE that names a file but no video; raises SourceError."""
    if isinstance(settings.source, FileSpec):
        open_video(settings.source.path).close()
