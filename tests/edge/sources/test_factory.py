"""Where frames come from."""

import contextlib
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import pytest

from camera.config.settings import Settings
from camera.sources.factory import create_source, validate_file_source
from camera.sources.file import FileSource
from camera.sources.frame import FrameSource, Image, SourceEndedError, SourceError
from camera.sources.network import NetworkSource, redact_url
from camera.sources.synthetic.scene import Scene


def seconds_of(source: FrameSource) -> list[float]:
    """The time stamps of all frames until the source ends."""
    times = []
    while True:
        try:
            times.append(source.grab())
        except SourceEndedError:
            return times


def test_a_file_is_read_to_its_end_with_its_own_times(video: Path) -> None:
    times = seconds_of(FileSource(video))

    assert times[:3] == pytest.approx([0.0, 0.1, 0.2])
    assert len(times) > 80


def test_a_frame_of_a_file_that_is_read_fast_has_the_files_time(video: Path) -> None:
    recorded = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
    os.utime(video, (recorded.timestamp(),) * 2)
    source = FileSource(video)

    source.grab()
    first = source.retrieve()
    source.grab()
    second = source.retrieve()

    assert first
    assert second
    assert second.captured_at - first.captured_at == timedelta(seconds=0.1)
    assert timedelta(0) < recorded - first.captured_at < timedelta(seconds=30)


def test_a_played_file_keeps_its_own_pace(video: Path) -> None:
    source = FileSource(video, stop=threading.Event())
    began = time.monotonic()

    for _ in range(6):
        source.grab()

    assert time.monotonic() - began >= 0.5


def test_a_looped_file_goes_on_and_its_clock_never_steps_back(video: Path) -> None:
    once = len(seconds_of(FileSource(video)))
    source = FileSource(video, loop=True)

    times = [source.grab() for _ in range(once * 2 + 5)]

    assert times == sorted(times)
    assert len(set(times)) == len(times)


@pytest.mark.parametrize("name", ["there-is-no-such.mp4", "notes.txt", "cut.avi"])
def test_what_is_no_video_is_said_in_a_sentence(tmp_path: Path, video: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("This is not a video.\n" * 100)
    (tmp_path / "cut.avi").write_bytes(video.read_bytes()[:20])
    settings = Settings(camera_source=str(tmp_path / name))

    with pytest.raises(SourceError, match=rf"CAMERA_SOURCE=.*{name} is not"):
        validate_file_source(settings)


def test_a_node_that_is_no_camera_is_said() -> None:
    with pytest.raises(SourceError, match=r"/dev/null .*it is not a camera"):
        create_source(Settings(camera_source="/dev/null")).open(threading.Event())


def test_an_address_where_nothing_answers_is_said_without_the_password() -> None:
    with pytest.raises(SourceError, match=r"CAMERA_SOURCE=http://127\.0\.0\.1:1/video cannot be reached") as caught:
        NetworkSource("http://me:secret@127.0.0.1:1/video?token=secret")

    assert "secret" not in str(caught.value)


def test_an_address_with_a_wrong_port_is_said() -> None:
    with pytest.raises(SourceError, match=r"CAMERA_SOURCE=rtsp://cam:eight/live has a wrong port"):
        NetworkSource("rtsp://me:secret@cam:eight/live")


@pytest.mark.parametrize("url", ["rtsp://me:secret@a..b/live", "http://me:secret@[abc/live"])
def test_an_address_with_a_wrong_host_is_said(url: str) -> None:
    with pytest.raises(SourceError, match=r"has a wrong host: fix it in \.env\.") as caught:
        NetworkSource(url)

    assert "secret" not in str(caught.value)


class Mjpeg(BaseHTTPRequestHandler):
    """A network camera: one JPEG after the other, until the caller hangs up."""

    picture = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(self.picture)
        with contextlib.suppress(OSError):
            for _ in range(500):
                self.wfile.write(part + self.picture + b"\r\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_an_http_camera_gives_frames_until_it_hangs_up(face_frame: Image) -> None:
    Mjpeg.picture = cv2.imencode(".jpg", face_frame)[1].tobytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mjpeg)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    source = NetworkSource(f"http://127.0.0.1:{server.server_port}/video")

    times = [source.grab() for _ in range(5)]
    frame = source.retrieve()
    server.shutdown()
    server.server_close()

    assert frame
    assert frame.image.shape == face_frame.shape
    assert frame.number == 4
    assert times == sorted(times)
    with pytest.raises(SourceError, match="stopped sending"):
        seconds_of(source)
    source.close()


def test_a_shown_address_has_neither_user_nor_password() -> None:
    assert redact_url("rtsp://me:p@ss@cam.local:554/live?key=1") == "rtsp://cam.local:554/live"


def test_the_same_seed_gives_the_same_scene() -> None:
    one, two, other = Scene(320, 240, 1, 0), Scene(320, 240, 1, 0), Scene(320, 240, 2, 0)

    assert (one.draw(20.0) == two.draw(20.0)).all()
    assert not (one.draw(20.0) == other.draw(20.0)).all()


def test_a_scene_knows_its_visits() -> None:
    scene = Scene(320, 240, seed=1, visits=3)

    assert scene.visits_begun(0.5) == 0
    assert not scene.ended(10.0)
    assert scene.visits_begun(60.0) == 3
    assert scene.ended(60.0)
