"""A running gallery with a real broker, a real store and a webhook: what the page shows, and what is told."""

import base64
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from common.contract.certificate_expiry import CertificateExpiry
from common.contract.receipt import Receipt, StoredCapture
from common.contract.times import timestamp
from common.contract.visit import Visit
from common.mqtt import new_client
from dev.harness.process import LOOPBACK, free_port, wait_for
from gallery.fleet.notifications.message import Kind, Message
from gallery.fleet.notifications.sender import MessageSender, Picture
from gallery.fleet.notifications.services import Services
from gallery.settings import Settings
from storage.client import create_client
from storage.reader import ObjectReader
from tests.cloud.gallery.rig import SECONDS, Gallery, capture, gallery, put
from tests.cloud.rig import Broker, Bucket
from tests.support.programs import launcher
from tests.support.webhook import Webhook, listening

OFFLINE_SECONDS = 60.0
HURT = "<img src=x onerror=window.hurt=1>"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with listening() as hook:
        yield hook


@pytest.fixture
def line(broker: Broker) -> Iterator[Client]:
    client = new_client()
    client.connect(LOOPBACK, broker.port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def say(line: Client, edge: str, camera: str, **words: object) -> None:
    now = timestamp(datetime.now(UTC))
    line.publish(f"usbcam/{edge}/status/{camera}", json.dumps({"online": True, "at": now, "waiting": 0} | words), qos=1)


def edges(page: Gallery) -> dict[str, dict[str, Any]]:
    return {edge["name"]: edge for edge in page.get("/api/edges")["edges"]}


def test_the_page_shows_who_is_there_who_is_blind_and_who_was_never_heard(
    tmp_path: Path, settings: dict[str, str], line: Client, tab: Tab
) -> None:
    dates = tmp_path / "dates.json"
    later = datetime.now(UTC) + timedelta(days=400)
    dates.write_bytes(CertificateExpiry(edges={"porch": later, "new": later}).to_json())
    with gallery(tmp_path, settings, CERTIFICATES_FILE=str(dates)) as page:
        wait_for(lambda: page.get("/api/edges")["listening"], seconds=SECONDS, what="the broker")
        say(line, "porch", "front", version="0.1.0", blind="covered", blind_since=timestamp(datetime.now(UTC)))
        say(line, "porch", "back", problem=HURT, state="reconnecting")
        wait_for(lambda: len(edges(page)["porch"]["cameras"]) == 2, seconds=SECONDS, what="two cameras")

        tab.goto(f"{page.address}/edges")

        expect(tab.locator("#edges tr")).to_have_count(3)
        expect(tab.locator("#summary")).to_contain_text("1 of 2 edges")
        expect(tab.locator("#edges")).to_contain_text("Sees nothing: covered")
        expect(tab.locator("#edges")).to_contain_text("no status yet")
        expect(tab.locator("#edges")).to_contain_text(HURT)
        say(line, "porch", "front")
        expect(tab.locator("#edges")).not_to_contain_text("Sees nothing", timeout=SECONDS * 1000)
        tab.locator("#failing").check()
        expect(tab.locator("#edges tr:visible")).to_have_count(2)
        assert tab.evaluate("window.hurt") is None


def test_a_visit_is_told_with_its_picture_and_an_edge_that_falls_silent_once_over_a_restart(
    tmp_path: Path, settings: dict[str, str], line: Client, webhook: Webhook, bucket: Bucket
) -> None:
    [key] = put(bucket, capture(1))
    capture_id = key.rpartition("/")[2].removesuffix(".png")
    told = {"NOTIFY_URLS": f"{webhook.address} json://{LOOPBACK}:{free_port()}/away", "NOTIFY_AFTER_MINUTES": "0"}
    with gallery(tmp_path, settings, **told) as page:
        wait_for(lambda: page.get("/api/edges")["listening"], seconds=SECONDS, what="the broker")
        say(line, "porch", "front")
        wait_for(lambda: "porch" in edges(page), seconds=SECONDS, what="the edge")
        now = datetime.now(UTC)
        visit = Visit("t1", "front", now, now, (capture_id,), capture_id)
        line.publish("usbcam/porch/visits", visit.to_json(), qos=1)
        receipt = Receipt((StoredCapture(capture_id, key),)).to_json()

        def is_last() -> bool:
            line.publish("usbcam/porch/receipts", receipt, qos=1)  # until both connections of the gallery are there
            return bool(edges(page)["porch"]["last_key"] == key)

        wait_for(is_last, seconds=SECONDS, what="the last picture")
        wait_for(lambda: webhook.posts, seconds=SECONDS, what="the visit")
        assert webhook.titles()[0] == "Somebody was at front (porch)."
        assert base64.b64decode(webhook.posts[0]["attachments"][0]["base64"]) == capture(1).image

        gone = "The edge porch is gone: nothing was heard from it."
        wait_for(lambda: gone in "".join(map(str, webhook.posts)), seconds=OFFLINE_SECONDS, what="the alarm")
        before = len(webhook.posts)
    with gallery(tmp_path, settings, **told) as page:
        wait_for(lambda: page.get("/api/edges")["listening"], seconds=SECONDS, what="the broker")
        line.publish("usbcam/porch/visits", visit.to_json(), qos=1)
        say(line, "porch", "front")
        wait_for(lambda: len(webhook.posts) > before, seconds=SECONDS, what="the return")
        assert edges(page)["porch"]["last_key"] == key

    assert "The edge porch is back." in str(webhook.posts[before])
    assert str(webhook.posts).count(gone) == 1
    assert str(webhook.posts).count("Somebody was") == 1
    assert "secret-of-the-hook" not in page.process.log.read_text()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of apprise's own libraries
def test_a_picture_is_attached_or_linked_for_a_day_or_left_out(
    settings: dict[str, str], webhook: Webhook, bucket: Bucket
) -> None:
    [key] = put(bucket, capture(1))
    known = {name.lower(): value for name, value in settings.items() if name != "AWS_EC2_METADATA_DISABLED"}
    ours = Settings.model_validate(known)
    services = Services(webhook.address)
    message = Message(Kind.VISIT, "Somebody came.", "At the door.", datetime.now(UTC), services.names, key)

    ways: tuple[Picture, ...] = ("attach", "link", "none")
    for way in ways:
        reader = ObjectReader(lambda: create_client(ours), ours.s3_bucket)
        assert MessageSender(services, reader, ours, way).send(services.names[0], message)
    attached, linked, alone = webhook.posts

    assert [len(post["attachments"]) for post in webhook.posts] == [1, 0, 0]
    assert attached["message"] == alone["message"] == "At the door."
    link = linked["message"].removeprefix("At the door.\n")
    assert "X-Amz-Expires=86400" in link
    with urllib.request.urlopen(link, timeout=SECONDS) as answer:  # noqa: S310 (our own store)
        assert answer.read() == capture(1).image


def test_a_test_message_says_which_service_took_it(settings: dict[str, str], webhook: Webhook, tmp_path: Path) -> None:
    away = f"json://{LOOPBACK}:{free_port()}/away"

    def run(addresses: str) -> subprocess.CompletedProcess[str]:
        environment = settings | {"NOTIFY_URLS": addresses, "PATH": "/usr/bin"}
        return launcher.run("gallery", "notify", "test", folder=tmp_path, environment=environment)

    both, wrong = run(f"{webhook.address} {away}"), run("nonsense://secret-word")

    assert both.returncode == 1
    assert [line.split()[0] for line in both.stdout.splitlines()] == ["pass", "FAIL"]
    assert webhook.titles() == ["usbcam: a test"]
    assert "address 1 of NOTIFY_URLS is not understood" in wrong.stderr
    for done in (both, wrong):
        assert "secret" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
