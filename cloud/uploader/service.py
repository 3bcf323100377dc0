"""The running uploader: its parts, its heartbeat and its shutdown."""

import logging
import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic

from prometheus_client import CollectorRegistry

from common.contract.certificate_expiry import CertificateExpiry
from common.runtime.heartbeat import MAX_SILENCE_SECONDS, Heartbeat
from storage.client import create_client
from uploader.ingest.cpu_budget import CpuBudgets
from uploader.ingest.offences import Offences
from uploader.ingest.poison.guard import PoisonGuard
from uploader.ingest.reader import MessageReader
from uploader.ingest.revoked import RevokedEdges
from uploader.metrics import UploaderCollector, UploadMetrics
from uploader.mqtt.delivery import Deliveries
from uploader.mqtt.inbox import Inbox
from uploader.mqtt.receipts import ReceiptBatcher
from uploader.mqtt.session import session_config
from uploader.mqtt.subscriber import Subscriber
from uploader.mqtt.upload_limit import UploadLimit
from uploader.pool import UploadPool
from uploader.settings import Settings
from uploader.store.bare_images import BareImageIndex
from uploader.store.bucket_watch import BucketWatch
from uploader.store.retry import RetryCoordinator
from uploader.store.retrying_store import RetryingStore
from uploader.store.writer import CaptureStore
from uploader.worker import UploadWorker

POLL_SECONDS = 0.25
HEARTBEAT_SECONDS = 5.0
BROKER_CHECK_SECONDS = 10.0
MAX_FLUSH_SECONDS = 10.0
EXIT_STUCK = 1
SPARE_CONNECTIONS = 2  # besides one for each upload thread
log = logging.getLogger(__name__)


@dataclass(slots=True)
class UploaderService:
    """Runs until a signal arrives; everything that may wait for S3 has a thread of its own."""

    subscriber: Subscriber
    pool: UploadPool
    receipts: ReceiptBatcher
    bucket: BucketWatch
    offences: Offences
    poison: PoisonGuard
    heartbeat: Heartbeat
    _heartbeat_written: tuple[float, str | None] | None = field(default=None, init=False)  # when, and the problem

    def run(self, signals: SimpleQueue[int]) -> int:
        """Work until a signal; return the exit code."""
        receipts = threading.Thread(target=self.receipts.run, name="receipts", daemon=True)
        receipts.start()
        self.bucket.start()
        self.pool.start()
        self.subscriber.respond_status(self.problem)
        self.subscriber.start()
        code = self._supervise(signals)
        self._shutdown(receipts)
        if code == 0:
            self.poison.close()
        return code

    def problem(self) -> str | None:
        """What keeps captures from being stored; None if nothing does."""
        return self.subscriber.problem(MAX_SILENCE_SECONDS) or self.bucket.problem(MAX_SILENCE_SECONDS)

    def _supervise(self, signals: SimpleQueue[int]) -> int:
        pinged_at = monotonic()
        while True:
            self._write_heartbeat()
            self.offences.report()
            if self.subscriber.is_stuck or not self.pool.is_alive:
                log.error("Exiting, because a thread is stuck or has ended; a restart of the uploader fixes that")
                return EXIT_STUCK
            self.subscriber.fetch_what_was_left()
            self.pool.look_again()
            if monotonic() - pinged_at > BROKER_CHECK_SECONDS:
                pinged_at = monotonic()
                self.subscriber.ping()
                self.subscriber.publish_status()
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
        self.heartbeat.write({"problem": problem})

    def _shutdown(self, receipts: threading.Thread) -> None:
        """Finish what is in flight if S3 answers; the broker redelivers the rest."""
        self.bucket.stop()
        self.pool.stop()
        self.receipts.stop()
        receipts.join(MAX_FLUSH_SECONDS)  # it may be sending a batch
        self.receipts.flush()
        self.subscriber.stop()
        self.offences.report(final=True)
        log.info("Stopped; the broker keeps what is not stored yet")


class UploaderParts:
    """Builds the parts, each from those before it, and registers their metrics."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self._settings = settings
        limit = UploadLimit(settings.upload_threads)
        self.deliveries = Deliveries(settings.upload_threads, settings.uploaders, limit=limit)
        pool_size = settings.upload_threads + SPARE_CONNECTIONS
        self._store = CaptureStore(lambda: create_client(settings, pool_size=pool_size), settings)
        self._metrics = UploadMetrics(registry)
        self._offences = Offences(on_count=self._metrics.count_offence)
        self._poison = PoisonGuard(settings.journal_dir, settings.upload_threads)
        self.retry = RetryCoordinator(settings.s3_bucket)
        self._revoked = RevokedEdges(settings.certificates_file)
        self.subscriber = self._build_subscriber()
        self._receipts = ReceiptBatcher(self.subscriber.publish)
        registry.register(self._build_collector())

    def build_service(self) -> UploaderService:
        return UploaderService(
            self.subscriber,
            self._build_pool(),
            self._receipts,
            BucketWatch(self._store, self.retry),
            self._offences,
            self._poison,
            Heartbeat(self._settings.heartbeat_file, "HEARTBEAT_FILE"),
        )

    def _build_subscriber(self) -> Subscriber:
        settings, retry = self._settings, self.retry
        inbox = Inbox(self.deliveries, self._offences, lambda: retry.error is None, settings.uploaders, self._revoked)
        return Subscriber(
            session_config(settings.uploaders, settings.broker_login()),
            settings.cloud_broker_host,
            settings.cloud_broker_port,
            inbox,
            on_lost=self._poison.blame_hogs,
        )

    def _build_pool(self) -> UploadPool:
        return UploadPool(
            self._settings.upload_threads,
            self.deliveries,
            self._build_worker(),
            self.retry,
            self._metrics,
            self._revoked,
            self._poison,
        )

    def _build_worker(self) -> UploadWorker:
        settings, revoked = self._settings, self._revoked
        budgets = CpuBudgets(settings.uploaders)
        bare_images = BareImageIndex(self._store, settings.s3_key_template)
        return UploadWorker(
            MessageReader(settings.max_image_pixels, self._poison, budgets, self._offences),
            RetryingStore(self._store, bare_images, self.retry, lambda edge: edge in revoked, self._metrics),
            self.subscriber,
            self._receipts,
            self._metrics,
            self._offences,
            self._poison,
        )

    def _build_collector(self) -> UploaderCollector:
        return UploaderCollector(
            is_subscribed=lambda: self.subscriber.problem(MAX_SILENCE_SECONDS) is None,
            is_bucket_available=lambda: self.retry.is_available(MAX_SILENCE_SECONDS),
            queue_size=self.deliveries.qsize,
            in_flight=lambda: self._metrics.in_flight,
            backlog_seconds=self._metrics.backlog_seconds,
            certificates=lambda: CertificateExpiry.read(self._settings.certificates_file),
        )
