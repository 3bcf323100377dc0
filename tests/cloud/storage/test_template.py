"""How captures are named."""

from datetime import UTC, datetime

import pytest

from storage.keys.template import (
    DEFAULT_TEMPLATE,
    alternative_keys,
    is_unique_per_capture,
    key_prefix,
    object_key,
    parse_id,
    validate_template,
)
from tests.support.images import pictures
from uploader.ingest.parser import parse_capture

PICTURE = pictures.png(1)
CAPTURE = parse_capture(pictures.message(PICTURE), 1_000_000)
PHOTO = parse_capture(pictures.message(pictures.jpeg(1)), 1_000_000)
SECONDS = "{captured_at:%d-%m-%Y_%H-%M-%S}.png"


def test_the_default_key_is_edge_camera_day_and_id() -> None:
    assert object_key(DEFAULT_TEMPLATE, CAPTURE) == f"porch/door/2026/11/22/{pictures.identity(PICTURE)}.png"


def test_a_jpeg_is_not_called_png() -> None:
    assert object_key(SECONDS, PHOTO) == "22-11-2026_06-33-25.jpg"
    assert object_key("{id}.jpg", CAPTURE).endswith(".png")
    assert object_key("{id}", PHOTO) == PHOTO.id


def test_other_names_keep_the_extension_and_differ_by_bytes_then_by_time() -> None:
    by_bytes, by_time = alternative_keys("a.b/22.png", CAPTURE)

    assert by_bytes == f"a.b/22-{CAPTURE.sha256[:8]}.png"
    assert by_time == f"a.b/22-{CAPTURE.id}.png"


def test_a_template_with_the_id_names_the_capture() -> None:
    assert is_unique_per_capture(DEFAULT_TEMPLATE)
    assert not is_unique_per_capture(SECONDS)


def test_the_id_can_be_read_back_from_the_default_key() -> None:
    assert parse_id(object_key(DEFAULT_TEMPLATE, CAPTURE)) == CAPTURE.id
    assert parse_id("20261122T063325.123Z-9f2c01ab/x.png") is None
    assert key_prefix(DEFAULT_TEMPLATE, CAPTURE) == "porch/door/2026/11/22"


@pytest.mark.parametrize(
    "template", [DEFAULT_TEMPLATE, SECONDS, "faces/{id}", "{captured_at:%f}.png", "{{x}}/{id}.png"]
)
def test_proper_templates_are_taken(template: str) -> None:
    assert validate_template(template) == template


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{host}/{id}.png", "{host}"),
        ("{0}.png", "{0}"),
        ("{}.png", "{}"),
        ("{edge.__class__}.png", "edge.__class__"),
        ("{edge!r}.png", "format"),
        ("{camera:>9}.png", "format"),
        ("{captured_at:{edge}}.png", "format"),
        ("{id", "is not a template"),
        ("/{id}.png", "/"),
        ("{edge}//{id}.png", "/"),
        ("{edge}/../{id}.png", ".."),
        ("{edge}/", "/"),
        ("a\n{id}", "printable"),
        ("x" * 1000 + "{id}.png", "1024"),
        ("{edge}" * 17, "1024"),
        ("\u00e9" * 500, "1024"),
        ("constant.png", "{id} or a time"),
        ("{edge}/{camera}", "{id} or a time"),
        ("{edge}/{camera}.png", "{id} or a time"),
        ("{{id}}/{edge}", "{id} or a time"),
        ("{edge}/{captured_at:noon}.png", "{id} or a time"),
        ("{edge}/{captured_at:%%H}", "{id} or a time"),
        ("rejected/{id}.png", "must not begin with rejected/"),
        ("{captured_at:.usbcam-shared/%Y}/{id}.png", "must not begin with rejected/"),
    ],
)
def test_a_template_that_cannot_name_every_capture_is_refused(template: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        validate_template(template)

    assert problem in str(refusal.value)


def test_no_month_makes_a_key_too_long() -> None:
    template = "x" * 810 + "{captured_at:%B%A}" + "{edge}{id}.png"
    validate_template(template)

    for month in range(1, 13):
        capture = parse_capture(pictures.message(PICTURE, {"id": ""} | said(month)), 1_000_000)
        assert len(object_key(template, capture)) < 1024 - 30


def said(month: int) -> dict[str, str]:
    moment = datetime(2025, month, 3, tzinfo=UTC)
    return {"captured_at": pictures.rfc3339(moment), "id": pictures.identity(PICTURE, moment)}
