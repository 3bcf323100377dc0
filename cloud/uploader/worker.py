"""One delivery at a time: read it, store it, acknowledge it, and send a receipt, in this order."""

import logging
from dataclasses import dataclass

from storage.capture import Capture, RejectedMessage
from uploader.ingest.offences import Offence, Offences
from uploader.ingest.parser import InvalidMessageError, claimed_id, edge_or_underscore
from uploader.ingest.poison.guard import PoisonGuard
from uploader.ingest.reader import MessageReader
from uploader.metrics import UploadMetrics
from uploader.mqtt.delivery import Delivery
from uploader.mqtt.receipts import ReceiptBatcher
from uploader.mqtt.subscriber import Subscriber
from uploader.store.retrying_store import RetryingStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UploadWorker:
    """What every thread of the pool does with a delivery, and all that it uses."""

    reader: MessageReader
    store: RetryingStore
    subscriber: Subscriber
    receipts: ReceiptBatcher
    metrics: UploadMetrics
    offences: Offences
    poison: PoisonGuard

    def upload(self, delivery: Delivery) -> None:
        """Store or reject what it holds, however long that takes; raises VoidError and StoppedError."""
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

    def acknowledge(self, delivery: Delivery) -> None:
        """Let the broker forget it; then it does not come again."""
        if self.subscriber.acknowledge(delivery) or delivery.qos == 0:
            self.poison.clear(delivery.message)

    def _store(self, delivery: Delivery, capture: Capture) -> None:
        capture = self.store.assign_first_seen(capture)
        stored = self.store.store(capture)
        log.info("Stored %s", stored.key)
        self.acknowledge(delivery)
        self.receipts.add_stored(capture.edge, capture.id, stored.key)
        self.metrics.count_stored(capture, is_new=stored.is_new)

    def _reject(self, delivery: Delivery, reason: str) -> None:
        message = delivery.message
        edge = edge_or_underscore(message.topic)
        key = self.store.reject(RejectedMessage(edge, message.payload, message.sha256, reason))
        sentence = f"Rejected a message from {edge}, kept as {key}: {reason}"
        self.offences.count(edge, Offence.REJECTED, sentence)
        self.acknowledge(delivery)
        capture_id = claimed_id(message)
        if capture_id and edge != "_":
            self.receipts.add_rejected(edge, capture_id, reason)
