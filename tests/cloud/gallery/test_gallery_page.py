"""The gallery in a browser, with a real uploader behind it."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from dev.harness.process import wait_for
from tests.cloud.gallery.rig import SECONDS, Gallery, capture, gallery, put, put_fleet
from tests.cloud.rig import Broker, Bucket, Edge, S3Proxy, Uploaders
from tests.support.images import pictures
from tests.support.pages.web import PHONE

HURT = "<script>window.hurt=1</script><img src=x onerror=window.hurt=1>"
TILES = "#days li"


@pytest.fixture
def page(tmp_path: Path, settings: dict[str, str]) -> Iterator[Gallery]:
    with gallery(tmp_path, settings, GALLERY_DELETE="on") as page:
        yield page


def opened(tab: Tab, page: Gallery, tiles: int) -> None:
    """Open the page, and wait until it shows so many pictures."""
    tab.goto(page.address)
    expect(tab.locator(TILES)).to_have_count(tiles)


def shown(tab: Tab) -> list[str]:
    """The keys of the tiles, in the page's order."""
    found: list[str] = tab.locator(f"{TILES} button").evaluate_all("tiles => tiles.map((tile) => tile.title)")
    return found


def test_a_new_face_appears_without_a_reload(page: Gallery, tab: Tab, edge: Edge, uploaders: Uploaders) -> None:
    uploaders.start_healthy()
    opened(tab, page, 0)
    expect(tab.locator("#live")).to_have_text("Live")
    expect(tab.locator("#end")).to_contain_text("No captures yet")
    tab.evaluate("window.stayed = true")
    picture = pictures.png(1, side=64)

    edge.send(picture)

    expect(tab.locator(TILES)).to_have_count(1)
    key = wait_for(lambda: edge.stored().get(pictures.identity(picture)), seconds=SECONDS, what="the receipt")
    assert shown(tab) == [key]
    assert tab.evaluate("window.stayed")
    assert tab.locator(f"{TILES} img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    assert tab.locator("#edge option").all_inner_texts() == ["all", "porch"]


def test_new_pictures_take_their_place_in_time_and_fit_the_filter(
    page: Gallery, tab: Tab, edge: Edge, uploaders: Uploaders, bucket: Bucket
) -> None:
    put(bucket, capture(10), capture(30))
    uploaders.start_healthy()
    tab.goto(f"{page.address}/?camera=door")
    expect(tab.locator(TILES)).to_have_count(2)
    expect(tab.locator("#live")).to_have_text("Live")
    others = [capture(20, camera="bell"), capture(20), capture(40)]

    for other in others:
        edge.send(other.image, dict(other.metadata))

    expect(tab.locator(TILES)).to_have_count(4)
    assert [key.rpartition("/")[2][9:13] for key in shown(tab)] == ["1240", "1230", "1220", "1210"]
    assert {key.split("/")[1] for key in shown(tab)} == {"door"}


def test_poor_pictures_are_folded_until_somebody_asks(page: Gallery, tab: Tab, bucket: Bucket) -> None:
    put(bucket, capture(10), capture(20, poor="dark"), capture(30, poor="turned"))

    opened(tab, page, 3)

    expect(tab.locator("#poor")).to_have_text("Show 2 visits without a good picture")
    expect(tab.locator(f"{TILES}:visible")).to_have_count(1)
    tab.locator("#poor").click()
    expect(tab.locator(f"{TILES}:visible")).to_have_count(3)
    expect(tab.locator(f"{TILES}.poor").first).to_contain_text("turned away")


def test_filters_choose_and_the_address_keeps_them(page: Gallery, tab: Tab, bucket: Bucket) -> None:
    put(bucket, capture(1), capture(2, camera="bell"), capture(3, edge="attic"), capture(3000))
    opened(tab, page, 4)

    tab.get_by_label("Edge").select_option("porch")
    expect(tab.locator(TILES)).to_have_count(3)
    tab.get_by_label("Camera").select_option("door")
    expect(tab.locator(TILES)).to_have_count(2)
    tab.get_by_label("Day", exact=True).fill("2026-11-22")
    expect(tab.locator(TILES)).to_have_count(1)
    assert "edge=porch" in tab.url
    tab.reload()
    expect(tab.locator(TILES)).to_have_count(1)
    tab.go_back()
    expect(tab.locator(TILES)).to_have_count(2)
    tab.get_by_role("button", name="Show all").click()
    expect(tab.locator(TILES)).to_have_count(4)


def test_of_a_fleet_of_more_edges_than_are_looked_through_together_one_can_be_chosen(
    page: Gallery, tab: Tab, bucket: Bucket
) -> None:
    fleet = [f"edge-{number:03d}" for number in range(501)]
    put_fleet(bucket, fleet)
    tab.goto(page.address)
    expect(tab.locator("#problem")).to_have_text("There are 501 edges: choose one.")

    tab.get_by_label("Edge").select_option(fleet[7])

    expect(tab.locator(TILES)).to_have_count(1)
    expect(tab.locator("#problem")).to_be_hidden()
    assert page.problem("/api/captures") == "There are 501 edges: choose one."
    assert len(page.keys(edge=fleet[0])) == 1


def test_scrolling_brings_older_pictures_until_the_end(page: Gallery, tab: Tab, bucket: Bucket) -> None:
    put(bucket, *(capture(-37 * number) for number in range(125)))
    tab.goto(page.address)
    expect(tab.locator(TILES).first).to_be_visible()

    def at_the_end() -> bool:
        tab.mouse.wheel(0, 5000)
        return tab.locator("#end").inner_text() == "End of the list."

    wait_for(at_the_end, seconds=SECONDS, what="the end of the page")
    keys = shown(tab)
    assert len(set(keys)) == 125
    assert keys == sorted(keys, key=lambda key: key.rpartition("/")[2], reverse=True)


def test_a_picture_opens_with_what_is_known_and_keys_turn_the_pages(page: Gallery, tab: Tab, bucket: Bucket) -> None:
    shots = [capture(number, track="9f2c", shot=shot, quality="0.71") for number, shot in enumerate(["first", "last"])]
    keys = put(bucket, *shots, capture(5))
    opened(tab, page, 2)

    tab.locator(TILES).nth(1).click()
    expect(tab.locator("#place")).to_contain_text("porch")
    tab.get_by_text("Technical facts").click()
    expect(tab.locator("#facts")).to_contain_text("71 %")
    expect(tab.locator("#shots li")).to_have_count(2)
    assert tab.locator("#large").evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    tab.keyboard.press("ArrowUp")
    expect(tab.locator("#facts")).to_contain_text(keys[0])
    expect(tab.get_by_alt_text("A face at porch / door, Friday, November 20")).to_be_visible()
    tab.keyboard.press("ArrowDown")
    expect(tab.locator("#facts")).to_contain_text(keys[1])
    tab.keyboard.press("ArrowLeft")
    expect(tab.locator("#facts")).to_contain_text(keys[2])
    expect(tab.locator("#visit")).to_be_hidden()
    tab.keyboard.press("Escape")

    expect(tab.locator("#viewer")).to_be_hidden()
    expect(tab.locator(f"{TILES} button").first).to_be_focused()
    assert "key=" not in tab.url


def test_a_shared_link_opens_the_picture_and_stops_after_its_time(
    tab: Tab, bucket: Bucket, tmp_path: Path, settings: dict[str, str]
) -> None:
    each = capture(1)
    put(bucket, each)
    with gallery(tmp_path, settings) as page:
        opened(tab, page, 1)
        tab.locator(TILES).click()
        expect(tab.get_by_role("button", name="Delete ...")).to_be_hidden()  # GALLERY_DELETE is off
        tab.get_by_role("button", name="Share ...").click()
        week = linked(tab, "7d")
        tab.get_by_role("button", name="Copy", exact=True).click()
        expect(tab.locator("#copy")).to_have_text("Copied")
        expect(tab.locator("#copy")).to_have_text("Copy")
        tab.locator("#expires").evaluate("list => list.add(new Option('3 s', '3s'))")  # a test may not wait an hour
        short = linked(tab, "3s")

    for link in (week, short):
        with urllib.request.urlopen(link, timeout=10) as answer:  # noqa: S310 (a link to our own store)
            assert answer.read() == each.image
    wait_for(lambda: refused(short), seconds=SECONDS, what="the link's end")
    assert not refused(week)
    assert "X-Amz-Expires=604800" in week


def linked(tab: Tab, expires: str) -> str:
    before = tab.get_by_label("Link", exact=True).input_value()
    tab.locator("#sharing").get_by_label("Valid for").select_option(expires)
    tab.get_by_role("button", name="Create a link").click()
    expect(tab.locator("#shared-until")).to_contain_text("Anyone with this link")
    expect(tab.get_by_label("Link", exact=True)).not_to_have_value(before)
    return tab.get_by_label("Link", exact=True).input_value()


def refused(link: str) -> bool:
    try:
        urllib.request.urlopen(link, timeout=10).close()  # noqa: S310 (a link to our own store)
    except urllib.error.HTTPError as error:
        return error.code == 403
    return False


def test_deletion_can_be_undone_for_ten_seconds_and_then_is_done(page: Gallery, clock_tab: Tab, bucket: Bucket) -> None:
    keys = put(bucket, capture(1, track="9f2c"), capture(2, track="9f2c"), capture(3))
    tab = clock_tab
    tab.clock.install()
    opened(tab, page, 2)

    delete(tab, "Delete this picture")
    expect(tab.locator(TILES)).to_have_count(1)
    expect(tab.get_by_text("1 picture deleted")).to_be_visible()
    tab.clock.fast_forward(9_000)
    tab.get_by_role("button", name="Undo").click()
    expect(tab.locator(TILES)).to_have_count(2)
    expect(tab.locator(f"{TILES} button").first).to_be_focused()
    tab.clock.fast_forward(20_000)
    assert bucket.list_keys() == sorted(keys)
    delete(tab, "Delete this picture")
    tab.clock.fast_forward(10_000)
    wait_for(lambda: bucket.list_keys() == keys[:2], seconds=SECONDS, what="the deletion")
    delete(tab, "Delete the visit")
    expect(tab.locator(TILES)).to_have_count(0)
    tab.goto("about:blank")  # whoever leaves does not undo

    wait_for(lambda: bucket.list_keys() == [], seconds=SECONDS, what="the deletion of the visit")


def delete(tab: Tab, what: str) -> None:
    tab.locator(TILES).first.click()
    tab.get_by_role("button", name="Delete ...").click()
    tab.get_by_role("button", name=what).click()


def test_what_could_not_be_deleted_comes_back_with_the_reason(
    clock_tab: Tab, bucket: Bucket, tmp_path: Path, settings: dict[str, str], s3_proxy: S3Proxy
) -> None:
    put(bucket, capture(1))
    tab = clock_tab
    tab.clock.install()
    with gallery(tmp_path, settings, GALLERY_DELETE="on", S3_ENDPOINT_URL=s3_proxy.endpoint) as page:
        opened(tab, page, 1)
        s3_proxy.close()
        delete(tab, "Delete this picture")
        expect(tab.locator(TILES)).to_have_count(0)
        tab.clock.fast_forward(10_000)

        expect(tab.locator(TILES)).to_have_count(1)
        expect(tab.locator("#problem")).to_be_visible()


def test_a_visit_of_more_pictures_than_one_request_deletes_is_deleted_whole(
    page: Gallery, clock_tab: Tab, bucket: Bucket
) -> None:
    put(bucket, *(capture(number, track="9f2c") for number in range(201)))
    tab = clock_tab
    tab.clock.install()
    tab.goto(page.address)
    tab.locator(TILES).first.click()
    expect(tab.locator("#shots li")).to_have_count(201)

    tab.get_by_role("button", name="Delete ...").click()
    tab.get_by_role("button", name="Delete the visit").click()
    expect(tab.locator("#viewer")).to_be_hidden()
    tab.clock.fast_forward(10_000)

    wait_for(lambda: bucket.list_keys() == [], seconds=SECONDS, what="the deletion")


def test_what_a_message_says_is_never_run(page: Gallery, tab: Tab, edge: Edge, uploaders: Uploaders) -> None:
    uploaders.start_healthy()
    opened(tab, page, 0)
    expect(tab.locator("#live")).to_have_text("Live")
    picture = pictures.png(1, side=64)

    edge.send(picture, pictures.properties(picture) | {"track": HURT, "score": HURT, "shot": HURT, "quality": HURT})

    tab.locator(TILES).click()
    tab.get_by_text("Technical facts").click()
    expect(tab.locator("#facts")).to_contain_text("<script>window.hurt=1</script>")
    assert tab.evaluate("window.hurt") is None
    assert tab.locator("#facts script, #facts img").count() == 0


def test_cost_is_shown_by_edge(page: Gallery, tab: Tab, bucket: Bucket) -> None:
    now = time.strftime("%Y%m01T000000.000Z-9f2c01ab", time.gmtime())
    key = f"porch/door/{now[:4]}/{now[4:6]}/01/{now}.png"
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=bytes(1_000_000))
    tab.goto(page.address)

    tab.get_by_role("button", name="Cost").click()

    expect(tab.locator("#cost-details tbody tr").first).to_contain_text("porch")
    expect(tab.locator("#cost-details tbody tr").first).to_contain_text("1.0 MB")


