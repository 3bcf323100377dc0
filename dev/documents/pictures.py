"""The pictures of the documents: the live page and the gallery of the demo, as a headless Chromium shows them."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from dev.documents.env_example import ROOT
from dev.harness.process import wait_for
from dev.scripts.environment import find_browser

FOLDER = ROOT / "docs" / "images"
ADDRESS = re.compile(r"\b(camera|gallery)\b.*?(http://127\.0\.0\.1:\d+)")
SIZE = {"width": 1200, "height": 900}
CAPTURES = 14  # two rows of the gallery
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
COLOURS = 256
SECONDS = 300.0


def take() -> Iterator[Path]:
    """Write the pictures, and yield their files."""
    program = find_browser()
    if program is None:
        raise SystemExit("docs: there is no Chromium; install it and try again")
    with demo() as pages, sync_playwright() as playwright:
        wait_for(lambda: len(_captures(pages["camera"])) >= CAPTURES, seconds=SECONDS, what=f"{CAPTURES} captures")
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        yield _take_gallery(browser, pages["gallery"])
        yield _take_live_page(browser, pages["camera"])
        browser.close()


@contextmanager
def demo() -> Iterator[dict[str, str]]:
    """Run the demo, and yield the addresses of its pages."""
    process = subprocess.Popen(["./demo", "--native"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        pages: dict[str, str] = {}
        for line in process.stdout or ():
            pages |= dict(ADDRESS.findall(line))
            if len(pages) == 2:  # noqa: PLR2004
                break
        yield pages
    finally:
        process.terminate()
        process.communicate()


def _take_gallery(browser: Browser, address: str) -> Path:
    page = _open(browser, address, height=640)
    page.wait_for_function(f"document.querySelectorAll('.tile img').length >= {CAPTURES}")
    page.wait_for_function("[...document.querySelectorAll('.tile img')].every((image) => image.complete)")
    return _save(page, "gallery.png")


def _take_live_page(browser: Browser, address: str) -> Path:
    page = _open(browser, address)
    page.wait_for_function("document.querySelector('#summary').className === 'ok'")
    page.wait_for_selector("svg rect.good", timeout=SECONDS * 1000)
    return _save(page, "live.png")


def _open(browser: Browser, address: str, height: int = SIZE["height"]) -> Page:
    page = browser.new_page(
        viewport={"width": SIZE["width"], "height": height}, color_scheme="light", locale="en-GB", bypass_csp=True
    )
    page.goto(address)
    return page


def _save(page: Page, name: str) -> Path:
    file = FOLDER / name
    page.screenshot(path=file)
    page.close()
    with Image.open(file) as whole:
        few = whole.convert("RGB").quantize(COLOURS)
    few.save(file, optimize=True)  # a third of the bytes
    return file


def _captures(address: str) -> list[object]:
    try:
        with urllib.request.urlopen(f"{address}/state.json", timeout=10) as answer:  # noqa: S310 (our own page)
            found: list[object] = json.load(answer)["captures"]
    except urllib.error.URLError:  # not up yet
        return []
    return found
