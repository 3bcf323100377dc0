"""The live page with real brokers, bridge, uploader and store: a capture until it is in S3."""

from functools import partial

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import Error as PlaywrightError

from dev.harness.process import LOOPBACK, free_port, wait_for
from tests.support.pages.tabs import new_tab
from tests.support.programs.journey import START_SECONDS, Journey

MILLISECONDS = 1000 * START_SECONDS


@pytest.fixture
def mosquitto_image() -> None:
    """The page is the same before either Mosquitto."""


def test_a_capture_is_seen_to_reach_the_bucket_and_all_is_well(journey: Journey, browser: Browser) -> None:
    port = free_port()
    journey.uploader()
    journey.camera(LIVE_PORT=str(port), CAPTURE_POLICY="best")
    journey.wait_for_objects(1)
    tab = new_tab(browser)

    tab.goto(f"http://{LOOPBACK}:{port}")
    expect(tab.locator("#captures .state.ok").last).to_have_text("in S3", timeout=MILLISECONDS)
    expect(tab.locator("#summary")).to_have_text("Everything works", timeout=MILLISECONDS)
    tab.locator("#captures button").last.click()
    facts = tab.locator("#viewer-facts")
    expect(facts).to_contain_text("S3 key")
    assert any(key in f"{facts.text_content()}" for key in journey.objects())  # of a visit, the best one is shown
    tab.close()


def opens(tab: Page, address: str) -> bool:
    """Go there; a reload of the browser's own error page may succeed, too, and show no more than that page."""
    try:
        return tab.goto(address) is not None
    except PlaywrightError:
        return False


def test_a_pause_by_a_click_lasts_over_a_restart(journey: Journey, browser: Browser) -> None:
    port = free_port()
    camera = journey.camera(LIVE_PORT=str(port))
    wait_for(lambda: "Live page: " in camera.tail(50), seconds=START_SECONDS, what="the live page")
    tab, address = new_tab(browser), f"http://{LOOPBACK}:{port}"
    tab.goto(address)
    expect(tab.locator("#pipeline li.ok").filter(has_text="Broker")).to_have_count(1, timeout=MILLISECONDS)
    tab.get_by_role("button", name="Pause").click()
    expect(tab.locator(".veil")).to_contain_text("Paused", timeout=MILLISECONDS)
    camera.kill()

    journey.camera(LIVE_PORT=str(port))
    wait_for(partial(opens, tab, address), seconds=START_SECONDS, what="the live page again")

    expect(tab.locator(".veil")).to_contain_text("Paused", timeout=MILLISECONDS)
    tab.close()