def test_it_fits_a_phone(page: Gallery, tab: Tab, bucket: Bucket) -> None:
    put(bucket, *(capture(number, track="x") for number in range(8)), *(capture(100 + number) for number in range(7)))
    tab.set_viewport_size(PHONE)
    opened(tab, page, 8)
    assert tab.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

    tab.locator(TILES).last.click()
    expect(tab.locator("#shots li")).to_have_count(8)

    assert tab.evaluate("document.querySelector('#viewer').scrollWidth") <= PHONE["width"]


def test_a_phone_on_its_side_shows_the_whole_picture_and_the_link(page: Gallery, tab: Tab, bucket: Bucket) -> None:
    put(bucket, *(capture(number, track="x") for number in range(8)))
    tab.set_viewport_size({"width": 844, "height": 390})
    opened(tab, page, 1)
    tab.locator(TILES).first.click()
    expect(tab.locator("#shots li")).to_have_count(8)

    stage, viewer = tab.locator("#large").bounding_box(), tab.locator("#viewer").bounding_box()
    assert stage is not None
    assert viewer is not None
    assert viewer["y"] <= stage["y"]
    assert stage["y"] + stage["height"] <= viewer["y"] + viewer["height"] <= 390
    tab.get_by_role("button", name="Share ...").click()
    linked(tab, "1h")

    expect(tab.locator("#shared-until")).to_be_in_viewport(ratio=0.95)  # it scrolls by whole pixels
    expect(tab.locator("#url")).to_be_in_viewport(ratio=1)


