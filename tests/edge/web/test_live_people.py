"""The live page as somebody uses it who looks after several cameras: one program, asked for many things."""

import json
import re
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as Tab

from dev.harness.process import wait_for
from tests.edge.web.page import START_SECONDS, Page, live
from tests.support.pages.axe import in_every_look
from tests.support.pages.tabs import new_tab

GALLERY = "https://gallery.example.com/"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    settings = {"CAMERAS": "front=demo back=demo", "DETECTIONS_PER_SECOND": "3", "GALLERY_URL": GALLERY}
    size = {"FRAME_WIDTH": "320", "FRAME_HEIGHT": "240", "MIN_FACE_PX": "20"}
    with live(tmp_path_factory.mktemp("live"), **size, **settings) as page:
        yield page


def test_it_has_everything_in_the_persons_order_and_keeps_nobody_out(page: Page, tab: Tab) -> None:
    tab.goto(page.address)
    expect(tab.locator("#captures li").first).to_be_visible()
    order = [tab.locator(part).bounding_box() for part in ("#banner", "#cameras", "#captures", "#plumbing")]
    tops = [box["y"] for box in order if box]
    assert tops == sorted(tops)
    assert len(tops) == 4
    expect(tab.locator("#pipeline")).to_be_hidden()
    expect(tab.get_by_role("link", name="All pictures")).to_have_attribute("href", GALLERY)
    assert in_every_look(tab) == {}
    tab.locator("#copy-command").click()
    expect(tab.locator("#copy-command")).to_have_text("Copied")
    expect(tab.locator("#copy-command")).to_have_text("Copy")

    tab.get_by_text("Delivery and figures").click()
    for figures in tab.locator(".figures summary").all():
        figures.click()
    expect(tab.locator("#pipeline")).to_be_visible()
    tab.locator("#captures button").first.click()
    tab.get_by_text("Technical facts").click()
    assert in_every_look(tab) == {}


def test_one_of_several_is_enlarged_and_another_one_gives_way(page: Page, tab: Tab) -> None:
    tab.goto(page.address)
    expect(tab.locator(".camera")).to_have_count(2)
    narrow = tab.locator(".camera").first.bounding_box()
    assert narrow

    tab.get_by_role("button", name="Enlarge").first.click()
    wide = tab.locator(".camera").first.bounding_box()
    assert wide
    assert wide["width"] > 1.5 * narrow["width"]
    tab.get_by_role("button", name="Enlarge").last.click()

    expect(tab.locator(".camera.large h2")).to_have_text("back")


def test_masks_are_drawn_by_mouse_or_keys_and_apply_at_once(page: Page, tab: Tab) -> None:
    tab.goto(page.address)
    card = tab.locator(".camera", has=tab.get_by_role("heading", name="front"))
    card.get_by_role("button", name="Masks", exact=True).click()
    wait_for(lambda: is_bright(page), seconds=START_SECONDS, what="a picture")
    canvas = card.locator(".drawing")
    box = canvas.bounding_box()
    assert box

    for x, y in ((0.02, 0.02), (0.4, 0.02), (0.4, 0.98), (0.02, 0.98), (0.02, 0.02)):
        canvas.click(position={"x": x * box["width"], "y": y * box["height"]})
    expect(card.get_by_role("button", name="Remove mask")).to_have_count(1)
    wait_for(lambda: not is_bright(page), seconds=START_SECONDS, what="the mask in the picture")
    canvas.focus()
    around = (*["ArrowRight"] * 5, "Enter", *["ArrowUp"] * 5, "Enter", *["ArrowLeft"] * 5, *["ArrowDown"] * 5, "Enter")
    for key in ("Enter", *around):
        canvas.press(key)
    expect(card.get_by_role("button", name="Remove mask")).to_have_count(2)
    assert in_every_look(tab) == {}
    tab.reload()
    card.get_by_role("button", name="Masks", exact=True).click()
    expect(card.locator(".drawing .mask")).to_have_count(2)
    card.get_by_role("button", name="Remove mask 1").click()
    expect(card.get_by_role("button", name="Remove mask")).to_have_count(1)

    wait_for(lambda: is_bright(page), seconds=START_SECONDS, what="the picture without the mask")
    outside, nowhere = [[0, 0], [1, 1], [2, 0]], [[0, "nan"], [1, 1], [0, 1]]
    refused: list[object] = [{}, [], *({"polygons": [corners]} for corners in ([[0, 0], [1, 1]], outside, nowhere, 3))]
    for wrong in refused:
        answer = page.ask("/cameras/front/masks", "POST", json.dumps(wrong))
        assert (answer.status, "at least 3 corners" in answer.body.decode()) == (400, True)
    assert page.ask("/cameras/side/masks").status == 404


def is_bright(page: Page) -> bool:
    """Whether anything is seen where the mask is, away from its border."""
    answer = page.ask("/cameras/front/preview.jpg")
    image = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR) if answer.status == 200 else None
    return image is not None and image[24:-24, 24:112].max() > 30


def test_a_pause_is_told_in_the_browsers_language(page: Page, browser: Browser) -> None:
    tab = new_tab(browser, locale="de-DE", timezone_id="Europe/Berlin")
    tab.goto(page.address)
    card = tab.locator(".camera", has=tab.get_by_role("heading", name="back"))

    card.get_by_role("button", name="Pause").click()

    expect(card.locator(".veil")).to_have_text(re.compile(r"^Pause\s+seit \d\d:\d\d$"))
    assert tab.evaluate("document.documentElement.lang") == "de"
    card.get_by_role("button", name="Fortsetzen").click()
    expect(card.locator(".veil")).to_be_hidden()
    tab.context.close()
