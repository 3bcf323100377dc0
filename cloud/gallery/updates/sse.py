"""Server-sent events: what is stored now, and whether the broker tells."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool

from gallery.catalog.catalog import Album
from gallery.catalog.entry import Picture
from gallery.catalog.metadata import Facts
from gallery.updates.receipt_feed import Arrivals
from storage.reader import Stored

BEAT_SECONDS = 10.0


async def stream(arrivals: Arrivals, album: Album, facts: Facts) -> AsyncIterator[str]:
    """One page's events, for as long as it listens."""
    queue = arrivals.listen()
    told: bool | None = None
    try:
        while True:
            if arrivals.connected is not told:
                told = arrivals.connected
                yield event("broker", told)
            try:
                news = await asyncio.wait_for(queue.get(), BEAT_SECONDS)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if news is None:
                if arrivals.connected:
                    yield event("again", None)
            elif picture := album.picture(Stored(news.key, 0, datetime.now(UTC))):
                (complete,) = await run_in_threadpool(facts.completed, [picture])
                yield event("stored", shown(complete) | {"edge": complete.edge or news.edge})
    finally:
        arrivals.leave(queue)


def event(name: str, content: object) -> str:
    return f"event: {name}\ndata: {json.dumps(content)}\n\n"


def shown(picture: Picture) -> dict[str, object]:
    """A picture as the page knows it."""
    return {
        "key": picture.key,
        "at": picture.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "edge": picture.edge,
        "camera": picture.camera,
        "size": picture.size,
    }
