"""Receipts that an enemy wrote are refused before they cost anything."""

import json
import os
import random
from typing import Any

import pytest

from common.contract.receipt import MAX_BYTES, MAX_ENTRIES, MAX_NESTING, MAX_TEXT_BYTES, Receipt, StoredCapture

FUZZ = int(os.environ.get("FUZZ") or 1000)
ENTRY = {"id": "a", "key": "k"}


def receipt(**fields: Any) -> bytes:
    return json.dumps({"stored": [ENTRY]} | fields).encode()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (receipt(note="x" * MAX_BYTES), "bytes"),
        (receipt(stored=[ENTRY] * (MAX_ENTRIES + 1)), "entries"),
        (receipt(stored=[ENTRY] * MAX_ENTRIES, rejected=[ENTRY]), "entries"),
        (receipt(stored=[{"id": "a", "key": "a/" * 30_000}]), "an id or a key has more than"),
        (receipt(stored=[{"id": "a" * 1025}]), "an id or a key has more than"),
        (receipt(stored=[{"id": "a", "key": "é" * 513}]), "an id or a key has more than"),
        (receipt(rejected=[{"id": "a" * 1025}]), "an id or a key has more than"),
        (receipt(stored=[{"id": "a", "key": "\ud800"}]), "surrogates"),
        (b"[" * 200_000, "nested"),
        (b'{"a":' * 50_000, "nested"),
        (b'"\\"' + b"[" * 200_000, "not a receipt"),
        (b'{"x": "\\\\", "y": ' + b"[{" * 9 + b"}]" * 9 + b"}", "nested"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_no_uploader_writes_is_refused(payload: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Receipt.parse(payload)


def test_what_is_at_the_bounds_is_read() -> None:
    key = "é" * (MAX_TEXT_BYTES // 2)
    deep: Any = "[" * 50  # brackets in a text are no nesting
    for _ in range(MAX_NESTING - 1):
        deep = [deep]

    assert Receipt.parse(receipt(stored=[{"id": "a", "key": key}], deep=deep)).stored == (("a", key),)
    many = Receipt(tuple(StoredCapture("a" * 33, f"porch/door/{n}.png") for n in range(MAX_ENTRIES)))
    assert Receipt.parse(many.to_json()) == many


@pytest.mark.timeout(60 + FUZZ / 10)
def test_no_damaged_receipt_raises_anything_else() -> None:
    """FUZZ=100000 tries more of them."""
    chance = random.Random(1)
    pieces = [b"[", b"{", b'"', b"\\", b"null", b"1e999", b":", b",", b"\xff", b"\\ud800", b"9" * 5000, b"-", b"{}"]
    for _ in range(FUZZ):
        payload = bytearray(receipt(rejected=[{"id": "b", "reason": "no image"}]))
        for _ in range(chance.randrange(1, 6)):
            start = chance.randrange(len(payload))
            payload[start : start + chance.randrange(4)] = chance.choice(pieces) * chance.randrange(1, 40)
        try:
            read = Receipt.parse(payload)
        except ValueError:
            continue
        assert len(read.stored) + len(read.rejected) <= MAX_ENTRIES
