"""The gallery as somebody uses it who asks who came: visits, days and hours, several pictures at once."""

import dataclasses
import io
import json
import urllib.parse
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Route, expect
from playwright.sync_api import Page as Tab

from dev.harness.process import wait_for
from storage.capture import Capture
from tests.cloud.gallery.rig import SECONDS, Gallery, capture, gallery, put
from tests.cloud.rig import Bucket
from tests.support.pages.axe import in_every_look
from tests.support.pages.tabs import new_tab
from tests.support.pages.web import PHONE

TILES = "#days li"
NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
MONTH = 30
# The colour in the middle of a picture; and where the face of the whole frame is on the stage, and how wide, in shares.
MIDDLE = """image => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d");
  canvas.drawImage(image, image.naturalWidth / 2, image.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
}"""
PLACE_OF_FACE = """() => {
  const [stage, image] = ["stage", "large"].map((id) => document.getElementById(id).getBoundingClientRect());
  const scale = image.width / 1280;
  const [x, y] = [image.x - stage.x + 950 * scale, image.y - stage.y + 560 * scale];
  return [x / stage.width, y / stage.height, (100 * scale) / stage.width];
}"""


def visit(ago: timedelta, name: str, shots: int = 2, **said: str) -> list[Capture]:
    """So many shots a minute apart; the one before the last is the best."""
    first = round((NOW - ago - datetime(2026, 11, 20, 12, 0, tzinfo=UTC)) / timedelta(minutes=1))
    quality = [0.9 if number == max(shots - 2, 0) else 0.5 for number in range(shots)]
    return [capture(first + number, track=name, quality=str(quality[number]), **said) for number in range(shots)]


@pytest.fixture
def page(tmp_path: Path, settings: dict[str, str]) -> Iterator[Gallery]:
    with gallery(tmp_path, settings, GALLERY_DELETE="on") as page:
        yield page


@pytest.fixture
def tab(clock_tab: Tab) -> Tab:
    """A tab on the evening of a day in 2026."""
    clock_tab.clock.install(time=NOW)
    return clock_tab


def test_the_first_screen_says_who_came_and_a_visit_is_found_by_day_and_hour_in_three_actions(
    page: Gallery, tab: Tab, bucket: Bucket
) -> None:
    month = [visit(timedelta(days=day, hours=2 + day % 5), f"day-{day}") for day in range(MONTH)]
    today = visit(timedelta(minutes=30), "evening", 3, camera="bell") + visit(timedelta(hours=9), "morning", 1)
    keys = put(bucket, *(each for shots in month for each in shots), *today)

    tab.goto(page.address)
    expect(tab.locator("#headline")).to_have_text("Today: 3 visits. Last at 05:32 PM at bell.")
    expect(tab.locator("#headline")).to_be_in_viewport()
    first = tab.locator(TILES).first
    expect(first).to_contain_text("\u00d73")
    expect(first.locator("button")).to_have_attribute("title", keys[-3])  # the best one, not the last
    tab.get_by_role("button", name="Sunday, November 15: 1 visit").click()  # a week ago, 14:00 UTC
    tab.get_by_role("button", name="14:00: 1 visit").click()
    expect(tab.locator(TILES)).to_have_count(1)
    tab.locator(TILES).click()
    expect(tab.locator("#captured-at")).to_contain_text("November 15, 2026")
    tab.keyboard.press("Escape")

    tab.get_by_role("button", name="13:00: 0 visits").click()
    expect(tab.locator("#end")).to_have_text("No captures match.")
    tab.get_by_role("button", name="Previous day").click()
    expect(tab.locator(TILES)).to_have_count(1)
    tab.get_by_label("Show").select_option("all pictures")
    expect(tab.locator(TILES)).to_have_count(2)
    tab.reload()
    expect(tab.locator(TILES)).to_have_count(2)
    tab.get_by_role("button", name="Older days").click()
    expect(tab.locator("#day-strip .some")).to_have_count(14)


def test_many_are_chosen_downloaded_shared_and_deleted(page: Gallery, tab: Tab, bucket: Bucket) -> None:
    shots = [visit(timedelta(hours=3 + number), f"visit {number}", 2) for number in range(25)]
    put(bucket, *(each for pair in shots for each in pair), *visit(timedelta(hours=1), "other", 1))
    tab.goto(page.address)
    expect(tab.locator(TILES)).to_have_count(26)

    tab.locator(TILES).nth(1).click(modifiers=["Shift"])
    tab.locator(TILES).nth(25).click(modifiers=["Shift"])
    expect(tab.locator("#chosen")).to_have_text("25 visits: 50 pictures")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download ZIP").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
    assert sorted(found.values()) == sorted(each.image for pair in shots for each in pair)
    assert set(found) <= set(bucket.list_keys())
    taken = sorted(f"{each.captured_at:%Y-%m-%d}" for pair in shots for each in pair)
    assert download.value.suggested_filename == f"usbcam-{taken[0]}-to-{taken[-1]}.zip"

    tab.locator(TILES).nth(2).click()  # once more takes it back
    expect(tab.locator("#chosen")).to_have_text("24 visits: 48 pictures")
    tab.get_by_role("button", name="Share ...").click()
    tab.get_by_role("button", name="Create a link").click()
    expect(tab.locator("#set-shared-until")).to_contain_text("until")
    link = tab.locator("#set-url").input_value()
    assert_shown_without_us(tab, link, 48)
    tab.keyboard.press("Escape")

    tab.get_by_role("button", name="Delete", exact=True).click()
    expect(tab.locator(TILES)).to_have_count(2)
    tab.get_by_role("button", name="Undo").click()
    expect(tab.locator(TILES)).to_have_count(26)
    tab.locator(f"{TILES} button").first.focus()
    tab.keyboard.press("x")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("x")
    tab.get_by_role("button", name="Delete", exact=True).click()
    tab.clock.fast_forward(10_000)
    wait_for(lambda: len(page.keys()) == 48, seconds=SECONDS, what="the deletion")


