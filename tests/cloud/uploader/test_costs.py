"""What the uploader does for each image, in counts, which no slow machine changes."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from unittest import mock

from isal import isal_zlib

from tests.support.images import pictures
from uploader.ingest.cpu_budget import CpuBudgets
from uploader.ingest.parser import IncomingMessage, parse_capture
from uploader.ingest.poison import in_hand
from uploader.ingest.poison.guard import PoisonGuard
from uploader.ingest.samples import INITIAL_SAMPLES, SAMPLE_INTERVAL
from uploader.store.bucket_objects import Upload

IMAGES = 80
LIMIT = 1_000_000


def test_an_image_is_hashed_once_and_not_copied_and_a_sample_is_inflated() -> None:
    payloads = [pictures.png(number, side=64) for number in range(IMAGES)]
    messages = [pictures.message(payload) for payload in payloads]
    budgets, uploads = CpuBudgets(), []
    hashed: list[int] = []

    def sha256(content: bytes) -> object:
        hashed.append(len(content))
        return mock.DEFAULT

    hashing = mock.patch.object(hashlib, "sha256", wraps=hashlib.sha256, side_effect=sha256)
    inflating = mock.patch.object(isal_zlib, "decompressobj", wraps=isal_zlib.decompressobj)
    with hashing, inflating as inflated:
        for message in messages:
            with budgets.meter("porch") as meter:
                capture = parse_capture(message, LIMIT, meter)
            uploads.append(Upload("key", capture.image, capture.content_type, capture.object_metadata))
            assert message.identity  # as the journal of what is being read has it

    assert [size for size in hashed if size > 1000] == [len(payload) for payload in payloads]
    assert all(upload.body is message.payload for upload, message in zip(uploads, messages, strict=True))
    assert inflated.call_count == INITIAL_SAMPLES + IMAGES // SAMPLE_INTERVAL


def test_an_image_without_an_id_is_always_inflated() -> None:
    budgets = CpuBudgets()
    numbers = range(3 * SAMPLE_INTERVAL)
    bare: list[IncomingMessage] = [replace(pictures.message(pictures.png(n)), properties={}) for n in numbers]
    with mock.patch.object(isal_zlib, "decompressobj", wraps=isal_zlib.decompressobj) as inflated:
        for message in bare:
            with budgets.meter("porch") as meter:
                parse_capture(message, LIMIT, meter)

    assert inflated.call_count == len(bare)


def test_the_journal_asks_the_disk_little(tmp_path: Path) -> None:
    guard = PoisonGuard(tmp_path / "journal", 4)
    message = pictures.message(pictures.png(1))
    stat = mock.patch.object(os, "stat", wraps=os.stat)
    with mock.patch.object(in_hand, "write_at", wraps=in_hand.write_at) as written, stat as asked:
        for _ in range(IMAGES):
            assert not guard.is_poison(message)
            with guard.reading(message):
                pass
            guard.clear(message)

    assert written.call_count == 2 * IMAGES
    assert asked.call_count < IMAGES  # ten times a second
