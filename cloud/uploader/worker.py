"""The way of one delivery: read it, put it in the bucket, and only then acknowledge it."""

import logging
from dataclasses import dataclass
from hashlib import sha256

from storage.capture import Capture, Rejected
from uploader.ingest.parser import InvalidMessageError, claimed_id, edge_or_underscore, parse
from uploader.meter import Meter
from uploader.mqtt.receipts import Receipts
from uploader.mqtt.subscriber import Deliveries, Delivery, Subscriber
from uploader.store.bare_images import Arrivals
from uploader.store.retry import Outage, StoppedError
from uploader.store.writer import Storage

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """What every thread of the pool does, and with what."""

    deliveries: Deliveries
    subscriber: Subscriber
    arrivals: Arrivals
    storage: Storage
    outage: Outage
    receipts: Receipts
    meter: Meter
    max_pixels: int

    def run(self) -> None:
        """Take deliveries until told to stop; what is left is the broker's to deliver again."""
        while (delivery := self.deliveries.get()) is not None:
            if self.outage.stopping:
                return
            try:
                self._handle(delivery)
            except StoppedError:
                return

    def _handle(self, delivery: Delivery) -> None:
        message = delivery.message
        self.meter.took(message.payload)
        try:
            capture = parse(message, self.max_pixels)
        except InvalidMessageError as error:
            with self.meter.in_hand(message.arrived_at):
                self._reject(delivery, str(error))
            self.meter.rejected(error.about)
        else:
            with self.meter.in_hand(capture.captured_at):
                self._store(delivery, capture)

    def _store(self, delivery: Delivery, capture: Capture) -> None:
        if capture.bare:
            bare = capture
            capture = self.outage.until_done(lambda: self.arrivals.settle(bare))
        place = self.outage.until_done(self.meter.attempts(lambda: self.storage.store(capture)))
        LOG.info("Stored %s", place.key)
        self.subscriber.acknowledge(delivery)
        self.receipts.stored(capture.edge, capture.id, place.key)
        self.meter.stored(capture, new=place.new)

    def _reject(self, delivery: Delivery, reason: str) -> None:
        message = delivery.message
        edge = edge_or_underscore(message.topic)
        rejected = Rejected(edge, message.payload, sha256(message.payload).hexdigest(), reason)
        key = self.outage.until_done(self.meter.attempts(lambda: self.storage.reject(rejected)))
        LOG.warning("Rejected a message from %s, kept as %s: %s", edge, key, reason)
        self.subscriber.acknowledge(delivery)
        identity = claimed_id(message)
        if identity and edge != "_":
            self.receipts.rejected(edge, identity, reason)
