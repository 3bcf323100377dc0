"""No state of a page keeps anybody out: light and dark, large and small. All states by hand with REALITY=1."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from dev.documents.shown.answers import Reach
from dev.documents.shown.gallery_states import GALLERY
from dev.documents.shown.live_states import LIVE
from dev.documents.shown.month import HOURS, month
from dev.harness.process import LOOPBACK, free_port, wait_for
from dev.harness.services import start_camera
from tests.support.pages.axe import in_every_look
from tests.support.pages.tabs import new_tab
from tests.support.pages.web import Site

SECONDS = 60.0
# The others are looked at where they are used: test_visits_page, test_live_people.
ALWAYS = {"month", "cost", "store-away", "edges-failing", "live-blind"}
EVERY = os.environ.get("REALITY") == "1"
CHOSEN = {name for name in GALLERY | LIVE if EVERY or name in ALWAYS}
FEW_HOURS = (8, 18)  # a tile is looked at as long as all the rest that a page has once


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with month(tmp_path_factory.mktemp("month"), days=12, people=2, hours=HOURS if EVERY else FEW_HOURS) as shown:
        site = Site(int(shown.address.rpartition(":")[2]))
        wait_for(site.answers, seconds=SECONDS, what="the gallery")
        yield shown.address


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("camera"), free_port()
    small = {"FRAME_WIDTH": "320", "FRAME_HEIGHT": "240", "MIN_FACE_PX": "20", "DETECTIONS_PER_SECOND": "3"}
    settings = {"CAMERA_SOURCE": "demo", "CAMERA_NAME": "door", "EDGE_BROKER_PORT": str(free_port())} | small
    process = start_camera(folder, LIVE_PORT=str(port), HEARTBEAT_FILE=str(folder / "camera.json"), **settings)
    wait_for(Site(port).answers, seconds=SECONDS, what="the live page")
    yield f"http://{LOOPBACK}:{port}"
    process.kill()


def problems(browser: Browser, reach: Reach, address: str) -> dict[str, list[str]]:
    tab = new_tab(browser, {"width": 1280, "height": 800}, bypass_csp=True)
    reach(tab, address)
    found = in_every_look(tab)
    tab.unroute_all(behavior="ignoreErrors")
    tab.context.close()
    return found


@pytest.mark.parametrize("state", [name for name in GALLERY if name in CHOSEN])
def test_no_state_of_the_gallery_and_of_the_edges_keeps_anybody_out(browser: Browser, gallery: str, state: str) -> None:
    assert problems(browser, GALLERY[state], gallery) == {}


@pytest.mark.parametrize("state", [name for name in LIVE if name in CHOSEN])
def test_no_state_of_the_live_page_keeps_anybody_out(browser: Browser, camera: str, state: str) -> None:
    assert problems(browser, LIVE[state], camera) == {}
