"""Messages of edges that are out there: what an old camera wrote, every later reader understands, byte for byte.

Each schema has a folder, written once by the code of its day. Nothing in it ever changes; a new schema adds one.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from camera.diagnostics.broker import BrokerSnapshot
from common.contract import topics
from common.contract.capture import Capture
from common.contract.embedded import PNG_SIGNATURE, embed_metadata, extract_metadata, png_chunks
from common.contract.receipt import Receipt
from common.contract.status import LAST_WILL, Blindness, CameraReport, CameraState
from common.contract.times import parse_timestamp
from common.contract.visit import Visit
from gallery.fleet.fleet import Fleet
from gallery.fleet.notifications.visits import EndedVisit
from uploader.ingest.parser import IncomingMessage, parse_capture

GOLDEN = Path(__file__).with_name("golden")
IMAGES = sorted([*GOLDEN.glob("schema-*/*.png"), *GOLDEN.glob("schema-*/*.jpg")])
STATUSES = sorted(
    path for path in GOLDEN.glob("schema-*/status-*.json") if path.stem not in {"status-last-will", "status-words"}
)
NAMES = [f"{image.parent.name}/{image.name}" for image in IMAGES]
MAX_PIXELS = 50_000_000
LATER = datetime(2031, 1, 1, tzinfo=UTC)


def described(image: Path) -> dict[str, Any]:
    """What the camera sent alongside the image."""
    content: dict[str, Any] = json.loads(image.with_suffix(".json").read_text())
    return content


def test_there_are_golden_messages_of_every_kind() -> None:
    kinds = {"first-png", "better-jpeg", "stay-png", "last-jpeg", "more-png", "untracked-png"}

    assert kinds <= {i.stem for i in IMAGES}


@pytest.mark.parametrize("image", IMAGES, ids=NAMES)
def test_the_uploader_stores_what_an_old_camera_sent(image: Path) -> None:
    message = described(image)
    properties = dict(message["properties"])

    capture = parse_capture(IncomingMessage(message["topic"], image.read_bytes(), properties, LATER), MAX_PIXELS)

    assert capture.id == properties["id"]
    assert capture.content_type == message["content_type"]
    assert capture.metadata == properties | {"edge": "porch"}


@pytest.mark.parametrize("image", IMAGES, ids=NAMES)
def test_an_old_image_describes_itself_without_its_properties(image: Path) -> None:
    message = described(image)

    capture = parse_capture(IncomingMessage(message["topic"], image.read_bytes(), {}, LATER), MAX_PIXELS)

    assert capture.metadata == dict(message["properties"]) | {"edge": "porch"}


@pytest.mark.parametrize("image", IMAGES, ids=NAMES)
def test_a_camera_sends_on_what_an_older_one_left_in_its_spool(image: Path) -> None:
    capture = Capture.parse(image.read_bytes())

    assert [list(pair) for pair in capture.properties()] == described(image)["properties"]


def test_an_old_receipt_is_understood() -> None:
    receipt = Receipt.parse((GOLDEN / "schema-1" / "receipt.json").read_bytes())

    assert receipt.stored == (
        ("20261122T063325.123Z-9f2c01ab", "porch/front_door-2/2026/11/22/20261122T063325.123Z-9f2c01ab.png"),
    )
    assert receipt.rejected == (("20261122T063327.001Z-00000002", "the id does not fit the bytes"),)


def test_a_receipt_is_written_as_it_always_was() -> None:
    golden = (GOLDEN / "schema-1" / "receipt.json").read_bytes()

    assert Receipt.parse(golden).to_json() == golden.strip()


def test_a_visit_is_written_as_it_always_was() -> None:
    golden = (GOLDEN / "schema-1" / "visit.json").read_bytes()
    content = json.loads(golden)
    began_at, ended_at = (parse_timestamp(content[name]) for name in ("began_at", "ended_at"))

    visit = Visit(content["track"], content["camera"], began_at, ended_at, tuple(content["captures"]), content["best"])

    assert visit.to_json() == golden.strip()
    assert Visit.parse(golden) == visit


def test_an_old_visit_is_one_that_people_are_notified_of() -> None:
    golden = (GOLDEN / "schema-1" / "visit.json").read_bytes()

    visit = EndedVisit.parse("porch", golden, LATER)

    assert visit
    assert (visit.camera, visit.shots) == ("front_door-2", 2)
    assert visit.best == json.loads(golden)["best"]


@pytest.mark.parametrize("golden", STATUSES, ids=lambda path: path.stem)
def test_a_status_is_written_as_it_always_was(golden: Path) -> None:
    assert CameraReport.parse(golden.read_bytes()).to_json() == golden.read_bytes().strip()


def test_a_last_will_is_an_old_one() -> None:
    golden = (GOLDEN / "schema-1" / "status-last-will.json").read_bytes().strip()

    assert golden == LAST_WILL
    assert CameraReport.parse(golden) == CameraReport(online=False)


def test_old_words_of_a_status_are_known() -> None:
    words = json.loads((GOLDEN / "schema-1" / "status-words.json").read_bytes())

    assert set(words["state"]) <= set(CameraState)
    assert set(words["blind"]) <= set(Blindness)


@pytest.mark.parametrize("golden", STATUSES, ids=lambda path: path.stem)
def test_doctor_and_gallery_understand_what_an_old_camera_said(golden: Path) -> None:
    content, snapshot, fleet = golden.read_bytes(), BrokerSnapshot(), Fleet()

    snapshot.add(topics.status("front"), content)
    fleet.record("porch", "front", content, LATER)

    report = CameraReport.parse(content)
    assert snapshot.statuses == {"front": report}
    assert fleet.edges()["porch"].cameras["front"].report == report
    assert report.to_dict() == json.loads(content)


@pytest.mark.parametrize("image", IMAGES, ids=NAMES)
def test_the_same_metadata_is_embedded_byte_for_byte(image: Path) -> None:
    golden = image.read_bytes()
    capture = Capture.parse(golden)
    text = json.dumps(capture.metadata.to_dict(), separators=(",", ":"))

    assert extract_metadata(golden) == text
    assert Capture.create(capture.metadata, without(golden, embed_metadata(b"", text))).image == golden


def without(golden: bytes, comment: bytes) -> bytes:
    """The image as it came from its encoder."""
    if not golden.startswith(PNG_SIGNATURE):
        return golden.replace(comment, b"", 1)
    plain = PNG_SIGNATURE
    for name, start, end in png_chunks(golden):
        plain += b"" if name == b"iTXt" else golden[start - 8 : end + 4]
    return plain
