"""What the cloud answers: receipts, and what became of a capture."""

import json
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a capture is."""

    SPOOLED = "spooled"
    SENT = "sent"
    STORED = "in S3"
    REJECTED = "rejected"
    TAKEN = "taken by the broker"  # RECEIPTS=off: nobody tells more


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the cloud answers for: ids stored with their key in the bucket, and ids refused for good with the reason."""

    stored: tuple[tuple[str, str], ...]  # id, key
    rejected: tuple[tuple[str, str], ...]


def read_receipt(payload: bytes) -> Receipt:
    """Read a receipt; raises ValueError for anything else."""
    try:
        content = json.loads(payload)
        stored = tuple((str(entry["id"]), str(entry.get("key", ""))) for entry in content.get("stored", []))
        rejected = tuple((str(entry["id"]), str(entry.get("reason", ""))) for entry in content.get("rejected", []))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a receipt: {error}") from error
    return Receipt(stored, rejected)
