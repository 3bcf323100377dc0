"""A gallery of the test's own, and a bucket that holds what the test says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from common.contract import topics
from dev.harness.process import Process, free_port, wait_for
from dev.harness.services import start_gallery
from storage.capture import Capture
from storage.keys.template import DEFAULT_TEMPLATE, object_key
from tests.cloud.rig import Bucket
from tests.support.images import pictures
from tests.support.pages.web import Site
from uploader.ingest.parser import parse_capture

SECONDS = 30.0
NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
MOST_PIXELS = 1_000_000


@dataclass(frozen=True, slots=True)
class Gallery(Site):
    """A running gallery."""

    process: Process

    def get(self, path: str, **query: str) -> Any:
        answer = self.ask(f"{path}?{urlencode(query)}")
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def problem(self, path: str, **query: str) -> str:
        """What the gallery says is wrong."""
        answer = self.ask(f"{path}?{urlencode(query)}")
        assert answer.status >= 400
        return str(json.loads(answer.body)["problem"])

    def keys(self, **query: str) -> list[str]:
        """All keys, page after page, in the page's order."""
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.get("/api/captures", **query, cursor=cursor)
            found += [picture["key"] for picture in page["captures"]]
            cursor = page["cursor"]
        return found

    def post(self, path: str, content: object) -> int:
        return self.ask(path, "POST", json.dumps(content)).status


@contextmanager
def gallery(folder: Path, settings: dict[str, str], **more: str) -> Iterator[Gallery]:
    """Run one until the end of the block."""
    given = {"GALLERY_PORT": str(free_port())} | settings | more
    running = Gallery(int(given["GALLERY_PORT"]), start_gallery(folder, **given))
    try:
        wait_for(running.answers, seconds=SECONDS, what="the gallery")
        yield running
    finally:
        running.process.kill()


def capture(number: int, **said: str) -> Capture:
    """A capture that differs from the others, a minute later than the one before."""
    picture = pictures.png(number, side=64)
    at = NOON + timedelta(minutes=number)
    edge = said.pop("edge", "porch")
    told = pictures.properties(picture, at) | said
    return parse_capture(pictures.message(picture, told, topic=topics.edge_images(edge)), MOST_PIXELS)


def put(bucket: Bucket, *captures: Capture, template: str = DEFAULT_TEMPLATE) -> list[str]:
    """Store captures as the uploader does; their keys."""
    keys = [object_key(template, each) for each in captures]
    for key, each in zip(keys, captures, strict=True):
        bucket.put(key, each.image, each.content_type, **each.metadata)
    return keys


def put_fleet(bucket: Bucket, edges: list[str]) -> None:
    """Store a capture of this month for each of many edges."""
    now = datetime.now(UTC)
    name = f"{now:%Y%m}01T000000.000Z-9f2c01ab.png"
    each = capture(1)  # real, for a page takes what is none off its list again
    for edge in edges:
        bucket.put(f"{edge}/door/{now:%Y/%m}/01/{name}", each.image, each.content_type, **each.metadata)
