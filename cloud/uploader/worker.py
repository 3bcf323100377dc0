"""One delivery at a time: parse it, store it, acknowledge it, and send a receipt, in this order."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from common.contract import topics
from storage.capture import Capture, RejectedMessage
from uploader.ingest.offences import Offence, Offences
from uploader.ingest.parser import InvalidMessageError, claimed_id, edge_or_underscore
from uploader.ingest.poison.guard import PoisonGuard
from uploader.ingest.reader import MessageReader
from uploader.ingest.revoked import RevokedEdges
from uploader.metrics import UploadMetrics
from uploader.mqtt.delivery import Deliveries, Delivery
from uploader.mqtt.receipts import ReceiptBatcher
from uploader.mqtt.subscriber import Subscriber
from uploader.store.bare_images import BareImageIndex
from uploader.store.retry import RetryCoordinator, StoppedError, VoidError
from uploader.store.writer import CaptureStore

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UploadWorker:
    """What every thread of the pool runs, with all that it uses."""

    deliveries: Deliveries
    reader: MessageReader
    subscriber: Subscriber
    bare_images: BareImageIndex
    store: CaptureStore
    retry: RetryCoordinator
    receipts: ReceiptBatcher
    metrics: UploadMetrics
    revoked: RevokedEdges
    offences: Offences
    poison: PoisonGuard

    def run(self) -> None:
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
        message = delivery.message
        self.metrics.count_message(message.payload)
        edge = topics.edge_of_images(message.topic)
        if edge in self.revoked:
            self._drop(delivery, edge)
            return
        try:
            self._process(delivery)
        except VoidError:
            self._drop(delivery, edge)

    def drop_revoked(self) -> None:
        """Drop what waits of edges that were revoked meanwhile: while S3 is away nobody else comes to it."""
        for topic in self.deliveries.topics():
            edge = topics.edge_of_images(topic)
            if edge in self.revoked:
                for delivery in self.deliveries.take_all(topic):
                    self._drop(delivery, edge)

    def _drop(self, delivery: Delivery, edge: str) -> None:
        self.revoked.count_dropped(edge)
        self._acknowledge(delivery)

    def _process(self, delivery: Delivery) -> None:
        message = delivery.message
        try:
            capture = self.reader.read(message)
        except InvalidMessageError as error:
            with self.metrics.track_in_flight(message.arrived_at):
                self._reject(delivery, str(error))
            self.metrics.count_rejected(error.reason_code)
        else:
            with self.metrics.track_in_flight(capture.captured_at):
                self._store(delivery, capture)

    def _store(self, delivery: Delivery, capture: Capture) -> None:
        if capture.bare:
            bare = capture
            capture = self._persist(bare.edge, lambda: self.bare_images.assign_first_seen(bare))
        stored = self._persist(capture.edge, self.metrics.timed(lambda: self.store.store(capture)))
        log.info("Stored %s", stored.key)
        self._acknowledge(delivery)
        self.receipts.add_stored(capture.edge, capture.id, stored.key)
        self.metrics.count_stored(capture, is_new=stored.is_new)

    def _reject(self, delivery: Delivery, reason: str) -> None:
        message = delivery.message
        edge = edge_or_underscore(message.topic)
        rejected = RejectedMessage(edge, message.payload, message.sha256, reason)
        key = self._persist(edge, self.metrics.timed(lambda: self.store.reject(rejected)))
        sentence = f"Rejected a message from {edge}, kept as {key}: {reason}"
        self.offences.count(edge, Offence.REJECTED, sentence)
        self._acknowledge(delivery)
        capture_id = claimed_id(message)
        if capture_id and edge != "_":
            self.receipts.add_rejected(edge, capture_id, reason)

    def _persist(self, edge: str, attempt: Callable[[], T]) -> T:
        """Try until it succeeds or the edge is revoked; raises VoidError."""
        return self.retry.run(attempt, lambda: edge in self.revoked)

    def _acknowledge(self, delivery: Delivery) -> None:
        if self.subscriber.acknowledge(delivery) or delivery.qos == 0:
            self.poison.clear(delivery.message)