def test_back_closes_the_picture_and_leaves_the_grid_as_it_was(page: Gallery, tab: Tab, bucket: Bucket) -> None:
    keys = put(bucket, *(capture(number) for number in range(4)))
    opened(tab, page, 4)
    tab.locator(TILES).first.evaluate("tile => tile.dataset.stayed = 'yes'")
    tab.locator(TILES).first.click()
    for key in (keys[2], keys[1]):
        tab.keyboard.press("ArrowRight")
        expect(tab.locator("#facts")).to_contain_text(key)

    tab.go_back()

    expect(tab.locator("#viewer")).to_be_hidden()
    expect(tab.locator(f"{TILES} button").nth(2)).to_be_focused()  # what was viewed last
    assert "key=" not in tab.url
    assert tab.locator(TILES).first.get_attribute("data-stayed") == "yes"


def test_a_picture_that_comes_while_the_newest_is_open_can_be_turned_to(
    page: Gallery, tab: Tab, edge: Edge, uploaders: Uploaders, bucket: Bucket
) -> None:
    put(bucket, capture(1))
    uploaders.start_healthy()
    opened(tab, page, 1)
    expect(tab.locator("#live")).to_have_text("Live")
    tab.locator(TILES).click()
    expect(tab.locator("#newer")).to_be_disabled()
    newer = capture(2)

    edge.send(newer.image, dict(newer.metadata))
    tab.locator("#newer").click()

    expect(tab.locator("#facts")).to_contain_text(newer.id)


