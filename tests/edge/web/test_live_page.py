"""The live page in a browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.edge.web.page import Page, live
from tests.support.pages.web import PHONE


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with live(tmp_path) as page:
        yield page


def test_faces_are_seen_in_boxes_and_captures_come_without_a_reload(page: Page, tab: Tab) -> None:
    tab.goto(page.address)

    expect(tab.get_by_alt_text("What the camera door sees")).to_be_visible()
    tab.wait_for_selector(".camera svg rect", state="attached")
    box = tab.locator(".camera svg rect").first.get_attribute("width")
    expect(tab.locator("#captures li").first).to_be_visible()

    assert float(box or 0) > 30
    assert tab.get_by_alt_text("What the camera door sees").evaluate("image => image.naturalWidth") == 640
    assert tab.locator("#captures img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 50


def test_a_click_pauses_the_camera_and_another_one_resumes_it(page: Page, tab: Tab) -> None:
    tab.goto(page.address)

    tab.get_by_role("button", name="Pause").click()
    expect(tab.locator(".veil")).to_have_text(re.compile(r"^Paused\s+since \d\d:\d\d [AP]M$"))
    expect(tab.locator("#pipeline li").first).to_have_class("paused")  # which is nothing to worry about
    assert page.camera()["state"] == "paused"
    expect(tab.get_by_alt_text("What the camera door sees")).not_to_have_attribute("src", re.compile(".*"))
    tab.get_by_role("button", name="Resume").click()
    expect(tab.get_by_role("button", name="Pause")).to_be_visible()
    expect(tab.locator(".veil")).to_be_hidden()

    assert page.camera()["state"] != "paused"


def test_a_capture_opens_large_and_closes_by_the_keyboard(page: Page, tab: Tab) -> None:
    tab.goto(page.address)

    tab.locator("#captures button").first.click()
    expect(tab.locator("#viewer")).to_be_visible()
    expect(tab.locator("#viewer-facts")).to_contain_text(re.compile("first of the visit|better than the ones before"))
    tab.keyboard.press("Escape")

    expect(tab.locator("#viewer")).to_be_hidden()


def test_it_says_at_a_glance_what_is_wrong(page: Page, tab: Tab) -> None:
    tab.goto(page.address)

    expect(tab.locator("#summary")).to_contain_text("Something is wrong: Broker")
    expect(tab.locator("#pipeline .error")).to_contain_text("EDGE_BROKER_HOST")
    expect(tab.locator("#wrong")).to_have_text("The edge broker does not answer.")
    expect(tab.locator("#meaning")).to_have_text(
        re.compile(r"^\d+ pictures? (is|are) safe here and will be sent later.$")
    )
    expect(tab.locator("#command")).to_have_text("sh mosquitto/edge/start.sh")  # the tests' parts are plain processes


def test_it_fits_a_phone(page: Page, tab: Tab) -> None:
    tab.set_viewport_size(PHONE)
    tab.goto(page.address)
    expect(tab.locator("#captures li").first).to_be_visible()

    assert tab.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_it_says_when_the_camera_has_gone_and_when_it_is_back(tmp_path: Path, tab: Tab) -> None:
    with live(tmp_path) as page:
        tab.goto(page.address)
        expect(tab.locator("#pipeline li")).to_have_count(5)
    expect(tab.locator("#summary")).to_contain_text("does not answer")
    expect(tab.locator("#pipeline")).to_have_class("lost")
    colours = "lights => lights.map((light) => getComputedStyle(light, '::before').backgroundColor)"
    assert len(set(tab.locator("#pipeline b").evaluate_all(colours))) == 1  # all are grey
    expect(tab.locator("#meaning")).to_contain_text("This page shows the state at")

    with live(tmp_path, LIVE_PORT=str(page.port)):
        expect(tab.locator("#summary")).not_to_contain_text("does not answer")


def test_the_password_is_asked_for_and_opens(tmp_path: Path, tab: Tab) -> None:
    with live(tmp_path, LIVE_PASSWORD="open sesame") as page:
        tab.goto(page.address)
        tab.get_by_label("Password").fill("guess")
        tab.get_by_role("button", name="Log in").click()
        expect(tab.get_by_text("Wrong password.")).to_be_visible()

        tab.get_by_label("Password").fill("open sesame")
        tab.keyboard.press("Enter")
        expect(tab.locator("#pipeline li")).to_have_count(5)
        tab.get_by_role("button", name="Log out").click()
        expect(tab.get_by_label("Password")).to_be_visible()
