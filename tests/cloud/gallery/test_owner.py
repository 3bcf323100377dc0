"""What an owner looks for first in the gallery: are all cameras fine, what is new, where is that day. One page."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as Tab

from common.contract.times import timestamp
from dev.documents.shown.month import BUCKET, KEY, SECRET, Month, month, well
from dev.harness.process import wait_for
from dev.harness.services import s3_client
from storage.keys.folders import STARRED_FOLDER
from storage.star import read_tags
from tests.support.pages.tabs import new_tab
from tests.support.pages.web import Site

TILES = "#days .tile:visible"  # those of poor pictures are folded
SECONDS = 30.0


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    with month(tmp_path_factory.mktemp("month"), days=40, people=2, hours=(8, 18)) as shown:
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
    tab = new_tab(browser, {"width": 1280, "height": 800}, locale="en-GB")
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
    tab.context.close()


def test_filters_say_how_many_visits_each_has(shown: Month, tab: Tab) -> None:
    tab.goto(shown.address)
    expect(tab.locator("#edge option")).to_contain_text(["all", "home: ", "workshop: "])
    expect(tab.locator("#day-strip .count", has_text="\N{EN DASH}")).to_have_count(0)  # all are counted
    counted = tab.locator("#camera option").all_inner_texts()[1:]
    strip = sum(int(text) for text in tab.locator("#day-strip .count").all_inner_texts() if text)

    assert sum(int(text.partition(": ")[2].split()[0]) for text in counted) == strip


def test_a_line_is_drawn_at_what_was_seen_and_what_is_gone_has_no_tile(shown: Month, tab: Tab) -> None:
    client = s3_client(_endpoint(shown), KEY, SECRET)
    # From the start: the browser shows again what it has in memory, also of what is gone.
    tab.route("**/thumbnail?*", lambda route: route.fulfill(status=404))
    tab.goto(shown.address)
    keys = [tab.locator(TILES).nth(place).get_attribute("title") for place in range(3)]
    seen = f"{keys[2]}"
    at = tab.evaluate("key => fetch(`/api/capture?key=${encodeURIComponent(key)}`).then((a) => a.json())", seen)
    newest = at["visit"][-1]
    client.delete_object(Bucket=BUCKET, Key=f"{keys[0]}")  # by somebody else
    seen_until = f"localStorage.setItem('usbcam seen until', '{newest['at']}{newest['key']}')"
    tab.add_init_script(f"if (location.origin === '{shown.address}') {seen_until}")  # others use the tab later
    tab.goto(shown.address)

    expect(tab.locator(".seen-line")).to_have_text("Seen up to here")
    after = tab.locator(".seen-line + li .tile")
    expect(after).to_have_attribute("title", seen)
    expect(tab.locator(f'[title="{keys[0]}"]')).to_have_count(0)


def test_a_star_keeps_a_picture_where_setup_made_the_rule_and_says_so_where_not(shown: Month, tab: Tab) -> None:
    client = s3_client(_endpoint(shown), KEY, SECRET)

    def rule(chosen: Any) -> None:
        rules: Any = [{"ID": "usbcam", "Status": "Enabled", "Filter": chosen, "Expiration": {"Days": 30}}]
        client.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": rules})

    rule({"Tag": {"Key": "usbcam", "Value": "expires"}})
    tab.goto(f"{shown.address}/?view=starred")
    expect(tab.locator("#end")).to_have_text("No captures match.")
    tab.goto(shown.address)
    key = f"{tab.locator(TILES).nth(1).get_attribute('title')}"
    client.put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": [{"Key": "usbcam", "Value": "expires"}]})
    tab.locator(TILES).nth(1).click()
    tab.get_by_role("button", name="Star", exact=True).click()
    expect(tab.locator("#star-note")).to_have_text("It is kept beyond its retention time.")
    assert read_tags(client, BUCKET, key) == {"usbcam": "starred"}
    tab.keyboard.press("Escape")
    expect(tab.locator(".starred .tile")).to_have_attribute("title", key)

    tab.get_by_label("Show").select_option("starred pictures")
    expect(tab.locator(TILES)).to_have_count(1)
    tab.locator(TILES).click()
    tab.get_by_role("button", name="Remove the star").click()
    expect(tab.get_by_role("button", name="Star", exact=True)).to_be_visible()
    assert read_tags(client, BUCKET, key) == {"usbcam": "expires"}
    assert client.list_objects_v2(Bucket=BUCKET, Prefix=STARRED_FOLDER)["KeyCount"] == 0

    rule({"Prefix": ""})  # as setup left it before there were stars
    tab.keyboard.press("s")
    expect(tab.locator("#star-note")).to_contain_text("still be deleted at its age limit")
    client.delete_bucket_lifecycle(Bucket=BUCKET)
    site = Site(int(shown.address.rpartition(":")[2]))
    wrong: list[Any] = [{}, [], {"keys": [key]}, {"keys": [key], "starred": 1}, {"keys": ["../x"], "starred": True}]
    for body in wrong:
        assert site.ask("/api/star", "POST", json.dumps(body)).status == 400
    gone = key.replace(key[-12:-4], "00000000")
    assert site.ask("/api/star", "POST", json.dumps({"keys": [gone], "starred": True})).status == 404
    assert json.loads(site.ask("/api/star", "POST", json.dumps({"keys": [key], "starred": True})).body)["kept"]


def _endpoint(shown: Month) -> str:
    return next(word for word in shown.parts["gallery"].environment.values() if word.startswith("http://"))
