"""One capture in the bucket."""

from dataclasses import dataclass
from datetime import UTC, datetime


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
