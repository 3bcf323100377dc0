"""Deletion, where GALLERY_DELETE allows it."""

import json
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from common.web.body import read_body
from gallery.context import GalleryContext
from gallery.web.errors import is_gone, problem
from gallery.web.query import find_entry

MAX_BODY_BYTES = 262_144
MAX_DELETED = 200  # captures in one request
MAX_WORKERS = 8  # requests at once
DENIED = ("AccessDenied", "403")


class NotACaptureError(Exception):
    """The key of an object that no uploader wrote."""


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
        except NotACaptureError as error:
            return problem(f"{error} is not a capture, so nothing was deleted.", 400)

    def _delete(self, keys: list[str]) -> Response:
        """Raises NotACaptureError; what is gone already is no error."""
        reader = self._context.reader
        with ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="deletion") as pool:
            for key, may_go in zip(keys, pool.map(self._may_go, keys), strict=True):
                if not may_go:
                    raise NotACaptureError(key)
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

    def _may_go(self, key: str) -> bool:
        try:
            return self._context.reader.is_capture(key)
        except ClientError as error:
            if is_gone(error):
                return True
            raise
