"""Messages on their way from the broker to the workers."""

import contextlib
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from uploader.ingest.parser import IncomingMessage


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message, and the number of the connection on which it may be acknowledged."""

    message: IncomingMessage
    qos: int
    packet_id: int
    connection: int


Deliveries = SimpleQueue[Delivery | None]  # None ends the worker that takes it


def drop_undelivered(deliveries: Deliveries) -> None:
    """Drop what no worker has begun: the broker has kept the session and delivers it again."""
    kept: list[Delivery | None] = []
    with contextlib.suppress(Empty):
        while True:
            delivery = deliveries.get_nowait()
            if delivery is None or delivery.qos == 0:
                kept.append(delivery)
    for delivery in kept:
        deliveries.put(delivery)
