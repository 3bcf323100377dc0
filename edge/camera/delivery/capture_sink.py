"""Where the captures of all cameras come in: on disk first, then on their way."""

import logging
import threading
from collections.abc import Sequence

from camera.delivery.history import Journal
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool, SpoolError
from common.contract.capture import Capture, Visit

log = logging.getLogger(__name__)


class CaptureSink:
    """Takes captures and visits from all cameras. Safe to use from several threads."""

    def __init__(self, spool: Spool, publisher: Publisher, history: Journal) -> None:
        """All three are shared by all cameras."""
        self._spool, self._publisher, self._history = spool, publisher, history
        self._lock = threading.Lock()
        self._last_problem: str | None = None

    def accept(self, captures: Sequence[Capture], visits: Sequence[Visit]) -> set[str]:
        """Spool and publish captures, and publish visits; return the ids of captures that cannot be spooled."""
        refused = {capture.id for capture in captures if not self._accept(capture)}
        for visit in visits:
            self._publisher.tell(visit)
        return refused

    def retry_spool(self) -> None:
        """Try a spool that does not work again; publish what was found in it."""
        self._log_problem()
        if self._spool.trouble is None:
            return
        with self._lock:
            opened = self._spool.opened
            self._spool.probe()
        for capture_id in self._spool.ids() if self._spool.opened and not opened else ():
            self._publisher.publish(capture_id)  # from an earlier run

    def _accept(self, capture: Capture) -> bool:
        with self._lock:
            try:
                self._spool.put(capture)
            except SpoolError:
                return False
        log.info("Captured %s", capture.id)
        self._history.spooled(capture)
        self._publisher.publish(capture.id)
        return True

    def _log_problem(self) -> None:
        """Log once, not at every capture, when the spool stops working and when it works again."""
        if self._spool.trouble != self._last_problem:
            if self._spool.trouble:
                log.error("%s", self._spool.trouble)
            else:
                log.info("Captures can be spooled again")
        self._last_problem = self._spool.trouble
