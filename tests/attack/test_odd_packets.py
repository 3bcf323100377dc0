"""Messages that are laid out as no camera lays them out: stored, rejected or refused, and nobody else notices."""

import contextlib
from collections.abc import Iterable

from dev.harness.process import wait_for
from tests.cloud.rig import Broker, Bucket, Edge, Uploaders
from tests.support.attacks.attack import text
from tests.support.attacks.flood import Flood, Properties
from tests.support.images import pictures

SECONDS = 30.0
FORMAT, EXPIRY, CONTENT_TYPE, RESPONSE_TOPIC, CORRELATION = 1, 2, 3, 8, 9
SUBSCRIPTION, SESSION_EXPIRY, ALIAS, PAIR = 11, 17, 35, 38
RAW = {b"\xff\xfe": "not UTF-8", b"\xed\xa0\x80": "a surrogate", b"\xc0\x80": "a long zero"}

LAYOUTS: tuple[Properties, ...] = (
    [(SUBSCRIPTION, b"\x01")],
    [(SUBSCRIPTION, b"\xff\xff\xff\x7f"), (SUBSCRIPTION, b"\x02")],
    [(RESPONSE_TOPIC, text("usbcam/_/receipts"))],
    [(RESPONSE_TOPIC, text("usbcam/#"))],
    [(RESPONSE_TOPIC, text("$CONTROL/dynamic-security/v1"))],
    [(RESPONSE_TOPIC, text(""))],
    [(RESPONSE_TOPIC, text("r" * 60_000)), (CORRELATION, text("c" * 60_000))],
    [(CORRELATION, b"\0\0")],
    [(CONTENT_TYPE, text("text/html")), (CONTENT_TYPE, text("image/png"))],
    [(FORMAT, b"\x01")],
    [(FORMAT, b"\x07")],
    [(EXPIRY, b"\0\0\0\0")],
    [(EXPIRY, b"\xff\xff\xff\xff")],
    [(ALIAS, b"\0\1")],
    [(ALIAS, b"\0\0")],
    [(SESSION_EXPIRY, b"\0\0\0\1")],
    [(127, b"\0")],
    [(PAIR, text("") + text(""))] * 64,
    [(PAIR, text("id") + text("../../x")), (PAIR, text("camera") + text("\ufeff"))],
    [(PAIR, text("captured_at") + text("9" * 4000))],
    [(PAIR, text("schema") + text("1" * 4000))],
    *([(PAIR, text("id") + len(raw).to_bytes(2) + raw)] for raw in RAW),
)


def send_each(port: int, layouts: Iterable[Properties]) -> int:
    """Send one message of each layout, on a new connection where the broker hung up; return how many it took."""
    taken = 0
    for number, layout in enumerate(layouts):
        for qos in (0, 1):
            with contextlib.suppress(OSError), Flood(port) as flood:
                flood.send(pictures.png(1000 + number), layout, qos=qos)
                taken += qos
    return taken


def test_odd_properties_disturb_nobody(broker: Broker, edge: Edge, uploaders: Uploaders, bucket: Bucket) -> None:
    uploader = uploaders.start_healthy()
    honest = [pictures.png(number) for number in range(5)]

    edge.send(honest[0])
    taken = send_each(broker.port, LAYOUTS)
    edge.send_all(honest[1:])

    wait_for(lambda: len(edge.stored()) == len(honest), seconds=SECONDS, what="the honest images")
    assert taken >= 10
    wait_for(lambda: len(flood_objects(bucket)) >= taken // 2, seconds=SECONDS, what="what was taken")
    log = uploader.log.read_text()
    assert log.count("Subscribed to") == 1
    assert "Traceback" not in log
    assert not any("x" in key.rpartition("/")[2].partition(".")[0][:1] for key in bucket.list_keys())


def flood_objects(bucket: Bucket) -> list[str]:
    return bucket.list_keys("flood/") + bucket.list_keys("rejected/flood/")


def test_any_number_of_client_ids_and_wills_leaves_the_uploader_its_session(
    broker: Broker, edge: Edge, uploaders: Uploaders
) -> None:
    uploader = uploaders.start_healthy()

    for number in range(200):
        with contextlib.suppress(OSError), Flood(broker.port, f"hoarder-{number}"):
            pass
    picture = pictures.png(1)
    edge.send(picture)

    wait_for(lambda: pictures.identity(picture) in edge.stored(), seconds=SECONDS, what="the honest image")
    assert uploader.log.read_text().count("Subscribed to") == 1
