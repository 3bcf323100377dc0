"""Network cameras: what they give, and what is said when they do not."""

import itertools
import socket
import threading
from pathlib import Path

import cv2
import pytest

from camera.config.settings import Settings
from camera.sources.factory import create_source
from camera.sources.frame import Image, SourceError
from camera.sources.reader.latest_frame import LatestFrame
from camera.sources.v4l2.discovery import DeviceRegistry
from camera.sources.video import network
from camera.sources.video.network import NetworkSource
from dev.harness.process import free_port, wait_for
from tests.edge.config.camera_urls import ADDRESSES, SECRET, USER
from tests.edge.sources.network_camera import Answering, NetworkCamera, Playing
from tests.edge.sources.video.odd_media import INTERLACE, make_video


def test_an_address_where_nothing_answers_is_said_without_the_password() -> None:
    with pytest.raises(SourceError, match=r"CAMERA_SOURCE=http://127\.0\.0\.1:1 cannot be reached") as caught:
        NetworkSource("http://me:secret@127.0.0.1:1/video?token=secret")

    assert "secret" not in str(caught.value)


def test_an_address_with_a_wrong_port_is_said() -> None:
    with pytest.raises(SourceError, match=r"CAMERA_SOURCE=rtsp://\.\.\. has a wrong port"):
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


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_failure_shows_a_password(
    address: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    stop = threading.Event()
    source = create_source(Settings(camera_source=address), DeviceRegistry(Path("/dev")))
    frames = LatestFrame(source, rate=10, stop=stop)
    wait_for(lambda: frames.status.problem, seconds=30, what="a problem")
    stop.set()

    shown = f"{frames.status} {caplog.text} {capfd.readouterr()}"

    assert SECRET not in shown
    assert USER not in shown


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (401, b"", r"refuses the user or password \(401\)"),
        (403, b"", r"does not let this user see it \(403\)"),
        (404, b"", r"has nothing under this path \(404\)"),
        (418, b"", "refuses the request"),
        (429, b"", r"is asked too often \(429\)"),
        (500, b"", "has a fault of its own"),
        (200, b"<html><body>Log in</body></html>" * 50, "answers, but with no video, perhaps with a web page"),
        (200, b"", "ended the connection without a picture|answers, but with no video"),
    ],
)
def test_what_answers_and_is_no_video_is_told_apart(status: int, content: bytes, said: str) -> None:
    with Answering(status, content) as url, pytest.raises(SourceError, match=said) as caught:
        NetworkSource(url.replace("//", "//me:secret@"))

    assert "secret" not in str(caught.value)
    assert "/video" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            b"HTTP/1.1 302 Found\r\nLocation: rtsp://me:secret@127.0.0.1:1/x\r\n\r\n",
            "leads to an address of another kind",
        ),
        (b"HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\n\r\n", "leads to an address of another kind"),
        (b"HTTP/1.1 302 Found\r\nLocation: /video?secret\r\n\r\n", "gives no video"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "gives no video"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\n\r\n--",
            "gives no video|ended the connection",
        ),
        (b"", "ended the connection without a picture"),
    ],
)
def test_an_answer_without_a_picture_is_a_sentence(answer: bytes, said: str) -> None:
    with (
        Playing(lambda connection: connection.sendall(answer)) as url,
        pytest.raises(SourceError, match=said) as caught,
    ):
        NetworkSource(url.replace("//", "//me:secret@"))

    assert "secret" not in str(caught.value)


BY_MD5, BY_SHA = (f'WWW-Authenticate: Digest realm="c", nonce="n", algorithm={name}' for name in ("MD5", "SHA-256"))
WRONG, UNKNOWN = r"refuses the user or password \(401\)", "asks for a login by SHA-256"


@pytest.mark.parametrize("protocol", ["HTTP/1.1", "RTSP/1.0"])
@pytest.mark.parametrize(
    ("offered", "said"),
    [
        ([BY_MD5], WRONG),
        ([BY_SHA, BY_MD5], WRONG),
        (['WWW-Authenticate: Basic realm="c"'], WRONG),
        ([BY_SHA], UNKNOWN),
        ([BY_MD5, BY_SHA.replace("SHA-256", '"SHA-512-256"')], UNKNOWN),
        (['www-authenticate: basic realm="c"', BY_SHA], UNKNOWN),
    ],
)
def test_a_login_that_is_not_understood_is_told_from_a_wrong_password(
    protocol: str, offered: list[str], said: str
) -> None:
    def answer(connection: socket.socket) -> None:
        for number in itertools.count(1):
            lines = [f"{protocol} 401 Unauthorized", *offered, f"CSeq: {number}", "Content-Length: 0", "", ""]
            connection.sendall("\r\n".join(lines).encode())
            if not connection.recv(10000):
                return

    with Playing(answer) as url, pytest.raises(SourceError, match=said) as caught:
        NetworkSource(url.replace("http://", f"{protocol[:4].lower()}://me:secret@"))

    assert "secret" not in str(caught.value)