def test_it_says_when_live_updates_are_paused(page: Gallery, tab: Tab, broker: Broker) -> None:
    tab.goto(page.address)
    expect(tab.locator("#live")).to_have_text("Live")
    broker.stop()
    expect(tab.locator("#live")).to_contain_text("paused: the broker does not answer")
    broker.start()

    expect(tab.locator("#live")).to_have_text("Live")


def test_it_says_what_is_wrong_with_the_bucket_and_recovers_when_it_is_fixed(
    tab: Tab, bucket: Bucket, s3_proxy: S3Proxy, tmp_path: Path, settings: dict[str, str]
) -> None:
    put(bucket, capture(1))
    s3_proxy.close()
    with gallery(tmp_path, settings, S3_ENDPOINT_URL=s3_proxy.endpoint) as page:
        tab.goto(page.address)
        expect(tab.locator("#problem")).to_contain_text("S3_ENDPOINT_URL")
        s3_proxy.open()

        expect(tab.locator(TILES)).to_have_count(1)
        expect(tab.locator("#problem")).to_be_hidden()


def test_the_password_is_asked_for_and_opens(tab: Tab, tmp_path: Path, settings: dict[str, str]) -> None:
    with gallery(tmp_path, settings, GALLERY_PASSWORD="open sesame") as page:
        tab.goto(page.address)
        tab.get_by_label("Password").fill("guess")
        tab.get_by_role("button", name="Log in").click()
        expect(tab.get_by_text("Wrong password.")).to_be_visible()

        tab.get_by_label("Password").fill("open sesame")
        tab.keyboard.press("Enter")
        expect(tab.locator("#end")).to_contain_text("No captures yet")
        tab.get_by_role("button", name="Log out").click()
        expect(tab.get_by_label("Password")).to_be_visible()
