"""The gallery without a browser: pictures, links, deletion, cost, who gets in, what it says when something is wrong."""

import io
import json
import os
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from dev.harness.process import free_port, wait_for
from dev.harness.services import start_gallery
from gallery.pictures import thumbnails
from storage.keys.template import DEFAULT_TEMPLATE
from storage.reader import ObjectReader
from tests.cloud.gallery.rig import SECONDS, Gallery, capture, gallery, put
from tests.cloud.rig import LATER, READER_KEY, READER_SECRET, Broker, Bucket, Edge, S3Proxy, Uploaders
from tests.support.images import pictures
from tests.support.mqtt import Client
from tests.support.pages.web import basic, cookie
from tests.support.rig import Store

PASSWORD = "open sesame"


@pytest.fixture
def page(tmp_path: Path, settings: dict[str, str]) -> Iterator[Gallery]:
    with gallery(tmp_path, settings) as page:
        yield page


# Pictures


def test_a_picture_comes_as_it_was_stored_and_small_as_a_thumbnail(page: Gallery, bucket: Bucket) -> None:
    each = capture(1)
    (key,) = put(bucket, each)

    image, small = page.ask(f"/image?key={key}"), page.ask(f"/thumbnail?key={key}")
    to_keep = page.ask(f"/image?key={key}&download")

    assert (image.body, image.headers["content-type"]) == (each.image, "image/png")
    assert image.headers["cache-control"] == small.headers["cache-control"] == "private, max-age=3600"
    assert small.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(small.body)).size == (64, 64)
    assert to_keep.headers["content-disposition"] == f'attachment; filename="{each.id}.png"'


def test_a_thumbnail_is_made_once(tmp_path: Path, settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy) -> None:
    (key,) = put(bucket, capture(1))
    with gallery(tmp_path, settings, S3_ENDPOINT_URL=s3_proxy.endpoint) as page:
        first = page.ask(f"/thumbnail?key={key}").body
        s3_proxy.close()
        again = page.ask(f"/thumbnail?key={key}").body
    with gallery(tmp_path, settings, S3_ENDPOINT_URL=s3_proxy.endpoint) as page:
        later = page.ask(f"/thumbnail?key={key}").body

    assert first == again == later


def test_thumbnails_take_no_more_room_than_they_may(tmp_path: Path, settings: dict[str, str]) -> None:
    cache = tmp_path / "cache"
    left_over(cache, 20_000)

    with gallery(tmp_path, settings, GALLERY_CACHE=str(cache), GALLERY_CACHE_MB="1"):
        wait_for(lambda: room(cache) <= 1_000_000, seconds=SECONDS, what="room")

    assert room(cache) > 900_000  # no more is deleted than has to be


def test_new_thumbnails_take_the_room_of_old_ones(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "EVICT_EVERY", 20)
    keys = put(bucket, *(capture(number) for number in range(25)))
    left_over(tmp_path, 2_000)
    reader = ObjectReader(lambda: bucket.client, bucket.name)
    cache = thumbnails.Thumbnails(reader, tmp_path, 100_000, timedelta(days=7))

    sizes = [len(cache.get(key)) for key in keys]

    assert sum(sizes) > 20_000
    assert room(tmp_path) <= 100_000 + sum(sizes[-4:])  # made since there was room
    assert len(list(tmp_path.iterdir())) > 25


def left_over(cache: Path, size: int) -> None:
    """A hundred thumbnails that were used long ago."""
    cache.mkdir(exist_ok=True)
    for number in range(100):
        file = cache / f"{number:064d}.jpg"
        file.write_bytes(bytes(size))
        os.utime(file, (1, time.time()))


def room(cache: Path) -> int:
    return sum(size(file) for file in cache.iterdir())


