"""One capture in the bucket."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """What its key tells about it, and what the list of the bucket does."""

    key: str
    size: int
    at: datetime  # captured, or if the key does not tell, stored; aware
    edge: str | None
    camera: str | None
    dated: bool = True  # whether the key tells when it was captured

    @property
    def order(self) -> tuple[str, str]:
        """Later is greater."""
        return self.at.astimezone(UTC).isoformat(timespec="milliseconds"), self.key

    @property
    def told(self) -> bool:
        """Whether the key tells all."""
        return self.dated and self.edge is not None and self.camera is not None
