"""The running uploader: its threads, its heartbeat and its shutdown."""

import logging
import threading
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic

from prometheus_client import CollectorRegistry

from common.contract.certificate_expiry import CertificateExpiry
from common.runtime.heartbeat import MAX_SILENCE_SECONDS, Heartbeat
from storage.client import create_client
from storage.errors import S3_ERRORS
from uploader.ingest.cpu_budget import CpuBudgets
from uploader.ingest.offences import Offences
from uploader.ingest.poison.guard import PoisonGuard
from uploader.ingest.reader import MessageReader
from uploader.ingest.revoked import RevokedEdges
from uploader.metrics import StateCollector, UploadMetrics
from uploader.mqtt.delivery import Deliveries
from uploader.mqtt.inbox import Inbox
from uploader.mqtt.receipts import ReceiptBatcher
from uploader.mqtt.session import session_config
from uploader.mqtt.subscriber import Subscriber
from uploader.mqtt.upload_limit import UploadLimit
from uploader.settings import Settings
from uploader.store.bare_images import BareImageIndex
from uploader.store.retry import RetryCoordinator
from uploader.store.writer import CaptureStore
from uploader.worker import UploadWorker

POLL_SECONDS = 0.25
HEARTBEAT_SECONDS = 5.0
BROKER_CHECK_SECONDS = 10.0
BUCKET_CHECK_SECONDS = 5.0
MAX_SHUTDOWN_SECONDS = 10.0
EXIT_STUCK = 1
SPARE_CONNECTIONS = 2  # besides one for each upload thread
log = logging.getLogger(__name__)


class UploaderService:
    """Runs until a signal arrives; everything that may wait for S3 has a thread of its own."""

    def __init__(self, worker: UploadWorker, *, threads: int, heartbeat_file: Path) -> None:
        self._worker = worker
        self._heartbeat = Heartbeat(heartbeat_file, "HEARTBEAT_FILE")
        self._heartbeat_written: tuple[float, str | None] | None = None  # when, and the problem
        self._bucket_seen = False
        self._stop = threading.Event()
        self._workers = [
            threading.Thread(target=worker.run, name=f"upload-{number}", daemon=True) for number in range(threads)
        ]
        self._receipts = threading.Thread(target=worker.receipts.run, name="receipts", daemon=True)
        self._bucket = threading.Thread(target=self._watch_bucket, name="bucket", daemon=True)

    def run(self, signals: SimpleQueue[int]) -> int:
        """Work until a signal; return the exit code."""
        for thread in (self._receipts, self._bucket, *self._workers):
            thread.start()
        self._worker.subscriber.respond_status(self.problem)
        self._worker.subscriber.start()
        code = self._supervise(signals)
        self._shutdown()
        if code == 0:
            self._worker.poison.close()
        return code

    def problem(self) -> str | None:
        """What keeps captures from being stored; None if nothing does."""
        problem = self._worker.subscriber.problem(MAX_SILENCE_SECONDS)
        if problem:
            return problem
        retry = self._worker.retry
        error = retry.error
        if error:
            return error.message
        seconds = retry.seconds_since_success()
        if seconds is None:
            return "the bucket has not answered yet"
        return f"the bucket has not answered for {seconds:.0f} s" if seconds > MAX_SILENCE_SECONDS else None

    def _supervise(self, signals: SimpleQueue[int]) -> int:
        pinged_at = monotonic()
        while True:
            self._write_heartbeat()
            self._worker.offences.report()
            if self._worker.subscriber.is_stuck or not all(thread.is_alive() for thread in self._workers):
                log.error("Exiting, because a thread is stuck or has ended; a restart of the uploader fixes that")
                return EXIT_STUCK
            self._worker.subscriber.fetch_what_was_left()
            self._worker.deliveries.look_again()
            self._worker.drop_revoked()
            if monotonic() - pinged_at > BROKER_CHECK_SECONDS:
                pinged_at = monotonic()
                self._worker.subscriber.ping()
                self._worker.subscriber.publish_status()
            try:
                signals.get(timeout=POLL_SECONDS)
            except Empty:
                continue
            return 0

    def _write_heartbeat(self) -> None:
        now, problem = monotonic(), self.problem()
        last = self._heartbeat_written
        if last and last[1] == problem and now - last[0] < HEARTBEAT_SECONDS:
            return
        self._heartbeat_written = now, problem
        self._heartbeat.write({"problem": problem})

    def _watch_bucket(self) -> None:
        retry = self._worker.retry
        while not self._stop.is_set():
            seconds = retry.seconds_since_success()
            if retry.error or seconds is None or seconds > 4 * BUCKET_CHECK_SECONDS:
                self._check_bucket()
            self._stop.wait(BUCKET_CHECK_SECONDS)

    def _check_bucket(self) -> None:
        try:
            info = self._worker.store.check()
        except S3_ERRORS as error:
            self._worker.retry.record_failure(error)
            return
        self._worker.retry.wake_waiters()
        if self._bucket_seen:
            return
        self._bucket_seen = True
        warning = self._worker.store.warning(info)
        if warning:
            log.warning("%s", warning)

    def _shutdown(self) -> None:
        """Finish what is in flight if S3 answers; the broker redelivers the rest."""
        worker = self._worker
        seconds = 0.0 if worker.retry.error else MAX_SHUTDOWN_SECONDS
        deadline = monotonic() + seconds
        self._stop.set()
        worker.retry.stop()
        worker.deliveries.close()
        for thread in self._workers:
            thread.join(max(0.0, deadline - monotonic()))
        worker.receipts.stop()
        self._receipts.join(MAX_SHUTDOWN_SECONDS)  # it may be sending a batch
        worker.receipts.flush()
        worker.subscriber.stop()
        worker.offences.report(final=True)
        log.info("Stopped; the broker keeps what is not stored yet")


