"""Where frames come from."""

import threading
from pathlib import Path

import pytest

from camera.config.settings import Settings
from camera.sources.factory import create_source, validate_file_source
from camera.sources.frame import SourceError
from camera.sources.v4l2.discovery import DeviceRegistry


@pytest.mark.parametrize("name", ["there-is-no-such.mp4", "notes.txt", "cut.avi"])
def test_what_is_no_video_is_said_in_a_sentence(tmp_path: Path, video: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("This is not a video.\n" * 100)
    (tmp_path / "cut.avi").write_bytes(video.read_bytes()[:20])
    settings = Settings(camera_source=str(tmp_path / name))

    with pytest.raises(SourceError, match=rf"CAMERA_SOURCE=.*{name} is not"):
        validate_file_source(settings)


def test_a_node_that_is_no_camera_is_said() -> None:
    with pytest.raises(SourceError, match=r"/dev/null .*it is not a camera"):
        create_source(Settings(camera_source="/dev/null"), DeviceRegistry(Path("/dev"))).open(threading.Event())
