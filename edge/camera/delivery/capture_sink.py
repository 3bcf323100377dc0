"""Where the captures of all cameras arrive: on disk first, then published."""

import logging
import threading
from collections.abc import Iterable

from camera.delivery.history import DeliveryHistory
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from camera.delivery.spool_folder import SpoolError
from common.contract.capture import Capture
from common.contract.visit import Visit

log = logging.getLogger(__name__)


class CaptureSink:
    """Accepts what the cameras captured. Safe to use from several threads."""

    def __init__(self, spool: Spool, publisher: Publisher, history: DeliveryHistory) -> None:
        """All three are shared by all cameras."""
        self._spool, self._publisher, self._history = spool, publisher, history
        self._lock = threading.Lock()
        self._was_open = spool.is_open  # else what waits in it is not known to the publisher
        self._last_problem: str | None = None

    def accept(self, captures: Iterable[Capture], visits: Iterable[Visit]) -> set[str]:
        """Spool and publish captures, and publish visits; return the ids of captures that cannot be spooled."""
        refused = {capture.id for capture in captures if not self._accept_capture(capture)}
        for visit in visits:
            self._publisher.publish_visit(visit)
        return refused

    def retry_spool(self) -> None:
        """Try a spool that does not work again; publish what was found in it."""
        self._log_problem()
        if self._spool.problem is None:
            return
        with self._lock:
            self._spool.check_writable()
            found = self._list_at_opening()
        for capture_id in found:
            self._publisher.publish(capture_id)

    def _accept_capture(self, capture: Capture) -> bool:
        with self._lock:
            try:
                self._spool.put(capture)
            except SpoolError:
                return False
            found = self._list_at_opening()
        log.info("Captured %s", capture.id)
        self._history.on_spooled(capture)
        self._publisher.publish(capture.id)
        for capture_id in found:
            if capture_id != capture.id:
                self._publisher.publish(capture_id)
        return True

    def _list_at_opening(self) -> list[str]:
        """What was found in a spool that could not be opened at the start: captures of an earlier run."""
        was_open, self._was_open = self._was_open, self._spool.is_open
        return self._spool.ids() if self._spool.is_open and not was_open else []

    def _log_problem(self) -> None:
        """Log once, not at every capture, when the spool stops working and when it works again."""
        if self._spool.problem != self._last_problem:
            if self._spool.problem:
                log.error("%s", self._spool.problem)
            else:
                log.info("Captures can be spooled again")
        self._last_problem = self._spool.problem