def assert_shown_without_us(tab: Tab, link: str, number: int) -> None:
    other = tab.context.new_page()
    other.goto(link)
    expect(other.locator("img")).to_have_count(number)
    assert other.locator("img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    other.close()
    assert "X-Amz-Expires=604800" in link


def test_a_long_touch_chooses_on_a_phone(page: Gallery, browser: Browser, bucket: Bucket) -> None:
    put(bucket, *visit(timedelta(hours=1), "one", timezone="Asia/Tokyo"), *visit(timedelta(hours=2), "other"))
    tab = new_tab(browser, PHONE, has_touch=True, locale="de-AT", timezone_id="Europe/Vienna")
    tab.goto(page.address)
    expect(tab.locator(TILES)).to_have_count(2)
    touch = "(tile, name) => tile.dispatchEvent(new TouchEvent(name, {bubbles: true}))"

    tab.locator(f"{TILES} button").first.evaluate(touch, "touchstart")
    expect(tab.locator("#chosen")).to_have_text("1 Besuch: 2 Bilder")
    tab.locator(f"{TILES} button").first.evaluate("tile => tile.click()")  # the click of the same touch
    tab.locator(f"{TILES} button").last.tap()
    expect(tab.locator("#chosen")).to_have_text("2 Besuche: 4 Bilder")

    assert tab.evaluate("document.documentElement.lang") == "de"
    expect(tab.locator(f"{TILES} b").first).to_have_text("18:01 \u00d72")
    tab.get_by_role("button", name="Abbrechen").tap()
    tab.locator(f"{TILES} button").first.tap()
    expect(tab.locator("#captured-at")).to_contain_text("18:00:00")
    expect(tab.locator("#camera-time")).to_contain_text("23. November 2026 um 02:00:00 bei der Kamera (Asia/Tokyo)")
    tab.context.close()


def test_nothing_keeps_anybody_out(page: Gallery, tab: Tab, bucket: Bucket) -> None:
    put(
        bucket,
        *visit(timedelta(hours=1), "one", 3),
        *visit(timedelta(hours=3), "other"),
        *visit(timedelta(hours=9), "c"),
    )
    tab.goto(f"{page.address}/?day=2026-11-22")
    expect(tab.locator("#hour-strip .some")).to_have_count(3)
    assert in_every_look(tab) == {}
    tab.keyboard.press("Tab")
    expect(tab.get_by_text("Skip to the pictures")).to_be_focused()
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    expect(tab.locator(f"{TILES} button").first).to_be_focused()

    tab.keyboard.press("End")
    tab.keyboard.press("ArrowLeft")
    expect(tab.locator(f"{TILES} button").nth(1)).to_be_focused()
    tab.keyboard.press("x")
    expect(tab.locator("#selection")).to_be_visible()
    assert in_every_look(tab) == {}
    tab.keyboard.press("Escape")
    tab.keyboard.press("?")
    expect(tab.locator("#keys")).to_be_visible()
    assert in_every_look(tab) == {}
    tab.keyboard.press("Escape")

    tab.locator(TILES).first.click()
    expect(tab.locator("#shots li")).to_have_count(3)
    tab.get_by_text("Technical facts").click()
    tab.get_by_role("button", name="Share ...").click()
    assert in_every_look(tab) == {}
    tab.keyboard.press("z")
    expect(tab.locator("#zoom")).to_have_attribute("aria-pressed", "true")
    tab.keyboard.press("Escape")
    tab.goto(f"{page.address}/?day=2026-01-01")
    expect(tab.locator("#end")).to_have_text("No captures match.")
    assert in_every_look(tab) == {}


def test_the_login_keeps_nobody_out(tmp_path: Path, settings: dict[str, str], bucket: Bucket, tab: Tab) -> None:
    put(bucket, capture(1))
    with gallery(tmp_path, settings, GALLERY_PASSWORD="open sesame") as page:
        tab.goto(page.address)
        tab.get_by_label("Password").fill("guess")
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("alert")).to_have_text(
            "Wrong password. After many attempts, wait a minute before the next one."
        )
        expect(tab.get_by_label("Password")).to_have_attribute("aria-describedby", "wrong where")
        assert in_every_look(tab) == {}
        tab.get_by_label("Password").fill("open sesame")
        tab.keyboard.press("Enter")
        tab.locator(TILES).click()

        expect(tab.get_by_role("button", name="Delete ...")).to_be_visible()  # GALLERY_DELETE is not set


