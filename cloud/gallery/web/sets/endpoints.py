"""What the page does with several captures: a ZIP file, or a link to a page that shows them."""

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from common.web.body import read_body
from gallery.catalog.entry import CatalogEntry
from gallery.context import GalleryContext
from gallery.web.errors import problem
from gallery.web.query import entries_of_keys
from gallery.web.sets.archive import zip_stream
from gallery.web.sets.scope import refuse_others
from gallery.web.sets.shared_page import Heading, share
from storage.presign import DEFAULT_EXPIRY, Presigner, parse_duration

MAX_BODY_BYTES = 1_000_000
MAX_ZIPPED = 2000  # captures in one file
MAX_SHARED = 200  # on one page
MAX_TITLE = 200  # characters


class SetEndpoints:
    def __init__(self, context: GalleryContext) -> None:
        self._context = context

    async def zip(self, request: Request) -> Response:
        """A ZIP file of the captures that the form's `keys` names as a JSON list."""
        form = parse_qs((await read_body(request, MAX_BODY_BYTES)).decode("utf-8", "replace"))
        entries = self._entries(form.get("keys", [""])[0], MAX_ZIPPED)
        if entries is None:
            return problem(f"The keys must be those of 1 to {MAX_ZIPPED} captures.", 400)
        stream = await run_in_threadpool(_started, zip_stream(self._context.reader, entries))
        headers = {"content-disposition": f'attachment; filename="{_name(entries)}"'}
        return StreamingResponse(stream, media_type="application/zip", headers=headers)

    async def share(self, request: Request) -> Response:
        """A link to a page with the captures of the body: {"keys": [...], "expires": "7d", "title", "language"}."""
        try:
            body = json.loads(await read_body(request, MAX_BODY_BYTES))
            entries = entries_of_keys(self._context.catalog, body["keys"], MAX_SHARED)
            heading = Heading(str(body.get("language", "en"))[:20], str(body.get("title", ""))[:MAX_TITLE])
            expires = parse_duration(str(body.get("expires", DEFAULT_EXPIRY)))
        except (TypeError, KeyError, AttributeError, RecursionError, json.JSONDecodeError):
            return problem('The body must be JSON with "keys".', 400)
        if entries is None:
            return problem(f"The keys must be those of 1 to {MAX_SHARED} captures.", 400)
        await run_in_threadpool(refuse_others, self._context.reader, [entry.key for entry in entries])
        presigner = Presigner(self._context.settings)
        link = await run_in_threadpool(share, self._context.reader, presigner, entries, expires, heading)
        return JSONResponse(link.to_json())

    def _entries(self, text: str, most: int) -> list[CatalogEntry] | None:
        try:
            return entries_of_keys(self._context.catalog, json.loads(text), most)
        except (ValueError, TypeError, RecursionError):
            return None


def _started(stream: Iterator[bytes]) -> Iterator[bytes]:
    """The same, with its first part read, so that a store that does not answer is an error and no broken file."""
    return chain([next(stream)], stream)


def _name(entries: Sequence[CatalogEntry]) -> str:
    days = sorted({f"{entry.at:%Y-%m-%d}" for entry in entries})
    return f"usbcam-{days[0]}.zip" if len(days) == 1 else f"usbcam-{days[0]}-to-{days[-1]}.zip"
