"""What the uploader reads out of a message."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.images import pictures
from uploader.ingest.parser import IncomingMessage, InvalidMessageError, claimed_id, edge_or_underscore, parse_capture

LIMIT = 1_000_000
EVENING = datetime(2025, 12, 31, 23, 59, 59, 7_000, tzinfo=UTC)


def reason_for(message: IncomingMessage) -> str:
    with pytest.raises(InvalidMessageError) as refusal:
        parse_capture(message, LIMIT)
    return str(refusal.value)


def test_a_message_with_properties_is_read() -> None:
    picture = pictures.png(1)

    capture = parse_capture(pictures.message(picture), LIMIT)

    assert (capture.edge, capture.camera, capture.content_type) == ("porch", "door", "image/png")
    assert capture.id == pictures.identity(picture)
    assert capture.metadata == pictures.properties(picture) | {"edge": "porch"}
    assert not capture.bare


@pytest.mark.parametrize("picture", [pictures.png, pictures.jpeg], ids=["png", "jpeg"])
def test_a_message_that_lost_its_properties_is_described_by_its_picture(picture: object) -> None:
    assert callable(picture)
    payload = picture(1, pictures.description(EVENING))

    capture = parse_capture(pictures.message(payload, {}), LIMIT)

    assert (capture.camera, capture.captured_at, capture.bare) == ("porch-left", EVENING, False)
    assert capture.id == pictures.identity(payload, EVENING)
    assert capture.details == {"box": "1,2,3,4", "score": "0.934"}


def test_properties_go_before_what_the_picture_says() -> None:
    payload = pictures.png(1, pictures.description(EVENING))

    assert parse_capture(pictures.message(payload), LIMIT).camera == "door"


@pytest.mark.parametrize("embedded", [None, "no JSON", "[1]", "{}", '{"camera": "x"}', "[" * 100_000])
def test_a_picture_that_says_nothing_is_a_bare_capture(embedded: str | None) -> None:
    capture = parse_capture(pictures.message(pictures.png(1, embedded), {}), LIMIT)

    assert (capture.camera, capture.bare) == ("unknown", True)
    assert capture.captured_at == pictures.ARRIVED_AT.replace(microsecond=456_000)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"", "empty"),
        (lambda: b"a text file", "neither a PNG nor a JPEG"),
        (lambda: pictures.PNG_START, "damaged"),
        (lambda: pictures.png(1)[:-20], "damaged"),
        (lambda: pictures.png(1)[:-12], "damaged"),
        (lambda: pictures.jpeg(1)[:-100], "damaged"),
        (pictures.png_with_a_flipped_bit, "damaged"),
        (pictures.png_without_its_last_rows, "last rows"),
        (lambda: pictures.png_of_nothing(10, 10), "last rows"),
        (lambda: pictures.png_of_nothing(1001, 1000), "MAX_IMAGE_PIXELS"),
        (lambda: pictures.png_of_nothing(2**31 - 1, 2**31 - 1), "MAX_IMAGE_PIXELS"),
        (lambda: pictures.png_of_nothing(0, 10), "damaged"),
        (lambda: pictures.png_with_text_bomb(64), "too large"),
        (lambda: pictures.png_with_many_texts(50), "memory"),
    ],
)
def test_what_is_no_sound_picture_is_refused(make: Callable[[], bytes], reason: str) -> None:
    assert reason in reason_for(pictures.message(make()))


def test_a_truncated_picture_is_refused_wherever_it_ends() -> None:
    for whole in (pictures.png(1), pictures.jpeg(1)):
        for length in range(0, len(whole) - 2, 7):
            assert reason_for(pictures.message(whole[:length]))


def test_random_bytes_after_a_sound_beginning_are_refused() -> None:
    chance = random.Random(7)
    for start in (pictures.PNG_START, pictures.png(1)[:50], pictures.jpeg(1)[:40], b"\xff\xd8\xff"):
        for _ in range(50):
            assert reason_for(pictures.message(start + chance.randbytes(chance.randrange(200))))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "20261122T063325.123Z-00000000"}, "id does not match the bytes"),
        ({"id": "x" * 100_000}, "id does not match"),
        ({"captured_at": "2026-11-22T06:33:26.123Z"}, "id does not match captured_at"),
        ({"captured_at": "2026-13-22T06:33:25.123Z"}, "captured_at"),
        ({"captured_at": "yesterday"}, "captured_at"),
        ({"captured_at": "9999-12-31T23:59:59.999Z"}, "more than a day ahead"),
        ({"captured_at": "2026-11-23T07:00:01.000Z"}, "more than a day ahead"),
        ({"captured_at": "1999-12-31T23:59:59.999Z"}, "before 2000"),
        ({"captured_at": "0001-01-01T00:00:00.000Z"}, "before 2000"),
        ({"camera": "../../etc"}, "camera"),
        ({"camera": ""}, "camera"),
        ({"schema": "2"}, "schema 2"),
    ],
)
def test_properties_that_contradict_the_contract_are_refused(changes: dict[str, str], reason: str) -> None:
    picture = pictures.png(1)

    assert reason in reason_for(pictures.message(picture, pictures.properties(picture) | changes))


@pytest.mark.parametrize("schema", ["\n1 X\x1b[2J", "\ud800\udfff", "\u202e\u2028x", "\r"])
def test_a_reason_that_quotes_its_sender_is_one_line_of_printable_characters(schema: str) -> None:
    text = json.dumps({"schema": schema, "captured_at": "2026-11-22T06:33:25.123Z"})

    reason = reason_for(pictures.message(pictures.png(1, text), {}))

    assert reason.startswith("schema ")
    assert reason.isprintable()


@pytest.mark.parametrize("name", ["id", "embedded"])
def test_a_time_far_ahead_is_refused_wherever_it_is_said(name: str) -> None:
    ahead = datetime(9999, 12, 31, tzinfo=UTC)
    picture = pictures.png(1, pictures.description(ahead))
    said = {"id": pictures.identity(picture, ahead)} if name == "id" else {}

    assert "more than a day ahead: set the camera's clock" in reason_for(pictures.message(picture, said))


@pytest.mark.parametrize("moment", [datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 11, 23, 7, tzinfo=UTC)])
def test_a_clock_that_is_wrong_by_less_than_a_day_loses_nothing(moment: datetime) -> None:
    picture = pictures.png(1)

    capture = parse_capture(pictures.message(picture, pictures.properties(picture, moment)), LIMIT)

    assert capture.captured_at == moment


def test_a_message_whose_properties_were_not_read_is_refused() -> None:
    message = replace(pictures.message(pictures.png(1), {}), oversized=True)

    assert reason_for(message) == "more than 64 user properties or 8 KiB of properties"


def test_an_image_on_which_a_reader_breaks_is_refused_and_the_fault_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: object) -> None:
        raise IndexError("a fault nobody knows yet")

    monkeypatch.setattr("uploader.ingest.image.check_png", break_down)

    assert reason_for(pictures.message(pictures.png(1))) == "reading the image failed: IndexError"
    assert "an image of the edge porch failed" in caplog.text


def test_huge_and_foreign_properties_never_reach_the_metadata() -> None:
    picture = pictures.png(1)
    said = pictures.properties(picture) | {"track": "\u00e9\n" + "t" * 60_000, "quality": "\r\n", "x-evil\r\n": "1"}

    metadata = parse_capture(pictures.message(picture, said), LIMIT).metadata

    assert metadata["track"] == "t" * 128
    assert set(metadata) == {"schema", "id", "edge", "camera", "captured_at", "box", "score", "track"}
    assert sum(len(key) + len(value) for key, value in metadata.items()) < 2048


def test_an_id_alone_tells_the_time() -> None:
    picture = pictures.png(1)

    capture = parse_capture(pictures.message(picture, {"id": pictures.identity(picture, EVENING)}), LIMIT)

    assert (capture.captured_at, capture.camera) == (EVENING, "unknown")


@pytest.mark.parametrize("edge", ["status", "images", "receipts", "Porch", "..", "", "a b", "-x", "a" * 64])
def test_a_topic_without_a_proper_edge_is_refused(edge: str) -> None:
    message = pictures.message(pictures.png(1), topic=f"usbcam/{edge}/images")

    assert "edge" in reason_for(message)
    assert edge_or_underscore(message.topic) == "_"


def test_only_a_proper_id_is_worth_a_receipt() -> None:
    picture = pictures.png(1)

    assert claimed_id(pictures.message(picture)) == pictures.identity(picture)
    assert claimed_id(pictures.message(picture, {"id": "nonsense"})) is None
