"""Whether the gallery works: the page answers, and so does the bucket."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gallery.updates.receipt_feed import ReceiptFeed
from storage.errors import S3_ERRORS, classify
from storage.reader import ObjectReader

CHECK_SECONDS = 20.0  # how long an answer of the bucket counts


class HealthEndpoint:
    """Checks the bucket now and then. Safe to use from several threads."""

    def __init__(self, reader: ObjectReader, receipt_feed: ReceiptFeed) -> None:
        self._reader, self._receipt_feed = reader, receipt_feed
        self._problem: str | None = None
        self._checked_at = float("-inf")
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="health")

    async def health(self, _: Request) -> Response:
        """On a thread of its own, so that other requests cannot hold it up."""
        healthy = await asyncio.get_running_loop().run_in_executor(self._thread, self.problem) is None
        return JSONResponse({"healthy": healthy}, 200 if healthy else 503)

    def problem(self) -> str | None:
        """Why captures are not shown, or not shown live, in one sentence."""
        if not self._receipt_feed.is_running:
            return "The thread that reads receipts ended; restart the gallery."
        with self._lock:
            if time.monotonic() - self._checked_at > CHECK_SECONDS:
                self._problem = self._check()
                self._checked_at = time.monotonic()
            return self._problem

    def _check(self) -> str | None:
        try:
            self._reader.check()
        except S3_ERRORS as error:
            return classify(error, self._reader.bucket_name).message
        return None
