"""The count: what reached the spool, what is in the bucket, and what that leaves."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


ID = r"\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{8}"
CAPTURED = re.compile(rf" Captured ({ID})\n")  # logged after the spool; a line cut short does not count


@dataclass(frozen=True, slots=True)
class Object:
    """What a bucket's list says of one object."""

    key: str
    fingerprint: str  # of its bytes

    @property
    def edge(self) -> str:
        """Who sent it."""
        return self.key.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Tally:
    """The result of a run, as one line."""

    captured: int
    stored: int
    lost: int
    duplicated: int
    faults: int
    seed: int

    def __str__(self) -> str:
        counts = f"captured={self.captured} stored={self.stored} lost={self.lost} duplicated={self.duplicated}"
        return f"{counts} faults={self.faults} seed={self.seed}"


@dataclass(slots=True)
class Ledger:
    """Ids that were seen at either end."""

    captured: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    duplicated: int = 0

    def note_spool(self, folder: Path) -> None:
        """A capture in that folder has reached the spool, even if the log lacks its line."""
        self.captured.update(file.stem for file in folder.glob("*.png"))

    def note_log(self, log: Path) -> None:
        self.captured.update(CAPTURED.findall(log.read_text(encoding="utf-8", errors="replace")))

    def note_bucket(self, objects: Iterable[Object]) -> None:
        """Count a bucket once, at its end: two objects of an edge with one id, or the same bytes, are one too many."""
        pictures = [thing for thing in objects if not thing.key.startswith("rejected/")]
        ids = Counter((thing.edge, identity) for thing in pictures for identity in re.findall(ID, thing.key)[-1:])
        fingerprints = Counter((thing.edge, thing.fingerprint) for thing in pictures)
        surplus = [sum(count - 1 for count in counter.values()) for counter in (ids, fingerprints)]
        self.stored.update(identity for _, identity in ids)
        self.duplicated += max(surplus)

    def tally(self, faults: int, seed: int) -> Tally:
        captured = self.captured | self.stored
        return Tally(len(captured), len(self.stored), len(captured - self.stored), self.duplicated, faults, seed)

    def lost(self) -> list[str]:
        return sorted(self.captured - self.stored)


def objects_in(client: "S3Client", bucket: str) -> list[Object]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [Object(item["Key"], item["ETag"]) for page in pages for item in page.get("Contents", [])]
