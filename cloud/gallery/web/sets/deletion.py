"""Deletion, where GALLERY_DELETE allows it."""

import json

from botocore.exceptions import ClientError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from common.web.body import read_body
from gallery.context import GalleryContext
from gallery.pictures.shrinking import NoImageError
from gallery.web.errors import problem
from gallery.web.query import find_entry
from gallery.web.sets.scope import refuse_others

MAX_BODY_BYTES = 262_144
MAX_DELETED = 200  # captures in one request
DENIED = ("AccessDenied", "403")


class DeletionEndpoint:
    def __init__(self, context: GalleryContext) -> None:
        self._context = context

    async def delete(self, request: Request) -> Response:
        """Delete the captures that the body names: {"keys": [...]}."""
        if not self._context.may_delete:
            return problem("Deletion is disabled: GALLERY_DELETE is off.", 403)
        try:
            keys = [str(key) for key in json.loads(await read_body(request, MAX_BODY_BYTES))["keys"]]
        except (ValueError, TypeError, KeyError, RecursionError):
            return problem('The body must be JSON with "keys".', 400)
        if not 1 <= len(keys) <= MAX_DELETED or not all(find_entry(self._context.catalog, key) for key in keys):
            return problem(f"The keys must be those of 1 to {MAX_DELETED} captures.", 400)
        try:
            return await run_in_threadpool(self._delete, keys)
        except NoImageError as error:
            return problem(f"{error} is not a capture, so nothing was deleted.", 400)

    def _delete(self, keys: list[str]) -> Response:
        """Raises NoImageError for what is no capture; what is gone already is no error."""
        reader = self._context.reader
        refuse_others(reader, keys, may_be_gone=True)
        try:
            reader.delete(keys)
            self._context.stars.forget(keys)
        except ClientError as error:
            if error.response["Error"]["Code"] not in DENIED:
                raise
            return problem(f"The credentials may not delete in {reader.bucket_name}: allow s3:DeleteObject.", 502)
        for key in keys:
            self._context.catalog.mark_missing(key)
        return JSONResponse({"deleted": len(keys)})
