"""What the camera writes, the uploader reads; what the uploader answers, the camera understands."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from camera.config.settings import Settings
from camera.pipeline.tracking.detector import Detection
from camera.pipeline.visits.encoder import CaptureEncoder
from camera.sources.frame import Frame
from common.contract.capture import Box, Capture, CaptureMetadata, ShotKind, max_image_bytes
from common.contract.receipt import Receipt
from tests.support.paths import ROOT
from uploader.ingest.parser import IncomingMessage, InvalidMessageError, parse_capture
from uploader.mqtt.receipts import ReceiptBatcher

MAX_PIXELS = 50_000_000
NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, UTC)

Write = Callable[[str], Capture]


@pytest.fixture
def write() -> Write:
    """A capture as the camera makes it, in the format asked for."""

    def make(image_format: str) -> Capture:
        noise = np.random.default_rng(7).integers(0, 255, (120, 90, 3), np.uint8)
        encoder = CaptureEncoder(camera="front_door-2", whole_frame=True, margin=0.3, image_format=image_format)
        shot = encoder.crop(Frame(noise, NOON, 0.0, 7), Detection(Box(0, 12, 34, 56), 0.93449), 0.71, "1")
        return encoder.encode(shot, ShotKind.BETTER)

    return make


def sent(capture: Capture, *, without: tuple[str, ...] = ()) -> IncomingMessage:
    """The message as the cloud broker delivers it."""
    properties = {name: value for name, value in capture.properties() if name not in without}
    return IncomingMessage("usbcam/porch/images", capture.image, properties, datetime.now(UTC))


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_the_uploader_reads_what_the_camera_writes(write: Write, image_format: str) -> None:
    capture = write(image_format)

    read = parse_capture(sent(capture), MAX_PIXELS)

    assert (read.edge, read.camera, read.id) == ("porch", "front_door-2", capture.id)
    assert read.captured_at == capture.metadata.captured_at
    assert read.content_type == capture.content_type
    assert read.metadata == dict(capture.properties()) | {"edge": "porch"}
    assert not read.bare


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_an_image_that_lost_its_properties_describes_itself(write: Write, image_format: str) -> None:
    capture = write(image_format)
    everything = tuple(name for name, _ in capture.properties())

    read = parse_capture(sent(capture, without=everything), MAX_PIXELS)

    assert read.metadata == dict(capture.properties()) | {"edge": "porch"}


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_one_changed_byte_does_not_pass_for_the_capture(write: Write, image_format: str) -> None:
    capture = write(image_format)
    middle = len(capture.image) // 2
    changed = capture.image[:middle] + bytes([capture.image[middle] ^ 1]) + capture.image[middle + 1 :]

    with pytest.raises(InvalidMessageError):
        parse_capture(IncomingMessage("usbcam/porch/images", changed, dict(capture.properties()), NOON), MAX_PIXELS)


def test_every_millisecond_survives_the_journey(write: Write) -> None:
    capture = write("png")

    for milliseconds in (0, 1, 9, 99, 100, 500, 999):
        at = (NOON + timedelta(milliseconds=milliseconds)).replace(microsecond=milliseconds * 1000)
        moved = Capture.create(CaptureMetadata("porch", at, capture.metadata.box, 0.9), capture.image)
        properties = dict(moved.properties())
        message = IncomingMessage("usbcam/porch/images", moved.image, properties, NOON)
        assert parse_capture(message, MAX_PIXELS).id == moved.id


def test_the_camera_understands_the_uploaders_receipts() -> None:
    published: list[tuple[str, bytes]] = []
    receipts = ReceiptBatcher(lambda topic, payload: published.append((topic, payload)))

    receipts.add_stored("porch", "20261122T120000.123Z-00000001", "porch/camera/1.png")
    receipts.add_stored("porch", "20261122T120000.123Z-00000002", "porch/camera/2.png")
    receipts.add_rejected("porch", "20261122T120000.123Z-00000003", "no image")
    receipts.add_stored("shed", "20261122T120000.123Z-00000004", "shed/camera/4.png")
    receipts.flush()

    read = {topic: Receipt.parse(payload) for topic, payload in published}
    assert set(read) == {"usbcam/porch/receipts", "usbcam/shed/receipts"}
    assert read["usbcam/porch/receipts"].stored == (
        ("20261122T120000.123Z-00000001", "porch/camera/1.png"),
        ("20261122T120000.123Z-00000002", "porch/camera/2.png"),
    )
    assert read["usbcam/porch/receipts"].rejected == (("20261122T120000.123Z-00000003", "no image"),)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"[]", b"1", b'"stored"', b'{"stored": 1}', b'{"stored": [1]}', b'{"stored": [{}]}', b"[" * 100_000],
)
def test_nonsense_is_no_receipt(payload: bytes) -> None:
    with pytest.raises(ValueError, match="not a receipt"):
        Receipt.parse(payload)


def test_a_receipt_may_grow_new_fields() -> None:
    payload = json.dumps({"schema": 2, "stored": [{"id": "a", "key": "k", "etag": "e"}]}).encode()

    assert Receipt.parse(payload).stored == (("a", "k"),)


@pytest.mark.parametrize("side", ["edge", "cloud"])
def test_the_largest_capture_fits_the_brokers(side: str) -> None:
    configuration = (ROOT / "mosquitto" / side / "mosquitto.conf").read_text()
    start = (ROOT / "mosquitto" / side / "start.sh").read_text()

    assert re.search(r"^max_packet_size @MAX_PACKET_SIZE@$", configuration, re.MULTILINE)
    assert "MAX_PACKET_SIZE=$((MAX_IMAGE_MB * 1048576))" in start
    assert f"MAX_IMAGE_MB=${{MAX_IMAGE_MB:-{Settings().max_image_mb}}}" in start
    assert max_image_bytes(8) <= 8 * 1048576 - 4096


def test_the_reference_names_every_property(write: Write) -> None:
    reference = (ROOT / "docs" / "reference" / "messages.md").read_text()

    for name, _ in write("png").properties():
        assert f"`{name}`" in reference
