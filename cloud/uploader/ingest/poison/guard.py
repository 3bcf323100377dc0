"""The poison rule: a message that has ended the uploader or its connection three times is not read again.

A message that was in hand at a loss is a suspect: from then on nothing else is read at the same time, so that no
other message is blamed in its place. Only reading counts. Waiting for S3 does not: no image is to blame for that.
"""

import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from common.contract import topics
from common.os_error import plain_reason
from uploader.ingest.parser import IncomingMessage
from uploader.ingest.poison.in_hand import InHand, Reading
from uploader.ingest.poison.suspects import Suspects

MAX_LOSSES = 3
REASON = f"reading it ended the uploader or its connection {MAX_LOSSES} times, so it was not read again"
HOGGING_SECONDS = 15.0  # a lost connection is blamed on what was in hand for as long as the keep-alive
FOLDER_MODE = 0o700
log = logging.getLogger(__name__)


class PoisonGuard:
    """Notes what is being read and what was lost with it, and says what is not to be read again."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Blame what ended processes had in hand. Where the folder cannot be used, nothing is known of them."""
        try:
            self._in_hand, self._suspects = _open(folder, threads)
        except OSError as error:
            log.warning(
                "JOURNAL_DIR=%s cannot be used (%s), so what ended the uploader is not remembered over a restart; "
                "name a folder that can be written",
                folder,
                plain_reason(error),
            )
            self._in_hand, self._suspects = _open(Path(tempfile.mkdtemp(prefix="usbcam-journal-")), threads)
        self._turns = _Turns()
        self._since: dict[bytes, float] = {}  # when each reading began

    def is_poison(self, message: IncomingMessage) -> bool:
        """Whether the message must not be read again."""
        return self._suspects.losses(message.identity) >= MAX_LOSSES

    @contextmanager
    def reading(self, message: IncomingMessage) -> Iterator[None]:
        """Note that the message is being read during the `with`; a suspect waits until it is alone."""
        identity = message.identity
        with self._turns.take(alone=self._suspects.losses(identity) > 0):
            slot = self._in_hand.put(Reading(identity, topics.edge_of_images(message.topic)))
            self._since[identity] = monotonic()
            try:
                yield
            finally:
                self._since.pop(identity, None)
                self._in_hand.clear(slot)

    def blame(self, message: IncomingMessage) -> None:
        """Count a loss: this message makes its thread, and so the process, end."""
        self._suspects.add([message.identity])

    def blame_hogs(self) -> None:
        """The connection was lost: count that for what has been in hand for so long that the broker missed us."""
        before = monotonic() - HOGGING_SECONDS
        hogs = [identity for identity, since in list(self._since.items()) if since < before]
        if hogs:
            self._suspects.add(hogs)

    def clear(self, message: IncomingMessage) -> None:
        """The message is handled and does not come again."""
        identity = message.identity
        if self._suspects.losses(identity):
            self._suspects.remove(identity)

    @property
    def waiting_alone(self) -> int:
        """How many suspects wait until nothing else is read."""
        return self._turns.alone_waiting

    def close(self) -> None:
        """Blame nothing for this end."""
        self._in_hand.forget()


class _Turns:
    """Many may read at once, or one alone; whoever wants to be alone goes first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._together = self.alone_waiting = 0
        self._is_alone = False

    @contextmanager
    def take(self, *, alone: bool) -> Iterator[None]:
        """Wait for the turn, and have it during the `with`."""
        with self._changed:
            self.alone_waiting += alone
            self._changed.wait_for(lambda: self._may_begin(alone=alone))
            self.alone_waiting -= alone
            self._begin_or_end(1, alone=alone)
        try:
            yield
        finally:
            with self._changed:
                self._begin_or_end(-1, alone=alone)
                if alone or self.alone_waiting:  # else nobody waits
                    self._changed.notify_all()

    def _may_begin(self, *, alone: bool) -> bool:
        return not self._is_alone and not (self._together if alone else self.alone_waiting)

    def _begin_or_end(self, step: int, *, alone: bool) -> None:
        if alone:
            self._is_alone = step > 0
        else:
            self._together += step


def _open(folder: Path, threads: int) -> tuple[InHand, Suspects]:
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    in_hand, left = InHand.open(folder, threads)
    suspects = Suspects(folder)
    if left:
        edges = ", ".join(sorted({reading.edge for reading in left}))
        log.warning("The last run ended while it read %d messages, of %s: each is read alone now", len(left), edges)
        suspects.add(reading.identity for reading in left)
    return in_hand, suspects