# What the page asks


def test_visits_are_counted_where_they_begin(page: Gallery, bucket: Bucket) -> None:
    hour = timedelta(hours=1)
    put(bucket, *visit(3 * hour + timedelta(minutes=1), "over the hour", 3), *visit(hour / 2, "last", 2))
    put(bucket, *visit(2 * hour - timedelta(minutes=5), "elsewhere", 1, edge="attic", camera="roof"))
    at = ",".join(str(int((NOW - number * hour).timestamp())) for number in (4, 3, 2, 1, 0))

    def counted(**query: str) -> list[tuple[int, int]]:
        def complete() -> Any:
            answer = page.get("/api/counts", **query)
            return answer if answer["complete"] else None

        answer = wait_for(complete, seconds=SECONDS, what="all counts")
        return [(span["captures"], span["visits"]) for span in answer["spans"]]

    assert counted(at=at) == [(1, 1), (2, 0), (1, 1), (2, 1)]
    assert counted(at=at, edge="porch") == [(1, 1), (2, 0), (0, 0), (2, 1)]
    assert counted(at=at, camera="roof")[2] == (1, 1)
    for wrong in ("", "1", "2,1", "1,x", "1," + "9" * 30, ",".join(map(str, range(80)))):
        assert "at must be" in page.problem("/api/counts", at=wrong)
    assert "limit must be" in page.problem("/api/captures", limit="61")


def test_a_zip_file_and_a_shared_page_hold_captures_alone(page: Gallery, bucket: Bucket) -> None:
    keys = put(bucket, capture(1), capture(2))
    secret = keys[0].replace(keys[0][-12:-4], "00000000")
    bucket.client.put_object(Bucket=bucket.name, Key=secret, Body=b"no capture", ContentType="image/png")

    def zipped(chosen: object) -> tuple[int, bytes]:
        answer = page.ask("/api/zip", "POST", f"keys={urllib.parse.quote(json.dumps(chosen))}")
        return answer.status, answer.body

    gone = keys[1].replace(keys[1][-12:-4], "11111111")
    status, body = zipped([*keys, secret, gone, keys[0]])
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert sorted(archive.namelist()) == sorted([*keys, "missing.txt"])
        assert archive.read("missing.txt").decode().split() == [secret, gone]
    assert status == 200
    refused: list[object] = [[], {}, "x", ["../x"], ["rejected/a.bin"], None]
    assert {zipped(each)[0] for each in refused} == {400}
    assert page.post("/api/share", {"keys": [keys[0], secret]}) == 404
    assert page.post("/api/share", {"keys": keys, "expires": "8d"}) == 400
    assert page.post("/api/share", {"keys": keys, "title": "<script>window.hurt=1</script>"}) == 200
    (shared,) = bucket.list_keys(".usbcam-shared/")
    assert b"<script>window" not in bucket.read(shared)[0]
    assert sorted(page.keys()) == sorted([*keys, secret])  # the shared page is no capture


def test_of_a_whole_frame_the_tile_shows_the_face_and_the_zoom_goes_to_it(
    page: Gallery, tab: Tab, bucket: Bucket
) -> None:
    room = Image.new("RGB", (1280, 720), "navy")
    room.paste("orange", (900, 500, 1000, 620))  # the face, far from the middle
    file = io.BytesIO()
    room.save(file, "PNG")
    whole = dataclasses.replace(
        *visit(timedelta(minutes=5), "frame", 1, picture="frame", box="900,500,100,120"), image=file.getvalue()
    )
    put(bucket, whole)

    tab.goto(page.address)
    tile = tab.locator(f"{TILES} img").first
    expect(tile).to_have_js_property("complete", value=True)
    assert tile.evaluate(MIDDLE)[0] > 200  # orange
    tab.locator(TILES).click()
    expect(tab.locator("#captured-at")).to_contain_text("2026")
    expect(tab.locator("#large")).to_have_js_property("naturalWidth", 1280)
    tab.keyboard.press("z")
    left, top, width = tab.evaluate(PLACE_OF_FACE)
    assert (round(left, 1), round(top, 1)) == (0.5, 0.5)
    assert 0.2 < width < 0.5


def test_what_is_counted_waits_for_the_pictures(page: Gallery, tab: Tab, bucket: Bucket) -> None:
    put(bucket, *visit(timedelta(hours=1), "evening"))
    asked: list[str] = []
    held: list[Route] = []
    tab.on("request", lambda request: asked.append(urllib.parse.urlsplit(request.url).path))
    tab.route("**/api/captures?*", lambda route: route.continue_() if held else held.append(route))

    tab.goto(page.address)
    expect(tab.locator("#headline")).to_contain_text("Today: 1 visit.")
    counted = {"/api/counts", "/api/camera-counts", "/api/oldest"}
    assert held
    assert not counted & set(asked)
    held[0].continue_()

    expect(tab.locator("#day-strip .some")).to_have_count(1)
    assert counted <= set(asked)
