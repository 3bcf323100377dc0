"""S3_KEY_TEMPLATE and what follows from it: where each capture lives in the bucket."""

import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from common.contract.capture import CAPTURE_ID
from storage.capture import REJECTED_FOLDER, Capture
from storage.keys.folders import OURS, holds_no_captures

DEFAULT_TEMPLATE = "{edge}/{camera}/{captured_at:%Y/%m/%d}/{id}.png"
FIELDS = ("edge", "camera", "captured_at", "id")
MAX_KEY_BYTES = 1024  # S3's own limit
WORST_CASE_SUFFIX = "-20261122T063325.123Z-9f2c01ab"
WORST_CASE_CAPTURE = Capture(
    edge="e" * 63,
    camera="c" * 63,
    captured_at=datetime(2026, 9, 30, 23, 59, 59, 999_000, tzinfo=UTC),  # a Wednesday in September
    image=b"",
    content_type="image/jpeg",
    sha256="f" * 64,
)
OTHER_TIMES_CAPTURE = replace(WORST_CASE_CAPTURE, captured_at=datetime(2031, 1, 5, 4, 3, 2, 1_000, tzinfo=UTC))
EXTENSIONS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}


def validate_template(template: str) -> str:
    """Return a template that can name every capture; raises ValueError, which says why another cannot."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"is not a template: {error}") from error
    for _, field, spec, conversion in parts:
        _check_field(field, spec, conversion)
    key = object_key(template, WORST_CASE_CAPTURE)
    if any(part in {"", ".", ".."} for part in key.split("/")):
        raise ValueError("must give a key without a leading, trailing or double / and without ..")
    if not key.isprintable():
        raise ValueError("must give a key of printable characters")
    if holds_no_captures(key):
        raise ValueError(f"must not begin with {REJECTED_FOLDER} or {OURS}, where no captures are looked for")
    if len((key + WORST_CASE_SUFFIX).encode()) > MAX_KEY_BYTES:
        raise ValueError(f"can give keys of more than {MAX_KEY_BYTES} bytes, S3's limit")
    if key == object_key(template, OTHER_TIMES_CAPTURE):
        raise ValueError("must have {id} or a time such as {captured_at:%Y%m%d-%H%M%S}")
    return template


def _check_field(field: str | None, spec: str | None, conversion: str | None) -> None:
    if field is None:
        return
    if field not in FIELDS:
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise ValueError(f"has {{{field}}}, which is none of {known}")
    if conversion or (spec and (field != "captured_at" or "{" in spec)):
        raise ValueError(f"formats {{{field}}}; only {{captured_at:...}} takes a format")


def object_key(template: str, capture: Capture) -> str:
    """Make the key, so that a second delivery of the same capture meets the first."""
    key = _filled(template, capture.edge, capture.camera, capture.captured_at, capture.id)
    suffix = _suffix(key)
    if EXTENSIONS.get(suffix, capture.content_type) == capture.content_type:
        return key
    extension = ".jpg" if capture.content_type == "image/jpeg" else ".png"
    return key.removesuffix(suffix) + extension


@lru_cache
def _filled(template: str, edge: str, camera: str, captured_at: datetime, capture_id: str) -> str:
    """Remembered for the next attempt, and for the next delivery: times are written slowly."""
    return template.format(edge=edge, camera=camera, captured_at=captured_at, id=capture_id)


def _suffix(key: str) -> str:
    """The same as `PurePosixPath(key).suffix`, at a tenth of its cost."""
    name = key.rpartition("/")[2]
    dot = name.rfind(".")
    return name[dot:] if 0 < dot < len(name) - 1 else ""


@lru_cache
def is_unique_per_capture(template: str) -> bool:
    """Tell whether an existing key can only hold this very capture."""
    return any(field == "id" for _, field, _, _ in string.Formatter().parse(template))


def alternative_keys(key: str, capture: Capture) -> Iterator[str]:
    """Keys to try when another capture has the first one: with the hash, then with time and hash."""
    suffix = _suffix(key)
    stem = key.removesuffix(suffix)
    yield f"{stem}-{capture.sha256[:8]}{suffix}"
    yield f"{stem}-{capture.id}{suffix}"


def key_prefix(template: str, capture: Capture) -> str:
    """The part of the key up to its last slash, which a capture shares with its neighbours."""
    return object_key(template, capture).rpartition("/")[0]


def parse_id(key: str) -> str | None:
    """Read the capture id back from a key, if it is in its last part."""
    found = CAPTURE_ID.search(key.rpartition("/")[2])
    return found[0] if found else None
