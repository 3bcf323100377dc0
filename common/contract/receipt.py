"""Receipts: what the cloud publishes about captures, so that their camera may delete them."""

import json
from dataclasses import dataclass
from typing import NamedTuple, Self


class StoredCapture(NamedTuple):
    """A capture that is in the bucket."""

    id: str
    key: str


class RejectedCapture(NamedTuple):
    """A capture that can never be stored."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The captures of one edge that the cloud has dealt with."""

    stored: tuple[StoredCapture, ...] = ()
    rejected: tuple[RejectedCapture, ...] = ()

    @classmethod
    def parse(cls, payload: bytes | bytearray) -> Self:
        """Parse a receipt; raises ValueError for anything else."""
        try:
            content = json.loads(payload)
            stored = [StoredCapture(str(e["id"]), str(e.get("key") or "")) for e in content.get("stored", [])]
            rejected = [RejectedCapture(str(e["id"]), str(e.get("reason") or "")) for e in content.get("rejected", [])]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"not a receipt: {error}") from error
        return cls(tuple(stored), tuple(rejected))

    def to_json(self) -> bytes:
        """Write the message on `usbcam/<edge>/receipts`."""
        content = {
            "stored": [entry._asdict() for entry in self.stored],
            "rejected": [entry._asdict() for entry in self.rejected],
        }
        return json.dumps(content).encode()
