"""Receipts: what the cloud publishes about captures, so that their camera may delete them."""

import json
import re
from dataclasses import dataclass
from typing import NamedTuple, Self

MAX_BYTES = 256 * 1024
MAX_ENTRIES = 2000  # the uploader writes about a hundred
MAX_NESTING = 16  # a receipt needs three
MAX_TEXT_BYTES = 1024  # of an id or a key; S3's own limit for keys
STRINGS = re.compile(rb'"[^"\\]*(?:\\.?[^"\\]*)*"?', re.DOTALL)  # one that does not end reaches to the end


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
            _check_size(payload)
            content = json.loads(payload)
            stored, rejected = content.get("stored", []), content.get("rejected", [])
            if len(stored) + len(rejected) > MAX_ENTRIES:
                raise ValueError(f"it has more than {MAX_ENTRIES} entries")  # noqa: TRY301
            return cls(
                tuple(StoredCapture(_bounded(e["id"]), _bounded(e.get("key") or "")) for e in stored),
                tuple(RejectedCapture(_bounded(e["id"]), str(e.get("reason") or "")) for e in rejected),
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"not a receipt: {error}") from error

    def to_json(self) -> bytes:
        """Write the message on `usbcam/<edge>/receipts`."""
        content = {
            "stored": [entry._asdict() for entry in self.stored],
            "rejected": [entry._asdict() for entry in self.rejected],
        }
        return json.dumps(content).encode()


def _check_size(payload: bytes | bytearray) -> None:
    """Raise ValueError before anything is built from what is too long or nested too deeply."""
    if len(payload) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    if payload.count(b"[") + payload.count(b"{") <= MAX_NESTING:  # as the receipt of a few captures
        return
    nesting = 0
    for bracket in re.findall(rb"[][{}]", STRINGS.sub(b"", payload)):
        nesting += 1 if bracket in b"[{" else -1
        if nesting > MAX_NESTING:
            raise ValueError(f"it is nested more than {MAX_NESTING} levels deep")


def _bounded(value: object) -> str:
    text = str(value)
    if len(text.encode()) > MAX_TEXT_BYTES:  # what is no Unicode raises a ValueError, too
        raise ValueError(f"an id or a key has more than {MAX_TEXT_BYTES} bytes")
    return text
