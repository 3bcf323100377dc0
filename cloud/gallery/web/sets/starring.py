"""Stars, set and taken back."""

import json

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from common.web.body import read_body
from gallery.context import GalleryContext
from gallery.web.errors import problem
from gallery.web.query import entries_of_keys
from gallery.web.sets.scope import refuse_others

MAX_BODY_BYTES = 262_144
MAX_STARRED = 200  # captures in one request


class StarEndpoint:
    def __init__(self, context: GalleryContext) -> None:
        self._context = context

    async def star(self, request: Request) -> Response:
        """Star the captures that the body names, or take that back: {"keys": [...], "starred": true}."""
        try:
            body = json.loads(await read_body(request, MAX_BODY_BYTES))
            entries, starred = entries_of_keys(self._context.catalog, body["keys"], MAX_STARRED), body["starred"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return problem('The body must be JSON with "keys" and "starred".', 400)
        if entries is None or not isinstance(starred, bool):
            return problem(f"The keys must be those of 1 to {MAX_STARRED} captures, and starred true or false.", 400)
        keys = [entry.key for entry in entries]
        return await run_in_threadpool(self._star if starred else self._unstar, keys)

    def _star(self, keys: list[str]) -> Response:
        """`kept` is false where retention deletes them all the same."""
        refuse_others(self._context.reader, keys)
        return JSONResponse({"kept": self._context.stars.star(keys)})

    def _unstar(self, keys: list[str]) -> Response:
        refuse_others(self._context.reader, keys, may_be_gone=True)  # what has no star may be deleted by its age
        self._context.stars.unstar(keys)
        return JSONResponse({})
