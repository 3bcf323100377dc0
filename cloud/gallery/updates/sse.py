"""Server-sent events: what was stored just now, and whether the broker is connected."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool

from gallery.catalog.catalog import CaptureCatalog
from gallery.catalog.entry import CatalogEntry
from gallery.catalog.metadata import MetadataCache, ShotFacts
from gallery.updates.receipt_feed import ReceiptFeed
from storage.reader import ListedObject

KEEPALIVE_SECONDS = 10.0


async def stream(receipt_feed: ReceiptFeed, catalog: CaptureCatalog, metadata: MetadataCache) -> AsyncIterator[str]:
    """The events of one page, for as long as it is connected."""
    queue = receipt_feed.subscribe()
    reported: bool | None = None
    try:
        while True:
            if receipt_feed.connected is not reported:
                reported = receipt_feed.connected
                yield event("broker", reported)
            try:
                stored = await asyncio.wait_for(queue.get(), KEEPALIVE_SECONDS)
            except TimeoutError:
                yield ": keep-alive\n\n"
                continue
            if stored is None:
                if receipt_feed.connected:
                    yield event("resync", None)
            elif entry := catalog.entry(ListedObject(stored.key, 0, datetime.now(UTC))):
                (complete,) = await run_in_threadpool(metadata.with_metadata, [entry])
                (facts,) = await run_in_threadpool(metadata.facts, [entry])
                yield event("stored", capture_json(complete, facts) | {"edge": complete.edge or stored.edge})
    finally:
        receipt_feed.unsubscribe(queue)


def event(name: str, content: object) -> str:
    return f"event: {name}\ndata: {json.dumps(content)}\n\n"


def entry_json(entry: CatalogEntry) -> dict[str, object]:
    """An entry as the page reads it."""
    return {
        "key": entry.key,
        "at": entry.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "edge": entry.edge,
        "camera": entry.camera,
        "size": entry.size,
    }


def capture_json(entry: CatalogEntry, facts: ShotFacts) -> dict[str, object]:
    """An entry, and which visit it belongs to."""
    return entry_json(entry) | asdict(facts)
