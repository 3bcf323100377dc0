"""What the gallery lists: everything once, the newest first, whatever the template of keys."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from dev.harness.process import wait_for
from gallery.catalog import catalog as catalog_module
from gallery.catalog import date_index, day_walker, listing_cache
from gallery.catalog.catalog import CaptureCatalog
from gallery.catalog.day_walker import CaptureQuery, TooManyBranchesError
from gallery.catalog.metadata import MetadataCache
from gallery.cost import CostEstimator, Prices
from gallery.pictures.thumbnails import Thumbnails
from storage.keys.parser import KeyParser
from storage.keys.template import DEFAULT_TEMPLATE
from storage.reader import ObjectReader
from tests.cloud.gallery.rig import NOON, capture, gallery, put, put_fleet
from tests.cloud.rig import Bucket

TEMPLATES = (
    DEFAULT_TEMPLATE,
    "{captured_at:%Y/%m/%d}/{edge}/{camera}/{id}.png",
    "pictures/{edge}/{captured_at:%Y-%m-%d}/{camera}-{id}.png",
    "{edge}/{captured_at:%Y}/{captured_at:%m/%d/%H}/{id}.png",
    "{captured_at:%Y/%m/%d}/{id}.png",
    "{edge}/{camera}/{id}.png",
    "{id}.png",
    "{captured_at:%d-%m-%Y_%H-%M-%S}.png",
    "cam-{captured_at:%m/%d/%Y}/{edge}/{camera}-{id}.png",
    "{edge}/{camera}/{captured_at:%d.%m.%Y %T}.png",
    "{edge}-{camera}/{captured_at:%H.%M.%S %d.%m.%Y}.png",
)
WRONG_QUESTIONS = (
    ("The cursor is not valid.", {"cursor": "nonsense"}),
    ("from must be a time, such as 2026-11-22T00:00:00Z.", {"from": "yesterday"}),
    ("from must be between the years 1970 and 9000.", {"from": "0001-01-01T00:00:00+23:00"}),
    ("to must be between the years 1970 and 9000.", {"to": "0001-01-01T00:00:00Z"}),
    ("to must be between the years 1970 and 9000.", {"to": "9999-12-31T23:59:59-12:00"}),
    ("from must include a time zone", {"from": "2026-11-22"}),
)
DAY_FIRST = "{captured_at:%d-%m-%Y_%H-%M-%S}.png"


def test_all_pictures_come_once_and_the_newest_first(tmp_path: Path, settings: dict[str, str], bucket: Bucket) -> None:
    captures = [
        capture(number * 140, edge=edge, camera=camera)
        for number in range(24)
        for edge, camera in (("porch", "door"), ("porch", "bell"), ("attic", "door"))
    ]
    put(bucket, *captures)
    in_order = sorted(captures, key=lambda each: (each.captured_at, each.edge, each.camera), reverse=True)

    with gallery(tmp_path, settings) as page:
        keys = page.keys()

    assert len(keys) == len(set(keys)) == len(captures)
    days = [f"{each.captured_at:%Y/%m/%d}" for each in in_order]
    assert ["/".join(key.split("/")[2:5]) for key in keys] == days
    assert [key[-33:-13] for key in keys] == [each.id[:20] for each in in_order]


@pytest.mark.parametrize("template", TEMPLATES)
def test_any_template_can_be_filtered_by_edge_camera_and_time(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket, template: str
) -> None:
    told = [("porch", "door"), ("porch", "bell"), ("attic", "door"), ("porch", "door")]
    captures = [capture(number * 1000, edge=edge, camera=camera) for number, (edge, camera) in enumerate(told)]
    keys = put(bucket, *captures, template=template)
    bucket.client.put_object(Bucket=bucket.name, Key="rejected/porch/x.bin", Body=b"x")
    from_second = (NOON + timedelta(minutes=1000)).isoformat()

    with gallery(tmp_path, settings, S3_KEY_TEMPLATE=template) as page:
        shown = page.get("/api/captures")["captures"]
        found = {
            "edge": page.keys(edge="porch"),
            "camera": page.keys(camera="door"),
            "both": page.keys(edge="porch", camera="door"),
            "from": page.keys(**{"from": from_second}),
            "to": page.keys(to=from_second),
        }

    newest_first = list(reversed(keys))
    assert [(each["key"], each["edge"], each["camera"]) for each in shown] == [
        (key, *where) for key, where in zip(newest_first, reversed(told), strict=True)
    ]
    assert found == {
        "edge": [keys[3], keys[1], keys[0]],
        "camera": [keys[3], keys[2], keys[0]],
        "both": [keys[3], keys[0]],
        "from": newest_first[:3],
        "to": [keys[0]],
    }


def test_a_key_without_an_id_shows_the_time_that_the_metadata_tells(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket
) -> None:
    template = "{edge}/{camera}/{captured_at:%Y/%m/%d}/{captured_at:%H%M%S}.png"
    put(bucket, capture(5), template=template)

    with gallery(tmp_path, settings, S3_KEY_TEMPLATE=template) as page:
        (shown,) = page.get("/api/captures")["captures"]

    assert datetime.fromisoformat(shown["at"]) == NOON + timedelta(minutes=5)


def test_names_that_were_taken_and_jpegs_are_shown_and_other_objects_are_not(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket
) -> None:
    (key,) = put(bucket, capture(1))
    shown = [key, key.replace(".png", "-9f2c01ab.png"), key.replace(".png", ".jpg")]
    hidden = ["notes.txt", "porch/notes.png", "rejected/porch/ab.bin", ".usbcam-check/probe", key + ".bak"]
    for name in shown[1:] + hidden:
        bucket.client.put_object(Bucket=bucket.name, Key=name, Body=b"x")

    with gallery(tmp_path, settings, GALLERY_DELETE="on") as page:
        assert sorted(page.keys()) == sorted(shown)
        assert [page.ask(f"/image?key={name}").status for name in hidden] == [404] * len(hidden)
        assert [page.ask(f"/thumbnail?key={name}").status for name in hidden] == [404] * len(hidden)
        assert [page.ask(f"/api/link?key={name}", "POST").status for name in hidden] == [404] * len(hidden)
        assert [page.post("/api/delete", {"keys": [name]}) for name in hidden] == [400] * len(hidden)
    assert set(hidden) <= set(bucket.list_keys())


def test_the_edges_and_cameras_to_choose_from_are_those_of_the_bucket(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket
) -> None:
    keys = put(bucket, capture(1), capture(2, camera="bell"), capture(3, edge="attic"), capture(4, camera="rejected"))
    bucket.client.put_object(Bucket=bucket.name, Key="rejected/porch/x.bin", Body=b"x")

    with gallery(tmp_path, settings) as page:
        places = page.get("/api/cameras")
        assert sorted(page.keys()) == sorted(keys)

    assert places["edges"] == {"attic": ["door"], "porch": ["bell", "door", "rejected"]}
    assert (places["bucket"], places["may_delete"], places["password_required"]) == (bucket.name, False, False)


def test_a_new_picture_is_in_the_list_at_once_after_a_reload(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket
) -> None:
    with gallery(tmp_path, settings) as page:
        assert page.keys() == []
        put(bucket, capture(1))
        wait_for(page.keys, seconds=30, what="the new picture")


def test_a_wrong_question_is_answered_with_a_sentence(tmp_path: Path, settings: dict[str, str]) -> None:
    with gallery(tmp_path, settings) as page:
        for words, query in WRONG_QUESTIONS:
            assert words in page.problem("/api/captures", **query)
        assert "Traceback" not in page.process.tail(1000)


def catalog_of(bucket: Bucket, folder: Path, template: str = DEFAULT_TEMPLATE) -> CaptureCatalog:
    return catalog_and_reader(bucket, folder, template)[0]


def catalog_and_reader(
    bucket: Bucket, folder: Path, template: str = DEFAULT_TEMPLATE
) -> tuple[CaptureCatalog, ObjectReader]:
    reader = ObjectReader(lambda: bucket.client, bucket.name)
    thumbnails = Thumbnails(reader, folder / "thumbnails", 1_000_000, timedelta(days=7))
    return CaptureCatalog(reader, KeyParser(template), MetadataCache(reader), thumbnails), reader


def keys_of(catalog: CaptureCatalog, query: CaptureQuery | None = None) -> list[str]:
    return [entry.key for entry in catalog.page(query or CaptureQuery()).entries]


class RecordingThumbnails(Thumbnails):
    """Remembers which keys it had to forget."""

    discarded: tuple[str, ...] = ()

    def discard(self, keys: Iterable[str]) -> None:
        self.discarded += tuple(keys)


def test_a_day_that_is_over_is_read_again_after_some_minutes_and_tells_what_is_gone(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = put(bucket, capture(1), capture(2))
    reader = ObjectReader(lambda: bucket.client, bucket.name)
    thumbnails = RecordingThumbnails(reader, tmp_path, 1_000_000, timedelta(days=7))
    catalog = CaptureCatalog(reader, KeyParser(DEFAULT_TEMPLATE), MetadataCache(reader), thumbnails)
    assert keys_of(catalog) == keys[::-1]
    bucket.client.delete_object(Bucket=bucket.name, Key=keys[0])
    late = put(bucket, capture(3))
    assert keys_of(catalog) == keys[::-1]

    monkeypatch.setattr(listing_cache, "monotonic", lambda: monotonic() + 301)

    assert keys_of(catalog) == [*late, keys[1]]
    assert thumbnails.discarded == (keys[0],)


def test_a_refreshed_listing_comes_with_the_keys_that_were_removed(bucket: Bucket, tmp_path: Path) -> None:
    keys = put(bucket, capture(1), capture(2))
    _, reader = catalog_and_reader(bucket, tmp_path)
    listings = listing_cache.ListingCache(reader, KeyParser(DEFAULT_TEMPLATE))
    prefix = keys[0].rpartition("/")[0]

    first, removed_at_first = listings.refresh(prefix, 10)
    listings.invalidate(keys[0])
    assert listings.get(prefix) is None
    bucket.client.delete_object(Bucket=bucket.name, Key=keys[0])
    second, removed = listings.refresh(prefix, 10)

    assert (first.keys, removed_at_first) == (frozenset(keys), frozenset[str]())
    assert (second.keys, removed) == (frozenset({keys[1]}), frozenset({keys[0]}))
    assert listings.get(prefix) == second


@pytest.mark.parametrize("template", [DAY_FIRST, "all/{edge}/{id}.png"])
def test_the_newest_come_first_of_however_many_names_that_begin_with_the_day(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    monkeypatch.setattr(date_index, "MAX_LISTED_AT_ONCE", 20)
    keys = put(bucket, *(capture(-number * 1440 * 5) for number in range(66)), template=template)
    bucket.client.put_object(Bucket=bucket.name, Key=".usbcam-check/probe", Body=b"x")
    catalog = catalog_of(bucket, tmp_path, template)

    first = catalog.page(CaptureQuery())
    second = catalog.page(CaptureQuery(), first.cursor)

    assert [entry.key for entry in first.entries + second.entries] == keys
    assert (first.note, second.cursor) == ("", None)
    day = CaptureQuery(since=NOON - timedelta(days=10, hours=12), until=NOON - timedelta(days=9, hours=12))
    assert keys_of(catalog, day) == [keys[2]]


def test_more_edges_than_are_looked_through_together_are_counted(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_walker, "MAX_BRANCHES", 3)
    fleet = [f"edge-{number}" for number in range(4)]
    put_fleet(bucket, fleet)
    catalog = catalog_of(bucket, tmp_path)
    cost = CostEstimator(catalog, Prices(1.0, 1.0), by_day=True)

    cost.refresh()
    wait_for(lambda: cost.estimate()["counted"], seconds=30, what="the cost")

    edges: Any = cost.estimate()["edges"]
    assert [(each["edge"], each["puts"]) for each in edges] == [(edge, 1) for edge in fleet]
    with pytest.raises(TooManyBranchesError, match="There are 4 edges: choose one"):
        catalog.page(CaptureQuery())


def test_keys_that_tell_the_time_are_not_asked_for_it(bucket: Bucket, tmp_path: Path) -> None:
    template = "{edge}/{camera}/" + DAY_FIRST
    put(bucket, *(capture(number) for number in range(3)), template=template)

    entries = catalog_of(bucket, tmp_path, template).page(CaptureQuery()).entries

    assert [entry.is_complete for entry in entries] == [True] * 3
    assert [entry.at for entry in entries] == [NOON + timedelta(minutes=number) for number in (2, 1, 0)]


def test_a_folder_that_holds_more_than_is_read_is_said(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, *(capture(number) for number in range(3)))
    monkeypatch.setattr(catalog_module, "MAX_OBJECTS", 2)

    page = catalog_of(bucket, tmp_path).page(CaptureQuery())

    assert len(page.entries) == 2
    assert "holds more" in page.note


def test_a_page_asks_for_what_it_shows_however_much_the_bucket_holds(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, *(capture(-number * 1440) for number in range(150)))
    catalog, reader = catalog_and_reader(bucket, tmp_path)

    first = catalog.page(CaptureQuery())
    lists = reader.list_requests
    catalog.page(CaptureQuery(), first.cursor)

    assert len(first.entries) == 60
    assert lists < 60 + 16 + 10  # a prefix for each day, days ahead, and the way there
    assert reader.list_requests < 150 + 20
