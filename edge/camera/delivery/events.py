"""Where a capture is on its way, and who wants to know."""

from enum import StrEnum

from common.contract.capture import Capture


class CaptureState(StrEnum):
    """Where a capture is."""

    SPOOLED = "spooled"
    PUBLISHED = "published"
    STORED = "in S3"
    REJECTED = "rejected"
    ACKNOWLEDGED = "acknowledged by the broker"  # with RECEIPTS=off nothing more is known


class DeliveryListener:
    """Hears where captures are, mostly on the publisher's thread. Override what is of interest."""

    def on_spooled(self, capture: Capture) -> None:
        """A capture is on disk."""

    def on_published(self, capture: Capture) -> None:
        """A capture was published, perhaps not for the first time."""

    def on_acknowledged(self, capture_id: str) -> None:
        """The edge broker has acknowledged it."""

    def on_completed(self, capture_id: str, state: CaptureState, note: str) -> None:
        """It needs no more attention; `note` is its key in the bucket, or why it was rejected."""
