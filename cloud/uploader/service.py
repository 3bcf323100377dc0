"""The running uploader: its threads, its heartbeat and its end."""

import logging
import threading
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic

from common.runtime.heartbeat import LONGEST_SILENCE_SECONDS, Heartbeat
from storage.errors import S3_ERRORS
from uploader.worker import Upload

LOOK_SECONDS = 0.25
HEARTBEAT_SECONDS = 5.0
BROKER_CHECK_SECONDS = 10.0
BUCKET_CHECK_SECONDS = 5.0
LONGEST_STOP_SECONDS = 10.0
STUCK = 1
LOG = logging.getLogger(__name__)


class Service:
    """Runs until a signal comes; everything that can wait for S3 is a thread of its own."""

    def __init__(self, upload: Upload, *, threads: int, heartbeat_file: Path) -> None:
        self._upload = upload
        self._heartbeat_file = heartbeat_file
        self._heartbeat_failed = False
        self._heartbeat: Heartbeat | None = None
        self._answered = False  # the bucket, once
        self._stop = threading.Event()
        self._uploads = [
            threading.Thread(target=upload.run, name=f"upload-{number}", daemon=True) for number in range(threads)
        ]
        self._receipts = threading.Thread(target=upload.receipts.run, name="receipts", daemon=True)
        self._bucket = threading.Thread(target=self._watch_bucket, name="bucket", daemon=True)

    def run(self, signals: SimpleQueue[int]) -> int:
        """Work; return what the process exits with."""
        for thread in (self._receipts, self._bucket, *self._uploads):
            thread.start()
        self._upload.subscriber.start()
        code = self._stay(signals)
        self._leave()
        return code

    def _stay(self, signals: SimpleQueue[int]) -> int:
        asked_at = monotonic()
        while True:
            self._beat()
            if self._upload.subscriber.stuck or not all(thread.is_alive() for thread in self._uploads):
                LOG.error("Left because a thread is stuck or has ended: whoever restarts the uploader mends that")
                return STUCK
            if monotonic() - asked_at > BROKER_CHECK_SECONDS:
                asked_at = monotonic()
                self._upload.subscriber.subscribe()
            try:
                signals.get(timeout=LOOK_SECONDS)
            except Empty:
                continue
            return 0

    def _beat(self) -> None:
        last, new = self._heartbeat, Heartbeat(monotonic(), self._problem())
        if last and last.problem == new.problem and new.written_at - last.written_at < HEARTBEAT_SECONDS:
            return
        self._heartbeat = new
        self._upload.subscriber.state = new.problem
        try:
            new.write(self._heartbeat_file)
            self._heartbeat_failed = False
        except OSError as error:
            if not self._heartbeat_failed:
                LOG.warning("Could not write %s; mend HEARTBEAT_FILE: %s", self._heartbeat_file, error)
            self._heartbeat_failed = True

    def _problem(self) -> str | None:
        outage = self._upload.outage
        problem = self._upload.subscriber.problem(LONGEST_SILENCE_SECONDS)
        if problem:
            return problem
        if outage.failure:
            return outage.failure.sentence
        seconds = outage.seconds_since_success()
        if seconds is None:
            return "the bucket has not answered yet"
        return f"the bucket has not answered for {seconds:.0f} s" if seconds > LONGEST_SILENCE_SECONDS else None

    def _watch_bucket(self) -> None:
        outage = self._upload.outage
        while not self._stop.is_set():
            seconds = outage.seconds_since_success()
            if outage.failure or seconds is None or seconds > 4 * BUCKET_CHECK_SECONDS:
                self._check_bucket()
            self._stop.wait(BUCKET_CHECK_SECONDS)

    def _check_bucket(self) -> None:
        try:
            answer = self._upload.storage.check()
        except S3_ERRORS as error:
            self._upload.outage.failed(error)
            return
        self._upload.outage.reachable()
        if self._answered:
            return
        self._answered = True
        complaint = self._upload.storage.complaint(answer)
        if complaint:
            LOG.warning("%s", complaint)

    def _leave(self) -> None:
        """Finish what is in hand if S3 answers; the rest is the broker's to deliver again."""
        upload = self._upload
        seconds = 0.0 if upload.outage.failure else LONGEST_STOP_SECONDS
        deadline = monotonic() + seconds
        self._stop.set()
        upload.outage.stop()
        for _ in self._uploads:
            upload.deliveries.put(None)
        for thread in self._uploads:
            thread.join(max(0.0, deadline - monotonic()))
        upload.receipts.stop()
        self._receipts.join(LONGEST_STOP_SECONDS)  # it may have a batch in hand
        upload.receipts.send()
        upload.subscriber.stop()
        LOG.info("Stopped; what is not stored yet stays with the broker")
