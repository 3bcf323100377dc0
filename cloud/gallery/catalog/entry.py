"""One capture in the bucket."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from storage.keys.folders import holds_no_captures
from storage.keys.parser import KeyParser
from storage.reader import ListedObject

MAX_AHEAD = timedelta(days=1)  # a camera's clock may be ahead
MIN_CAPTURED_AT = datetime(1970, 1, 1, tzinfo=UTC)  # clocks that were never set report that


def is_plausible(captured_at: datetime) -> bool:
    """Whether a capture time can be believed, so that it neither pins a capture to the top nor ends the calendar."""
    return MIN_CAPTURED_AT <= captured_at <= datetime.now(UTC) + MAX_AHEAD


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """What the key of a capture and the listing of the bucket tell about it."""

    key: str
    size: int
    at: datetime  # captured, or if the key does not tell, stored; aware
    edge: str | None
    camera: str | None
    has_capture_time: bool = True  # whether the key tells when it was captured

    @property
    def order(self) -> tuple[str, str]:
        """Later is greater."""
        return self.at.astimezone(UTC).isoformat(timespec="milliseconds"), self.key

    @property
    def is_complete(self) -> bool:
        """Whether the key tells all, so that no metadata is needed."""
        return self.has_capture_time and self.edge is not None and self.camera is not None


def entry_of(listed: ListedObject, key_parser: KeyParser) -> CatalogEntry | None:
    """The entry for a stored object; None for what is not a capture."""
    key = key_parser.parse(listed.key)
    if key is None or holds_no_captures(listed.key):
        return None
    at = key.captured_at if key.captured_at and is_plausible(key.captured_at) else None
    return CatalogEntry(listed.key, listed.size, at or listed.at, key.edge, key.camera, has_capture_time=at is not None)
