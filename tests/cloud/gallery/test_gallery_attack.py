"""What an enemy puts into the bucket or the receipts neither stops the gallery nor misleads it."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client as PahoClient

from common.contract.receipt import MAX_ENTRIES
from dev.harness.process import LOOPBACK, free_port, wait_for
from gallery.fleet.fleet import Fleet
from gallery.fleet.json_state import JsonState
from gallery.fleet.status_feed import StatusFeed
from gallery.updates.broker import BrokerAccess
from gallery.updates.receipt_feed import ReceiptFeed
from gallery.web.health import HealthEndpoint
from storage.keys.template import DEFAULT_TEMPLATE
from storage.reader import ObjectReader
from tests.cloud.gallery.rig import SECONDS, Gallery, capture, gallery, put
from tests.cloud.gallery.test_gallery import Listener
from tests.cloud.rig import Broker, Bucket
from tests.support.mqtt import Client
from tests.support.played_broker import PlayedBroker

GENUINE = capture(1)
NOT_AUTHORIZED = 0x87
FAR_OFF = ("99991231T235959.999Z", "30010101T000000.000Z", "19690720T201700.000Z", "00010101T000000.000Z")


@pytest.fixture
def page(tmp_path: Path, settings: dict[str, str]) -> Iterator[Gallery]:
    with gallery(tmp_path, settings) as page:
        yield page


@pytest.mark.parametrize("template", [DEFAULT_TEMPLATE, "{edge}/{camera}/{id}.png", "{edge}-{camera}-{id}.png"])
def test_a_time_far_off_neither_pins_a_capture_nor_breaks_a_request(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket, template: str
) -> None:
    (genuine,) = put(bucket, GENUINE, template=template)
    day = f"{GENUINE.captured_at:%Y/%m/%d}"
    forged = []
    for time in FAR_OFF:
        key = genuine.replace(day, f"{time[:4]}/{time[4:6]}/{time[6:8]}").replace(GENUINE.id, f"{time}-9f2c01ab")
        metadata = GENUINE.metadata | {"id": f"{time}-9f2c01ab", "track": "9f2c"}
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"x", ContentType="image/png", Metadata=metadata)
        forged.append(key)

    with gallery(tmp_path, settings, S3_KEY_TEMPLATE=template) as page:
        assert page.ask("/api/captures").status == 200
        if template != "{edge}-{camera}-{id}.png":  # without days, what is not believed is listed as just stored
            assert page.keys()[0] == genuine
            assert forged[0] not in page.keys(to="8999-01-01T00:00:00Z")
        assert [page.ask(f"/api/capture?key={key}").status for key in forged] == [200] * len(forged)
        assert page.ask("/healthz").status == 200


def test_forged_receipts_neither_freeze_nor_end_live_updates(page: Gallery, broker: Broker) -> None:
    listener = Listener(page)
    wait_for(lambda: True in listener.named("broker"), seconds=SECONDS, what="the broker")
    key = f"porch/door/2026/11/20/{GENUINE.id}.png"
    forged = (
        json.dumps({"stored": [{"id": "a", "key": "a/" * 30_000}]}).encode(),
        b"[" * 200_000,
        json.dumps({"stored": [{"id": "a", "key": "a/" * 500 + str(n)} for n in range(200)]}).encode(),
        json.dumps({"stored": [{"id": "", "key": "k"}] * (MAX_ENTRIES + 1)}).encode(),
        json.dumps({"stored": [{"id": "a", "key": "\ud800"}]}).encode(),
    )

    with Client(broker.port) as enemy:
        for payload in forged:
            enemy.publish("usbcam/porch/receipts", payload)
        enemy.publish("usbcam/porch/receipts", json.dumps({"stored": [{"id": GENUINE.id, "key": key}]}).encode())

    wait_for(lambda: listener.named("stored"), seconds=SECONDS, what="the genuine one")
    assert [event["key"] for event in listener.named("stored") if isinstance(event, dict)] == [key]
    assert listener.named("broker") == [True]
    assert page.ask("/healthz").status == 200


def test_live_updates_that_crash_begin_again(monkeypatch: pytest.MonkeyPatch, broker: Broker) -> None:
    genuine, crashes = PahoClient.loop_forever, threading.Event()

    def crash_once(client: PahoClient, *, retry_first_connection: bool) -> object:
        if not crashes.is_set():
            crashes.set()
            raise LookupError("a fault of our own")
        return genuine(client, retry_first_connection=retry_first_connection)

    monkeypatch.setattr(PahoClient, "loop_forever", crash_once)
    feed = ReceiptFeed(BrokerAccess(LOOPBACK, broker.port), lambda *_: None)
    feed.start()

    wait_for(lambda: feed.connected, seconds=SECONDS, what="live updates")
    assert crashes.is_set()
    feed.stop()
    assert not feed.connected


def test_a_subscription_that_is_refused_is_said_and_no_live_update(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    played = PlayedBroker(granted_qos=NOT_AUTHORIZED)
    feed, fleet = ReceiptFeed(BrokerAccess(LOOPBACK, played.port), lambda *_: None), Fleet()
    statuses = StatusFeed(BrokerAccess(LOOPBACK, played.port), fleet, JsonState(tmp_path / "fleet.json"), None)

    feed.start()
    statuses.start()

    wait_for(lambda: caplog.text.count("GALLERY_BROKER_PASSWORD_FILE") == 2, seconds=SECONDS, what="both refusals")
    assert "refused the gallery (Not authorized)" in caplog.text
    assert not feed.connected
    assert fleet.listening_since is None
    statuses.stop()
    feed.stop()
    played.close()


def test_health_notices_that_live_updates_have_ended(bucket: Bucket) -> None:
    feed = ReceiptFeed(BrokerAccess(LOOPBACK, free_port()), lambda *_: None)
    endpoint = HealthEndpoint(ObjectReader(lambda: bucket.client, bucket.name), feed)

    feed.start()
    assert endpoint.problem() is None
    feed.stop()

    assert "receipts" in str(endpoint.problem())