def build_worker(settings: Settings, registry: CollectorRegistry) -> UploadWorker:
    """Build the parts, each from those below it, and register their metrics."""
    limit = UploadLimit(settings.upload_threads)
    deliveries = Deliveries(settings.upload_threads, settings.uploaders, limit=limit)
    pool_size = settings.upload_threads + SPARE_CONNECTIONS
    store = CaptureStore(lambda: create_client(settings, pool_size=pool_size), settings)
    metrics = UploadMetrics(registry)
    offences = Offences(on_count=metrics.count_offence)
    poison = PoisonGuard(settings.journal_dir, settings.upload_threads)
    retry = RetryCoordinator(settings.s3_bucket)
    revoked = RevokedEdges(settings.certificates_file)
    subscriber = Subscriber(
        session_config(settings.uploaders, settings.broker_login()),
        settings.cloud_broker_host,
        settings.cloud_broker_port,
        Inbox(deliveries, offences, lambda: retry.error is None, settings.uploaders, revoked),
        on_lost=poison.blame_hogs,
    )
    worker = UploadWorker(
        deliveries=deliveries,
        reader=MessageReader(settings.max_image_pixels, poison, CpuBudgets(settings.uploaders), offences),
        subscriber=subscriber,
        bare_images=BareImageIndex(store, settings.s3_key_template),
        store=store,
        retry=retry,
        receipts=ReceiptBatcher(subscriber.publish),
        metrics=metrics,
        revoked=revoked,
        offences=offences,
        poison=poison,
    )
    registry.register(_state_collector(worker, settings.certificates_file))
    return worker


def _state_collector(worker: UploadWorker, certificates_file: Path) -> StateCollector:
    return StateCollector(
        is_subscribed=lambda: worker.subscriber.problem(MAX_SILENCE_SECONDS) is None,
        is_bucket_available=lambda: worker.retry.is_available(MAX_SILENCE_SECONDS),
        queue_size=worker.deliveries.qsize,
        in_flight=lambda: worker.metrics.in_flight,
        backlog_seconds=worker.metrics.backlog_seconds,
        certificates=lambda: CertificateExpiry.read(certificates_file),
    )
