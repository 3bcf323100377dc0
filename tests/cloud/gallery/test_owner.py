"""What an owner looks for first in the gallery: are all cameras fine, what is new, where is that day. One page."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as Tab

from common.contract.times import timestamp
from dev.documents.shown.month import KEY, SECRET, Month, month, well
from dev.harness.process import wait_for
from dev.harness.services import s3_client
from tests.support.web import Site

TILES = "#days .tile"
SECONDS = 30.0


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    with month(tmp_path_factory.mktemp("month"), days=40) as shown:
        site = Site(int(shown.address.rpartition(":")[2]))
        wait_for(site.answers, seconds=SECONDS, what="the gallery")
        yield shown


def test_the_first_line_says_whether_all_cameras_are_fine_and_leads_to_them(shown: Month, tab: Tab) -> None:
    tab.goto(shown.address)
    link = tab.locator("#cameras")
    expect(link).to_have_text("All 3 cameras are fine.")
    expect(link).to_be_in_viewport()

    since = timestamp(datetime.now(UTC))
    shown.statuses["home", "garden"] = well(blind="covered", blind_since=since)
    expect(link).to_have_text("home / garden needs attention.")
    shown.statuses["workshop", "gate"] = well(state="paused")  # is nothing wrong
    shown.statuses["home", "front-door"] = well(problem="The camera is unplugged.")
    expect(link).to_have_text("2 of 3 cameras need attention.")
    link.click()
    expect(tab.locator("#edges")).to_contain_text("Sees nothing: covered")
    expect(tab.locator("#edges")).to_contain_text("The camera is unplugged.")
    for camera in shown.statuses:
        shown.statuses[camera] = well()


def test_a_day_of_last_month_is_two_clicks_away_and_all_days_lie_at_the_right(shown: Month, browser: Browser) -> None:
    tab = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
    tab.goto(shown.address)
    day = datetime.now().astimezone() - timedelta(days=32)
    tab.get_by_role("button", name="Month", exact=True).click()
    while tab.locator("#month-title").inner_text() != f"{day:%B %Y}":
        tab.get_by_role("button", name="Earlier month").click()
    found = tab.locator(f'#month-days [data-value="{day:%Y-%m-%d}"]')
    expect(found).to_have_class("some")
    found.click()
    expect(tab.locator("#month")).to_be_hidden()
    expect(tab.locator("#days .day")).to_have_count(1)
    tab.get_by_role("button", name="Show all").click()

    rail = tab.get_by_role("slider", name="Go to a day")
    expect(rail).to_have_attribute("max", "39")
    rail.focus()
    tab.keyboard.press("End")
    oldest = datetime.now().astimezone() - timedelta(days=39)
    expect(rail).to_have_attribute("aria-valuetext", f"{oldest:%A, %-d %B %Y}")
    expect(tab.locator("#days .day h2").first).to_have_text(f"{oldest:%A, %-d %B %Y}")
    tab.keyboard.press("Home")
    expect(tab.locator("#days .day").nth(2)).to_be_attached()
    assert "until" not in tab.url
    tab.close()


def test_filters_say_how_many_visits_each_has(shown: Month, tab: Tab) -> None:
    tab.goto(shown.address)
    expect(tab.locator("#edge option")).to_contain_text(["all", "home: ", "workshop: "])
    counted = tab.locator("#camera option").all_inner_texts()[1:]
    strip = sum(int(text) for text in tab.locator("#day-strip .count").all_inner_texts() if text)

    assert sum(int(text.partition(": ")[2].split()[0]) for text in counted) == strip


def test_a_line_is_drawn_at_what_was_seen_and_what_is_gone_has_no_tile(shown: Month, tab: Tab) -> None:
    client = s3_client(_endpoint(shown), KEY, SECRET)
    tab.goto(shown.address)
    keys = [tab.locator(TILES).nth(place).get_attribute("title") for place in range(3)]
    seen = f"{keys[2]}"
    at = tab.evaluate("key => fetch(`/api/capture?key=${encodeURIComponent(key)}`).then((a) => a.json())", seen)
    newest = at["visit"][-1]
    client.delete_object(Bucket="porch-and-garden", Key=f"{keys[0]}")  # by somebody else
    tab.add_init_script(f"localStorage.setItem('usbcam seen until', '{newest['at']}{newest['key']}')")
    tab.route(
        lambda url: "/thumbnail?" in url and quote(f"{keys[0]}", safe="") in url,
        lambda route: route.fulfill(status=404),
    )
    tab.goto(shown.address)

    expect(tab.locator(".seen-line")).to_have_text("Seen up to here")
    after = tab.locator(".seen-line + li .tile")
    expect(after).to_have_attribute("title", seen)
    expect(tab.locator(f'[title="{keys[0]}"]')).to_have_count(0)


def _endpoint(shown: Month) -> str:
    return next(word for word in shown.parts["gallery"].environment.values() if word.startswith("http://"))
