"""A real RTSP server: interlaced video, a password of every character, and a camera that goes away and comes back."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from camera.config.settings import Settings
from camera.sources.factory import create_source
from camera.sources.frame import SourceError
from camera.sources.reader.latest_frame import LatestFrame
from camera.sources.v4l2.discovery import DeviceRegistry
from camera.sources.video.network import NetworkSource
from dev.harness.process import LOOPBACK, Process, free_port, start, wait_for
from tests.edge.sources.video.odd_media import INTERLACE, make_video

PYTHON = "/usr/bin/python3"  # Debian's, which its bindings are for
SCRIPT = Path(__file__).with_name("rtsp_server.py")
NEEDED = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; Gst.init()"
)
NEEDED += "; assert all(map(Gst.ElementFactory.find, ('h264parse', 'qtdemux', 'rtph264pay', 'rtpjpegpay', 'jpegenc')))"
USER, PASSWORD = "chief", "So#m/m?e@r:24%&+ü"
SECONDS = 60

Serve = Callable[[], Process]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Let GStreamer look through its plugins once; its own place for what it found is in each program's HOME."""
    return {"GST_REGISTRY": str(tmp_path_factory.mktemp("gstreamer") / "registry.bin")}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, registry: dict[str, str]) -> Path:
    ours = os.environ | registry
    try:
        subprocess.run([PYTHON, "-c", NEEDED], check=True, capture_output=True, timeout=SECONDS, env=ours)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no GStreamer: install gir1.2-gst-rtsp-server-1.0, python3-gi, gstreamer1.0-plugins-good")
    options = (*INTERLACE, "-c:v", "libx264", "-preset", "ultrafast", "-g", "25")
    scene = "testsrc=size=320x240:rate=50:duration=20"
    return make_video(tmp_path_factory.mktemp("rtsp") / "film.mp4", *options, scene=scene)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def serve(film: Path, port: int, tmp_path: Path, registry: dict[str, str]) -> Iterator[Serve]:
    """Start a camera; again after it was killed."""
    jpegs = "videotestsrc is-live=true ! video/x-raw,format=I420,width=320 ! jpegenc ! rtpjpegpay name=pay0"
    mounts = (
        f"/film=filesrc location={film} ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1",
        f"/jpeg={jpegs}",
        f"/udp={jpegs}",
    )
    started: list[Process] = []

    def run() -> Process:
        command = [PYTHON, str(SCRIPT), str(port), USER, PASSWORD, *mounts]
        started.append(start("rtsp", command, tmp_path / "rtsp", registry))
        return started[-1]

    yield run
    for process in started:
        process.kill()


def address(port: int, path: str, password: str = PASSWORD) -> str:
    return f"rtsp://{USER}:{quote(password, safe='')}@{LOOPBACK}:{port}/{path}"


def connected(url: str) -> NetworkSource:
    """Connect as soon as the server listens."""

    def attempt() -> NetworkSource | None:
        try:
            return NetworkSource(url)
        except SourceError as error:
            if "cannot be reached" in str(error):
                return None
            raise

    return wait_for(attempt, seconds=SECONDS, what="the server")  # type: ignore[return-value]  # a source is true


@pytest.mark.parametrize("path", ["film", "jpeg", "udp"])
def test_a_stream_behind_a_password_of_every_character_is_shown_as_it_is(serve: Serve, port: int, path: str) -> None:
    serve()
    source = connected(address(port, path))
    means = []
    for _ in range(12):
        source.grab()
        frame = source.retrieve()
        assert frame
        assert frame.image.shape == (240, 320, 3)
        means.append(frame.image.mean())
    source.close()

    assert min(means) > 100  # and not black, as interlaced video once was


def test_a_wrong_password_and_a_wrong_path_are_told_apart(serve: Serve, port: int) -> None:
    serve()

    with pytest.raises(SourceError, match=r"refuses the user or password \(401\)"):
        connected(address(port, "film", "wrong"))
    with pytest.raises(SourceError, match=r"has nothing under this path \(404\)"):
        connected(address(port, "elsewhere"))


def test_a_camera_that_goes_away_and_comes_back_is_shown_again(serve: Serve, port: int) -> None:
    server, stop = serve(), threading.Event()
    source = create_source(Settings(camera_source=address(port, "film")), DeviceRegistry(Path("/dev")))
    frames = LatestFrame(source, rate=10, stop=stop)
    assert frames.take(timeout_seconds=SECONDS)

    server.kill()
    wait_for(lambda: frames.status.problem, seconds=SECONDS, what="the problem")
    serve()

    wait_for(lambda: frames.status.problem is None, seconds=SECONDS, what="the end of the problem")
    assert frames.take(timeout_seconds=SECONDS)
    assert frames.counters.reopened == 1
    stop.set()
    assert frames.join(timeout_seconds=SECONDS)
