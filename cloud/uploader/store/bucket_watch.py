"""The watch over the bucket: it asks for it whenever nothing else shows that it answers."""

import logging
import threading

from storage.errors import S3_ERRORS
from uploader.store.retry import RetryCoordinator
from uploader.store.writer import CaptureStore

BUCKET_CHECK_SECONDS = 5.0
log = logging.getLogger(__name__)


class BucketWatch:
    """Has a thread of its own: a check may take long."""

    def __init__(self, store: CaptureStore, retry: RetryCoordinator) -> None:
        self._store, self._retry = store, retry
        self._was_seen = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bucket", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Check no more; a check that is under way is not waited for."""
        self._stop.set()

    def problem(self, max_silence_seconds: float) -> str | None:
        """Say what is wrong with the bucket, if anything is."""
        error = self._retry.error
        if error:
            return error.message
        seconds = self._retry.seconds_since_success()
        if seconds is None:
            return "the bucket has not answered yet"
        return f"the bucket has not answered for {seconds:.0f} s" if seconds > max_silence_seconds else None

    def _run(self) -> None:
        while not self._stop.is_set():
            seconds = self._retry.seconds_since_success()
            if self._retry.error or seconds is None or seconds > 4 * BUCKET_CHECK_SECONDS:
                self._check()
            self._stop.wait(BUCKET_CHECK_SECONDS)

    def _check(self) -> None:
        try:
            info = self._store.check()
        except S3_ERRORS as error:
            self._retry.record_failure(error)
            return
        self._retry.wake_waiters()
        if self._was_seen:
            return
        self._was_seen = True
        warning = self._store.warning(info)
        if warning:
            log.warning("%s", warning)