def size(file: Path) -> int:
    """Nothing, if the gallery has deleted it since it was listed."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def test_an_old_thumbnail_is_deleted_and_made_anew_from_the_picture_only(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket
) -> None:
    (key,) = put(bucket, capture(1))
    cache = tmp_path / "cache"
    with gallery(tmp_path, settings, GALLERY_CACHE=str(cache)) as page:
        assert page.ask(f"/thumbnail?key={key}").status == 200
        (file,) = cache.iterdir()
        os.utime(file, (time.time(), time.time() - 8 * 86_400))
        bucket.client.delete_object(Bucket=bucket.name, Key=key)
        assert page.ask(f"/thumbnail?key={key}").status == 404
        file.write_bytes(b"old")
        os.utime(file, (time.time(), time.time() - 3 * 86_400))
    with gallery(tmp_path / "again", settings, GALLERY_CACHE=str(cache), S3_RETENTION_DAYS="2"):
        wait_for(lambda: not list(cache.iterdir()), seconds=SECONDS, what="an empty cache")


def test_a_picture_that_turns_out_to_be_gone_is_taken_off_the_list_with_its_thumbnail(
    page: Gallery, bucket: Bucket
) -> None:
    keys = put(bucket, capture(1), capture(2))
    assert page.keys() == keys[::-1]
    page.ask(f"/thumbnail?key={keys[0]}")
    bucket.client.delete_object(Bucket=bucket.name, Key=keys[0])

    assert page.ask(f"/image?key={keys[0]}").status == 404

    assert page.keys() == [keys[1]]
    assert page.ask(f"/thumbnail?key={keys[0]}").status == 404


def test_what_is_no_picture_is_not_shown_and_hurts_nothing(page: Gallery, bucket: Bucket) -> None:
    wrong = (
        b"",
        b"no picture",
        pictures.png(1)[:200],
        pictures.png_of_nothing(20_000, 20_000),
        b"<svg onload=alert(1)>",
    )
    keys = put(bucket, *(capture(number) for number in range(len(wrong))))
    for key, content in zip(keys, wrong, strict=True):
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=content, ContentType="text/html")

    for key, content in zip(keys, wrong, strict=True):
        assert page.ask(f"/thumbnail?key={key}").status == 404, content
        assert page.ask(f"/image?key={key}").status == 404, content
    assert page.keys() == keys[::-1]


def test_a_picture_tells_what_is_known_and_the_other_shots_of_its_visit(page: Gallery, bucket: Bucket) -> None:
    shots = [capture(number, track="9f2c", shot=shot) for number, shot in enumerate(["first", "better", "last"])]
    keys = put(bucket, shots[2], shots[0], shots[1], capture(3, track="abcd"), capture(4))

    found = page.get("/api/capture", key=keys[2])
    alone = page.get("/api/capture", key=keys[4])

    assert [(shot["key"], shot["shot"]) for shot in found["visit"]] == [
        (keys[1], "first"),
        (keys[2], "better"),
        (keys[0], "last"),
    ]
    assert found["metadata"] == shots[1].metadata
    assert [shot["key"] for shot in alone["visit"]] == [keys[4]]


@pytest.mark.parametrize(
    "template",
    [
        DEFAULT_TEMPLATE,
        "{id}.png",
        "{captured_at:%Y-%m-%d_%H-%M-%S}.png",
        "{edge}/{camera}/{captured_at:%Y/%m/%d}/{captured_at:%H%M%S}.png",
        "{edge}/{captured_at:%Y/%m/%d}/{captured_at:%j-%H%M}.png",
    ],
)
def test_a_long_visit_across_midnight_is_shown_whole_whatever_the_template(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket, template: str
) -> None:
    shots = [capture(number, track="9f2c", shot="dwell") for number in range(675, 745)]  # midnight is 720
    others = [capture(number, track="abcd") for number in (600, 674, 745, 746, 800)]
    keys = put(bucket, *shots, template=template)
    put(bucket, *others, template=template)

    with gallery(tmp_path, settings, S3_KEY_TEMPLATE=template) as page:
        for key in (keys[0], keys[30], keys[-1]):
            found = page.get("/api/capture", key=key)
            assert [shot["key"] for shot in found["visit"]] == keys


def test_metadata_that_is_not_ascii_is_read_as_it_was_written(page: Gallery, bucket: Bucket) -> None:
    each = capture(1)
    (key,) = put(bucket, each)
    said = each.metadata | {"track": "=?UTF-8?Q?K=C3=BCche?=", "shot": "=?bad?X?"}
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"", ContentType="image/png", Metadata=said)

    assert page.get("/api/capture", key=key)["metadata"] == said | {"track": "Küche"}


def test_a_picture_that_is_not_there_is_said_not_to_be(page: Gallery, bucket: Bucket) -> None:
    (key,) = put(bucket, capture(1))
    bucket.client.delete_object(Bucket=bucket.name, Key=key)

    for path in ("image", "thumbnail", "api/capture"):
        assert page.ask(f"/{path}?key={key}").status == 404
    assert page.ask(f"/api/link?key={key}", "POST").status == 400


# Links


def test_a_link_opens_the_picture_without_us_and_stops_after_its_time(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket
) -> None:
    each = capture(1)
    (key,) = put(bucket, each)
    with gallery(tmp_path, settings) as page:
        link = json.loads(page.ask(f"/api/link?key={key}&expires=7d", "POST").body)
        too_long = page.ask(f"/api/link?key={key}&expires=8d", "POST")

    with urllib.request.urlopen(link["url"], timeout=10) as answer:  # noqa: S310 (a link to our own store)
        assert answer.read() == each.image
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(link["url"].replace("Expires=604800", "Expires=604799"), timeout=10)  # noqa: S310
    assert "X-Amz-Expires=604800" in link["url"]
    assert (too_long.status, "7d" in too_long.body.decode()) == (400, True)


# Deletion


def test_nothing_is_deleted_unless_the_setting_says_so(page: Gallery, bucket: Bucket) -> None:
    (key,) = put(bucket, capture(1))

    assert page.post("/api/delete", {"keys": [key]}) == 403
    assert bucket.list_keys() == [key]


def test_what_is_deleted_is_gone_from_the_bucket_the_list_and_the_cache(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket
) -> None:
    keys = put(bucket, capture(1), capture(2), capture(3))
    with gallery(tmp_path, settings, GALLERY_DELETE="on") as page:
        page.keys()
        page.ask(f"/thumbnail?key={keys[0]}")

        assert page.post("/api/delete", {"keys": keys[:2]}) == 200

        assert page.keys() == bucket.list_keys() == [keys[2]]
        assert page.ask(f"/thumbnail?key={keys[0]}").status == 404
        wrong: tuple[object, ...] = ({"keys": []}, {}, [], {"keys": keys * 200}, "x")
        assert [page.post("/api/delete", each) for each in wrong] == [400] * len(wrong)


def test_keys_that_may_not_delete_are_named(tmp_path: Path, settings: dict[str, str], strict_store: Store) -> None:
    strict_store.client.create_bucket(Bucket=LATER)
    (key,) = put(Bucket(strict_store, LATER), capture(1))
    reader = {"AWS_ACCESS_KEY_ID": READER_KEY, "AWS_SECRET_ACCESS_KEY": READER_SECRET}
    there = {"S3_ENDPOINT_URL": strict_store.endpoint, "S3_BUCKET": LATER, "GALLERY_DELETE": "on"}

    with gallery(tmp_path, settings | reader | there) as page:
        answer = page.ask("/api/delete", "POST", json.dumps({"keys": [key]}))

        assert answer.status == 502
        assert "allow s3:DeleteObject" in json.loads(answer.body)["problem"]
        assert page.keys() == [key]


# What happens now


class Listener:
    """Stands for an open page: it keeps the events that it is sent."""

    def __init__(self, page: Gallery) -> None:
        self.events: list[tuple[str, object]] = []
        self._stream = urllib.request.urlopen(f"{page.address}/events", timeout=60)  # noqa: S310 (our own page)
        threading.Thread(target=self._read, daemon=True).start()

    def named(self, name: str) -> list[object]:
        return [content for known, content in list(self.events) if known == name]

    def _read(self) -> None:
        name = ""
        for line in self._stream:
            field, _, value = line.decode().strip().partition(": ")
            name = value if field == "event" else name
            if field == "data":
                self.events.append((name, json.loads(value)))


def test_what_an_uploader_stores_is_told_to_an_open_page(
    page: Gallery, edge: Edge, uploaders: Uploaders, broker: Broker
) -> None:
    uploaders.start_healthy()
    listener = Listener(page)
    wait_for(lambda: True in listener.named("broker"), seconds=SECONDS, what="the broker")
    picture = pictures.png(1)

    edge.send(picture)

    (found,) = wait_for(lambda: listener.named("stored"), seconds=SECONDS, what="the event")
    assert isinstance(found, dict)
    key = edge.stored()[pictures.identity(picture)]
    assert (found["edge"], found["camera"], found["key"]) == ("porch", "door", key)
    assert page.keys() == [found["key"]]
    broker.stop()
    wait_for(lambda: listener.named("broker")[-1] is False, seconds=SECONDS, what="its end")
    broker.start()
    wait_for(lambda: listener.named("broker")[-1] is True, seconds=SECONDS, what="its return")
    assert listener.named("resync")


def test_receipts_that_are_none_hurt_nothing(page: Gallery, broker: Broker) -> None:
    listener = Listener(page)
    wait_for(lambda: True in listener.named("broker"), seconds=SECONDS, what="the broker")
    each = capture(1)
    good = {"stored": [{"id": each.id, "key": f"porch/door/2026/11/20/{each.id}.png"}], "rejected": []}
    wrong = (b"", b"[]", b"{}", b'{"stored": 1}', b'{"stored": [1]}', b'{"stored": [{"key": "../../etc"}]}')

    with Client(broker.port) as uploader:
        for payload in (*wrong, json.dumps(good).encode()):
            uploader.publish("usbcam/porch/receipts", payload)

    wait_for(lambda: listener.named("stored"), seconds=SECONDS, what="the good one")
    assert len(listener.named("stored")) == 1


# Cost


def test_it_counts_what_this_month_cost_by_edge(tmp_path: Path, settings: dict[str, str], bucket: Bucket) -> None:
    stored = [capture(number, edge=edge) for number, edge in enumerate(["porch", "porch", "attic"])]
    now = time.strftime("%Y%m", time.gmtime())
    for each in stored:
        moment = each.id.replace(each.id[:6], now, 1)
        day = f"{now[:4]}/{now[4:]}/{moment[6:8]}"
        key = f"{each.edge}/door/{day}/{moment}.png"
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=each.image)
    put(bucket, capture(-200_000))  # of an earlier month

    with gallery(tmp_path, settings, PRICE_PER_1000_PUTS="10", PRICE_PER_GB_MONTH="0") as page:
        wait_for(lambda: page.get("/api/cost")["counted"], seconds=4 * SECONDS, what="the cost")
        cost = page.get("/api/cost")

    found = {edge["edge"]: (edge["puts"], edge["bytes"], edge["price"]) for edge in cost["edges"]}
    sizes = [len(each.image) for each in stored]
    assert found == {"attic": (1, sizes[2], 0.01), "porch": (2, sizes[0] + sizes[1], 0.02)}
    assert cost["complete"] is True


# Who gets in


def test_without_the_password_nothing_is_shown(tmp_path: Path, settings: dict[str, str], bucket: Bucket) -> None:
    (key,) = put(bucket, capture(1))
    paths = ["/api/cameras", "/api/captures", "/api/cost", "/events", "/page/gallery.js", "/nowhere"]
    paths += [f"/{path}?key={key}" for path in ("image", "thumbnail", "api/capture")]
    with gallery(tmp_path, settings, GALLERY_PASSWORD=PASSWORD, GALLERY_DELETE="on") as page:
        shut = {path: page.ask(path).status for path in paths}
        assert page.post("/api/delete", {"keys": [key]}) == 401
        assert page.ask(f"/api/link?key={key}", "POST").status == 401
        wrong = page.ask("/login", "POST", "password=guess")
        opened = page.ask("/login", "POST", "password=open+sesame")

        assert page.ask("/").headers["location"] == "/login"
        assert wrong.headers["location"] == "/login?wrong"
        assert page.ask("/api/captures", cookie=cookie(opened)).status == 200
        assert page.ask("/api/captures", authorization=basic(PASSWORD)).status == 200
        page.ask("/logout", "POST", cookie=cookie(opened))
        assert page.ask("/api/captures", cookie=cookie(opened)).status == 401
    assert shut == dict.fromkeys(paths, 401)
    assert bucket.list_keys() == [key]


def test_another_sites_page_cannot_delete(tmp_path: Path, settings: dict[str, str], bucket: Bucket) -> None:
    keys = put(bucket, capture(1))
    with gallery(tmp_path, settings, GALLERY_DELETE="on") as page:
        for headers in ({"origin": "http://evil.example"}, {"sec_fetch_site": "cross-site"}):
            assert page.ask("/api/delete", "POST", json.dumps({"keys": keys}), **headers).status == 403
    assert bucket.list_keys() == keys


def test_a_name_that_somebody_points_here_shows_nothing(page: Gallery) -> None:
    assert page.ask("/api/captures", host="evil.example").status == 421
    assert page.ask("/api/captures", host="gallery:8081").status == 200


def test_nothing_but_the_page_itself_may_run_in_it(page: Gallery) -> None:
    headers = page.ask("/").headers

    assert "script-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


# What is wrong


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"GALLERY_CACHE": "/proc/x"},
            "GALLERY_CACHE=/proc/x cannot be created (No such file or directory); name a folder that can be written",
        ),
        ({"GALLERY_BIND": "::"}, "GALLERY_BIND=:: lets other hosts in, so set GALLERY_PASSWORD in .env"),
        ({"GALLERY_PASSWORD_FILE": "/nowhere"}, "GALLERY_PASSWORD_FILE=/nowhere cannot be read"),
        ({"GALLERY_PORT": "http"}, "GALLERY_PORT"),
        ({"GALLERY_DELETE": "perhaps"}, "GALLERY_DELETE"),
        ({"PRICE_PER_1000_PUTS": "cheap"}, "PRICE_PER_1000_PUTS"),
        ({"S3_BUCKET": ""}, "S3_BUCKET"),
    ],
)
def test_a_wrong_setting_ends_it_with_one_sentence(
    tmp_path: Path, settings: dict[str, str], wrong: dict[str, str], words: str
) -> None:
    process = start_gallery(tmp_path, **({"GALLERY_PORT": str(free_port())} | settings | wrong))

    assert process.popen.wait(SECONDS) == 2
    (line,) = process.tail().splitlines()
    assert line.startswith("gallery: ")
    assert words in line


def test_a_port_that_is_taken_is_named(tmp_path: Path, settings: dict[str, str], page: Gallery) -> None:
    process = start_gallery(tmp_path / "second", **(settings | {"GALLERY_PORT": str(page.port)}))

    assert process.popen.wait(SECONDS) == 2
    assert f"Cannot listen on 127.0.0.1:{page.port}" in process.tail()
    assert "GALLERY_PORT" in process.tail()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "AWS_SECRET_ACCESS_KEY"),
        ({"S3_BUCKET": "usbcam-no-such-bucket"}, "S3_BUCKET"),
        ({"S3_ENDPOINT_URL": "http://127.0.0.1:1"}, "S3_ENDPOINT_URL"),
    ],
)
def test_what_is_wrong_with_the_bucket_is_said_on_the_page_and_by_health(
    tmp_path: Path, settings: dict[str, str], wrong: dict[str, str], words: str
) -> None:
    with gallery(tmp_path, settings | wrong) as page:
        assert words in page.problem("/api/captures")
        assert words in page.problem("/api/cameras")
        assert page.ask("/healthz").status == 503
        assert "Traceback" not in page.process.tail(1000)


def test_it_recovers_when_the_store_is_back(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy
) -> None:
    keys = put(bucket, capture(1))
    s3_proxy.close()
    with gallery(tmp_path, settings, S3_ENDPOINT_URL=s3_proxy.endpoint) as page:
        assert "S3_ENDPOINT_URL" in page.problem("/api/captures")
        s3_proxy.open()
        assert page.keys() == keys


def test_the_log_tells_nothing_secret(tmp_path: Path, settings: dict[str, str], bucket: Bucket) -> None:
    put(bucket, capture(1))
    with gallery(tmp_path, settings, GALLERY_PASSWORD=PASSWORD, LOG_LEVEL="DEBUG") as page:
        page.ask("/login", "POST", "password=open+sesame")
        page.ask("/api/captures", authorization=basic(PASSWORD))
        log = page.process.tail(10_000)

    assert not re.search("sesame|test-secret", log)
