"""Network cameras: what they give, and what is said when they do not."""

import cv2
import pytest

from camera.sources.frame import Image, SourceError
from camera.sources.network import NetworkSource, redact_url
from dev.harness.process import free_port
from tests.edge.sources.network_camera import NetworkCamera


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


def test_an_http_camera_gives_frames_until_it_hangs_up(face_frame: Image) -> None:
    server = NetworkCamera(free_port(), cv2.imencode(".jpg", face_frame)[1].tobytes())
    source = NetworkSource(server.url)

    times = [source.grab() for _ in range(5)]
    frame = source.retrieve()
    server.die()

    assert frame
    assert frame.image.shape == face_frame.shape
    assert frame.number == 4
    assert times == sorted(times)
    with pytest.raises(SourceError, match="stopped sending"):
        drain(source)
    source.close()


def drain(source: NetworkSource) -> None:
    while True:
        source.grab()


def test_a_redacted_url_has_neither_user_nor_password() -> None:
    assert redact_url("rtsp://me:p@ss@cam.local:554/live?key=1") == "rtsp://cam.local:554/live"
