"""How the tests open a camera of the fake machine."""

import threading

import pytest

from camera.config.settings import Settings
from camera.config.source_spec import DeviceSpec
from camera.sources.frame import Frame, SourceError
from camera.sources.v4l2.camera import V4l2Camera
from camera.sources.v4l2.discovery import DeviceRegistry
from tests.edge.sources.v4l2.fake_v4l2 import FakeMachine

STOP = threading.Event()


def camera_at(
    here: FakeMachine, source: str = "auto", registry: DeviceRegistry | None = None, /, **settings: object
) -> V4l2Camera:
    """`registry`: what several cameras of one process have in common."""
    small = {"frame_width": 320, "frame_height": 240, "frame_rate": 30}
    given = Settings.model_validate({"camera_source": source, **small, **settings})
    assert isinstance(given.source, DeviceSpec)
    return V4l2Camera(given.source, given, registry or here.registry)


def problem(camera: V4l2Camera) -> str:
    with pytest.raises(SourceError) as caught:
        camera.open(STOP)
    return str(caught.value)


def one_frame(camera: V4l2Camera) -> Frame:
    source = camera.open(STOP)
    source.grab()
    frame = source.retrieve()
    source.close()
    assert frame is not None
    return frame
