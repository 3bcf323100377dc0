"""The threads that upload, and the line of deliveries that they take turns at."""

import threading
from dataclasses import dataclass, field
from time import monotonic

from common.contract import topics
from uploader.ingest.poison.guard import PoisonGuard
from uploader.ingest.revoked import RevokedEdges
from uploader.metrics import UploadMetrics
from uploader.mqtt.delivery import Deliveries, Delivery
from uploader.store.retry import RetryCoordinator, StoppedError, VoidError
from uploader.worker import UploadWorker

MAX_FINISH_SECONDS = 10.0


@dataclass(slots=True)
class UploadPool:
    """Deliveries of revoked edges are dropped, whether a thread has come to them or not."""

    size: int
    deliveries: Deliveries
    worker: UploadWorker
    retry: RetryCoordinator
    metrics: UploadMetrics
    revoked: RevokedEdges
    poison: PoisonGuard
    _threads: list[threading.Thread] = field(default_factory=list, init=False)

    def start(self) -> None:
        self._threads += [
            threading.Thread(target=self._run, name=f"upload-{number}", daemon=True) for number in range(self.size)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether no thread has ended."""
        return all(thread.is_alive() for thread in self._threads)

    def look_again(self) -> None:
        """See whether a thread may begin by now, and drop what waits of edges that were revoked meanwhile."""
        self.deliveries.look_again()
        self._drop_revoked()

    def stop(self) -> None:
        """Finish what is in flight if S3 answers; the broker redelivers the rest."""
        deadline = monotonic() + (0.0 if self.retry.error else MAX_FINISH_SECONDS)
        self.retry.stop()
        self.deliveries.close()
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))

    def _run(self) -> None:
        """Process deliveries until stopped; the broker redelivers what is left."""
        while (delivery := self.deliveries.get()) is not None:
            if self.retry.is_stopping:
                return
            try:
                self._handle(delivery)
            except StoppedError:
                return
            except BaseException:
                self.poison.blame(delivery.message)
                raise
            finally:
                self.deliveries.done(delivery)

    def _handle(self, delivery: Delivery) -> None:
        self.metrics.count_message(delivery.message.payload)
        edge = topics.edge_of_images(delivery.message.topic)
        if edge in self.revoked:
            self._drop(delivery, edge)
            return
        try:
            self.worker.upload(delivery)
        except VoidError:
            self._drop(delivery, edge)

    def _drop_revoked(self) -> None:
        for topic in self.deliveries.topics():
            edge = topics.edge_of_images(topic)
            if edge in self.revoked:
                for delivery in self.deliveries.take_all(topic):
                    self._drop(delivery, edge)

    def _drop(self, delivery: Delivery, edge: str) -> None:
        self.revoked.count_dropped(edge)
        self.worker.acknowledge(delivery)
