"""Storing without giving up: until the bucket has it, or until its edge is revoked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from storage.capture import Capture, RejectedMessage
from uploader.store.bare_images import BareImageIndex
from uploader.store.retry import RetryCoordinator
from uploader.store.writer import CaptureStore, StoredObject

T = TypeVar("T")


class AttemptTimer(Protocol):
    """Measures what is tried."""

    def timed(self, attempt: Callable[[], T]) -> Callable[[], T]:
        """Measure each call."""


@dataclass(frozen=True, slots=True)
class RetryingStore:
    """Every method raises VoidError once the edge is revoked, and StoppedError when the uploader stops."""

    writer: CaptureStore
    bare_images: BareImageIndex
    retry: RetryCoordinator
    is_revoked: Callable[[str], bool]
    timer: AttemptTimer

    def assign_first_seen(self, capture: Capture) -> Capture:
        """Give a bare image the time at which its bytes first arrived; a capture that has its time keeps it."""
        if not capture.bare:
            return capture
        return self._persist(capture.edge, lambda: self.bare_images.assign_first_seen(capture))

    def store(self, capture: Capture) -> StoredObject:
        """Store a capture once; return where it is."""
        return self._persist(capture.edge, self.timer.timed(lambda: self.writer.store(capture)))

    def reject(self, rejected: RejectedMessage) -> str:
        """Keep a message that holds no capture; return its key."""
        return self._persist(rejected.edge, self.timer.timed(lambda: self.writer.reject(rejected)))

    def _persist(self, edge: str, attempt: Callable[[], T]) -> T:
        return self.retry.run(attempt, lambda: self.is_revoked(edge))
