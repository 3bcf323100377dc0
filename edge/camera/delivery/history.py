"""The last captures and what became of each, for whoever looks at the live page."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace

from common.contract.capture import Capture
from common.contract.receipt import State

REMEMBERED = 60
PICTURES_BYTES = 16_000_000  # of pictures kept for the page; older ones lose theirs


@dataclass(frozen=True, slots=True)
class Entry:
    """One capture and its way so far. Times are monotonic seconds."""

    capture: Capture | None  # None once its picture was given up
    id: str
    camera: str
    state: State
    note: str = ""  # the key in the bucket, or why it was rejected
    spooled_at: float = 0.0
    sent_at: float | None = None
    settled_at: float | None = None


class Journal:
    """Remembers the last captures. Safe to use from several threads."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.changes = 0  # grows with each change
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._guard = threading.Lock()

    def spooled(self, capture: Capture) -> None:
        """A capture reached the spool."""
        with self._guard:
            self._entries[capture.id] = Entry(
                capture, capture.id, capture.camera, State.SPOOLED, spooled_at=time.monotonic()
            )
            while len(self._entries) > REMEMBERED:
                self._entries.popitem(last=False)
            self._give_up_pictures()
            self.changes += 1

    def sent(self, capture: Capture) -> None:
        """It was published."""
        self._change(capture.id, State.SENT)

    def answered(self, capture_id: str) -> None:
        """The broker's answer changes nothing that people want to see."""

    def settled(self, capture_id: str, state: State, note: str) -> None:
        """Somebody answered for it."""
        self._change(capture_id, state, note)

    def recent(self) -> list[Entry]:
        """Newest first."""
        with self._guard:
            return list(reversed(self._entries.values()))

    def find(self, capture_id: str) -> Entry | None:
        """One of them, by its id."""
        with self._guard:
            return self._entries.get(capture_id)

    def _change(self, capture_id: str, state: State, note: str = "") -> None:
        with self._guard:
            entry = self._entries.get(capture_id)
            if entry is None or entry.settled_at is not None:
                return
            now = time.monotonic()
            if state is State.SENT:
                self._entries[capture_id] = replace(entry, state=state, sent_at=entry.sent_at or now)
            else:
                self._entries[capture_id] = replace(entry, state=state, note=note, settled_at=now)
            self.changes += 1

    def _give_up_pictures(self) -> None:
        total = 0
        for key, entry in reversed(list(self._entries.items())):
            total += len(entry.capture.image) if entry.capture else 0
            if total > PICTURES_BYTES and entry.capture is not None:
                self._entries[key] = replace(entry, capture=None)
