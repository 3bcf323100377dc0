"""Pictures of the pages as a headless Chromium shows them: of every state to look at, and two for the documents."""

import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from dev.documents.env_example import ROOT
from dev.documents.shown.answers import Reach
from dev.documents.shown.gallery_states import GALLERY
from dev.documents.shown.live_states import LIVE
from dev.documents.shown.month import month
from dev.harness.process import LOOPBACK, free_port, wait_for
from dev.harness.services import start_camera
from dev.scripts.programs import find_browser

FOLDER = ROOT / "docs" / "images"
ALL = ROOT / "build" / "pictures"  # not committed
DOCUMENTED = {"visits": "gallery.png", "live": "live.png"}  # in the README
SIZE = ViewportSize(width=1200, height=900)
LOOKS = {"light": (SIZE, "light"), "dark": (SIZE, "dark"), "phone": (ViewportSize(width=390, height=844), "light")}
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
DAYS, CAPTURES = 30, 6
COLOURS = 256
SECONDS, PATIENCE_MILLISECONDS = 120.0, 60_000
SETTLE_MILLISECONDS = 1500  # pictures arrive, and counts


def take(names: Sequence[str] = ()) -> Iterator[Path]:
    """Write the pictures of these states, or of all, and yield their files."""
    gallery, live = (
        {name: reach for name, reach in states.items() if not names or name in names} for states in (GALLERY, LIVE)
    )
    program = find_browser()
    if program is None:
        raise SystemExit("docs: there is no Chromium; install it and try again")
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    ALL.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        if gallery:
            with month(Path(folder) / "month", days=DAYS) as shown:
                wait_for(lambda: _answers(shown.address), seconds=SECONDS, what="the gallery")
                yield from _each(browser, shown.address, gallery)
        if live:
            yield from _live_page(browser, Path(folder) / "camera", live)
        browser.close()


def _live_page(browser: Browser, folder: Path, states: Mapping[str, Reach]) -> Iterator[Path]:
    """Of a camera on its own, whose pictures wait: most states are put into what it says."""
    port = free_port()
    settings = {"CAMERA_SOURCE": "demo", "CAMERA_NAME": "door", "EDGE_BROKER_PORT": str(free_port())}
    camera = start_camera(folder, LIVE_PORT=str(port), HEARTBEAT_FILE=str(folder / "camera.json"), **settings)
    try:
        address = f"http://{LOOPBACK}:{port}"
        wait_for(lambda: _answers(address), seconds=SECONDS, what="the live page")
        wait_for(lambda: _captured(address), seconds=SECONDS, what="captures")
        yield from _each(browser, address, states)
    finally:
        camera.kill()


def _each(browser: Browser, address: str, states: Mapping[str, Reach]) -> Iterator[Path]:
    for name, reach in states.items():
        for look, (size, scheme) in LOOKS.items():
            tab = browser.new_page(
                viewport=size,
                color_scheme="dark" if scheme == "dark" else "light",
                locale="en-GB",
                reduced_motion="reduce",
                bypass_csp=True,
            )
            reach(tab, address)
            tab.wait_for_timeout(SETTLE_MILLISECONDS)
            file = ALL / f"{name}-{look}.png"
            tab.screenshot(path=file)
            tab.unroute_all(behavior="ignoreErrors")
            tab.close()
            yield file
            if look == "light" and name in DOCUMENTED:
                yield _smaller(file, FOLDER / DOCUMENTED[name])


def _smaller(picture: Path, file: Path) -> Path:
    with Image.open(picture) as whole:
        few = whole.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE)
    few.save(file, optimize=True)  # a third of the bytes
    return file


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/login", timeout=10) as answer:  # noqa: S310 (our own page)
            return bool(answer.status == 200)  # noqa: PLR2004
    except urllib.error.URLError:  # not up yet
        return False


def _captured(address: str) -> bool:
    with urllib.request.urlopen(f"{address}/state.json", timeout=10) as answer:  # noqa: S310 (our own page)
        return bool(answer.read().count(b'"captured_at"') >= CAPTURES)
