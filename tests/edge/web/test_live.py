"""The live page without a browser: who gets in, and whether what it says is true."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from cv2.typing import MatLike
from prometheus_client.parser import text_string_to_metric_families

from camera.pipeline.tracking.detector import FaceDetector
from dev.harness.process import LOOPBACK, free_port, wait_for
from dev.harness.services import start_camera
from tests.edge.web.page import START_SECONDS, Page, live
from tests.support.pages.web import Answer, basic, cookie

PASSWORD = "open sesame"


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with live(tmp_path) as page:
        yield page


@pytest.fixture
def locked_page(tmp_path: Path) -> Iterator[Page]:
    with live(tmp_path, LIVE_PASSWORD=PASSWORD) as page:
        yield page


def preview(page: Page, *, with_face: bool = False) -> Answer:
    """Wait for one."""
    answers: list[Answer] = []

    def seen() -> bool:
        answers.append(page.ask("/cameras/door/preview.jpg"))
        return answers[-1].status == 200 and ('"box"' in answers[-1].headers["x-faces"] or not with_face)

    wait_for(seen, seconds=START_SECONDS, what="a preview image")
    return answers[-1]


def decoded(answer: Answer) -> MatLike:
    image = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def test_the_preview_is_what_the_camera_sees_and_boxes_travel_with_it(page: Page) -> None:
    answer = preview(page, with_face=True)

    view = json.loads(answer.headers["x-faces"])
    x, y, width, height = view["faces"][0]["box"]
    assert answer.headers["content-type"] == "image/jpeg"
    assert (view["width"], view["height"]) == (640, 480)
    assert FaceDetector(40, 0.6).detect(decoded(answer)[max(0, y - height) :, max(0, x - width) : x + 2 * width])
    assert json.loads(page.ask("/cameras/door/mask", "POST").body) == {"masked": 0}  # who walks is no poster
    assert page.ask("/cameras/nobody/mask", "POST").status == 404


def test_a_preview_that_the_browser_has_is_not_sent_again(tmp_path: Path) -> None:
    with live(tmp_path, DETECTIONS_PER_SECOND="0.2") as page:
        tag = preview(page).headers["etag"]

        assert page.ask("/cameras/door/preview.jpg", if_none_match=tag).status == 304


def test_nothing_is_seen_while_paused(page: Page) -> None:
    preview(page)
    page.ask("/cameras/door/pause", "POST")
    wait_for(lambda: page.camera()["state"] == "paused", seconds=START_SECONDS, what="the pause")

    assert page.ask("/cameras/door/preview.jpg").status == 404
    assert page.ask("/cameras/door/sleep", "POST").status == 404
    page.ask("/cameras/door/schedule", "POST")
    preview(page)


def test_masks_hide_in_the_live_picture_too(tmp_path: Path) -> None:
    with live(tmp_path, MASKS="0,0:0.5,0:0.5,1:0,1") as page:
        image = decoded(preview(page))

    assert image[:, :300].max() < 20
    assert image[:, 340:].mean() > 50


def test_a_capture_appears_with_its_picture_and_its_state(page: Page) -> None:
    captures = wait_for(lambda: page.state()["captures"], seconds=START_SECONDS, what="a capture")
    assert isinstance(captures, list)

    image = page.ask(f"/captures/{captures[0]['id']}")

    assert captures[0]["state"] == "spooled"  # there is no broker
    assert captures[0]["camera"] == "door"
    assert (image.status, image.headers["content-type"]) == (200, "image/png")
    assert image.body.startswith(b"\x89PNG")
    assert page.camera()["captured"] == len(captures)
    assert page.ask("/captures/20261122T063325.123Z-9f2c01ab").status == 404


def test_each_stage_says_what_is_wrong_and_how_to_fix_it(page: Page) -> None:
    wait_for(lambda: page.camera()["frames_per_second"], seconds=START_SECONDS, what="a frame")
    pipeline = page.pipeline()

    assert list(pipeline) == ["Camera", "Disk", "Broker", "Bridge", "Cloud"]
    assert pipeline["Camera"][0] == "ok"
    assert pipeline["Broker"][0] == "error"
    assert "EDGE_BROKER_HOST" in pipeline["Broker"][1]


def test_prometheus_reads_the_metrics(page: Page) -> None:
    wait_for(lambda: page.camera()["frames_processed"], seconds=START_SECONDS, what="a frame")

    answer = page.ask("/metrics")

    families = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}
    (processed,) = families["usbcam_frames_processed"].samples
    assert processed.labels == {"camera": "door"}
    assert processed.value > 0
    assert "process_cpu_seconds" in families


def test_without_the_password_nothing_is_shown(locked_page: Page) -> None:
    paths = ["/state.json", "/metrics", "/cameras/door/preview.jpg", "/captures/x", "/page/live.js", "/nowhere"]

    assert {path: locked_page.ask(path).status for path in paths} == dict.fromkeys(paths, 401)
    assert locked_page.ask("/cameras/door/pause", "POST").status == 401
    answer = locked_page.ask("/")
    assert (answer.status, answer.headers["location"]) == (303, "/login")


def test_the_password_opens_a_session_that_logging_out_ends(locked_page: Page) -> None:
    answer = locked_page.ask("/login", "POST", f"password={PASSWORD.replace(' ', '+')}")
    given = answer.headers["set-cookie"]
    session = cookie(answer)

    assert "HttpOnly" in given
    assert "SameSite=strict" in given
    assert locked_page.ask("/state.json", cookie=session).status == 200
    locked_page.ask("/logout", "POST", cookie=session)
    assert locked_page.ask("/state.json", cookie=session).status == 401


def test_prometheus_gives_the_password_by_the_basic_scheme(locked_page: Page) -> None:
    assert locked_page.ask("/metrics", authorization=basic(PASSWORD)).status == 200
    assert locked_page.ask("/metrics", authorization=basic("guess")).status == 401
    assert locked_page.ask("/metrics", authorization="Basic %%%").status == 401


def test_after_many_wrong_passwords_the_right_one_is_still_taken(locked_page: Page) -> None:
    with ThreadPoolExecutor(30) as guessers:
        wrong = list(guessers.map(lambda _: locked_page.ask("/login", "POST", "password=guess"), range(60)))

    assert {answer.headers["location"] for answer in wrong} == {"/login?wrong"}
    assert locked_page.ask("/login", "POST", f"password={PASSWORD}").headers["location"] == "/"


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1", 200), ("localhost:9", 200), ("[::1]:8080", 200), ("camera:8080", 200), ("evil.example", 421)],
)
def test_a_name_that_somebody_points_here_shows_nothing(page: Page, host: str, status: int) -> None:
    assert page.ask("/state.json", host=host).status == status


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"sec_fetch_site": "cross-site"}])
def test_another_sites_page_cannot_press_a_button(page: Page, headers: dict[str, str]) -> None:
    assert page.ask("/cameras/door/pause", "POST", **headers).status == 403
    assert page.camera()["state"] != "paused"


def test_nothing_but_the_page_itself_may_run_in_it(page: Page) -> None:
    headers = page.ask("/").headers

    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def refused(tmp_path: Path, **settings: str) -> str:
    """What the log says of a page that is not there, while the camera goes on."""
    ours = {"CAMERA_SOURCE": "demo", "EDGE_BROKER_PORT": str(free_port()), "LIVE_PORT": str(free_port())}
    process = start_camera(tmp_path, **(ours | settings), HEARTBEAT_FILE=str(tmp_path / "beat.json"))
    try:
        wait_for(lambda: "Captured" in process.tail(100), seconds=START_SECONDS, what="a capture")
        log: str = process.tail(100)
    finally:
        process.kill()
    return log


def test_others_are_not_let_in_without_a_password(tmp_path: Path) -> None:
    log = refused(tmp_path, LIVE_BIND="0.0.0.0")  # noqa: S104

    assert "There is no live page: LIVE_BIND=0.0.0.0 lets other hosts in, so set LIVE_PASSWORD in .env." in log


def test_a_port_that_is_taken_costs_the_page_and_not_the_camera(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]

        log = refused(tmp_path, LIVE_PORT=str(port))

    assert f"There is no live page: Cannot listen on 127.0.0.1:{port} (Address already in use)" in log
    assert "Traceback" not in log


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    log = refused(tmp_path, LIVE_PASSWORD_FILE=str(tmp_path / "none"))

    assert "cannot be read (No such file or directory); fix it or remove it." in log


def test_a_password_may_come_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD + "\n", encoding="utf-8")

    with live(tmp_path, LIVE_PASSWORD_FILE=str(tmp_path / "password")) as page:
        assert page.ask("/state.json").status == 401
        assert page.ask("/state.json", authorization=basic(PASSWORD)).status == 200