def test_a_web_server_that_is_asked_by_rtsp_is_a_sentence() -> None:
    with Answering(200, b"hello") as url, pytest.raises(SourceError, match="CAMERA_SOURCE=rtsp://127") as caught:
        NetworkSource(url.replace("http://", "rtsp://me:secret@"))

    assert "secret" not in str(caught.value)


def test_an_address_of_one_image_is_asked_again_and_again_at_a_pace(face_frame: Image) -> None:
    jpeg = cv2.imencode(".jpg", face_frame)[1].tobytes()
    with Answering(200, jpeg, "image/jpeg") as url:
        source = NetworkSource(url)
        times = [source.grab() for _ in range(4)]
        frame = source.retrieve()
        source.close()

    assert frame
    assert frame.image.shape == face_frame.shape
    assert frame.number == 3
    assert times[-1] - times[0] > 0.9  # two a second at most, whatever FRAME_RATE is


def test_half_a_jpeg_of_a_stream_is_damaged_and_not_shown(face_frame: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    jpeg = cv2.imencode(".jpg", face_frame)[1].tobytes()
    server = NetworkCamera(free_port(), jpeg)
    source = NetworkSource(server.url)
    source.grab()
    whole = source.retrieve()

    server.jpeg = jpeg[: len(jpeg) // 2]
    seen = [source.grab() and source.retrieve()]
    while seen[-5:] != [None] * 5 and len(seen) < 1000:  # whole ones may still be on their way
        seen.append(source.grab() and source.retrieve())
    monkeypatch.setattr(network, "DAMAGED_SECONDS", 0.1)
    with pytest.raises(SourceError, match="sends damaged images only: check the network"):
        drain(source)
    server.die()
    source.close()

    assert whole
    assert seen[-5:] == [None] * 5


ODD_PARTS = {
    "another type": b"--frame\r\nContent-Type: image/jpg\r\nContent-Length: N\r\n\r\n",
    "no type": b"--frame\r\nContent-Length: N\r\n\r\n",
    "no length": b"--frame\r\nContent-Type: image/jpeg\r\n\r\n",
    "short length": b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 1\r\n\r\n",
    "long length": b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 9N\r\n\r\n",
    "lines of another system": b"--frame\nContent-Type: image/jpeg\nContent-Length: N\n\n",
}


@pytest.mark.parametrize("part", ODD_PARTS.values(), ids=ODD_PARTS)
def test_a_stream_with_odd_headers_is_read_and_its_damaged_jpegs_are_not(part: bytes, face_frame: Image) -> None:
    jpeg = cv2.imencode(".jpg", face_frame)[1].tobytes()
    over = threading.Event()

    def play(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n")
        for number in itertools.count():
            sent = jpeg[: len(jpeg) // 2] if number % 4 == 3 else jpeg
            connection.sendall(part.replace(b"N", b"%d" % len(sent)) + sent + b"\r\n")
            if over.wait(0.01):
                return

    with Playing(play) as url:
        source = NetworkSource(url)
        seen = [source.grab() and source.retrieve() for _ in range(12)]
        over.set()
        source.close()

    images = [each.image for each in seen if each]
    assert len(images) >= 6
    assert None in seen
    assert all(cv2.absdiff(image, face_frame).mean() < 5 for image in images)


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"])
def test_an_image_without_a_length_is_asked_for_again_whole_or_not(head: bytes, face_frame: Image) -> None:
    jpeg, number = cv2.imencode(".jpg", face_frame)[1].tobytes(), itertools.count()

    def play(connection: socket.socket) -> None:
        connection.sendall(head + (jpeg[: len(jpeg) // 2] if next(number) == 2 else jpeg))

    with Playing(play) as url:
        source = NetworkSource(url)
        seen = [source.grab() and source.retrieve() for _ in range(4)]
        source.close()

    assert sorted(each is None for each in seen) == [False, False, False, True]


def test_interlaced_video_of_a_network_camera_is_shown_as_it_was(tmp_path: Path) -> None:
    film = make_video(tmp_path / "film.ts", *INTERLACE, "-c:v", "libx264")
    with Answering(200, film.read_bytes(), "video/mp2t") as url:
        source = NetworkSource(url)
        means = []
        for _ in range(20):
            source.grab()
            frame = source.retrieve()
            assert frame
            means.append(frame.image.mean())
        source.close()

    assert min(means) > 100  # and not black
