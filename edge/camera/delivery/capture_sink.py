"""Where the captures of all cameras come in: on disk first, then on their way."""

import logging
import threading

from camera.delivery.history import Journal
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool, SpoolError
from camera.pipeline.analyzer import AnalysisCounters, AnalysisResult

log = logging.getLogger(__name__)


class Intake:
    """Takes what the workers saw. Safe to use from several threads."""

    def __init__(self, spool: Spool, publisher: Publisher, journal: Journal) -> None:
        """All three are shared by all cameras."""
        self._spool, self._publisher, self._journal = spool, publisher, journal
        self._guard = threading.Lock()
        self._told: str | None = None

    def keep(self, result: AnalysisResult, counts: AnalysisCounters) -> None:
        """Spool and publish the captures of one frame; what cannot be spooled is counted."""
        for capture in result.captures:
            with self._guard:
                try:
                    self._spool.put(capture)
                except SpoolError:
                    counts.refused += 1
                    continue
            log.info("Captured %s", capture.id)
            self._journal.spooled(capture)
            self._publisher.publish(capture.id)
        for visit in result.visits:
            self._publisher.tell(visit)

    def mend(self) -> None:
        """Try a spool that does not work again; publish what was found in it."""
        self._tell_trouble()
        if self._spool.trouble is None:
            return
        with self._guard:
            opened = self._spool.opened
            self._spool.probe()
        for capture_id in self._spool.ids() if self._spool.opened and not opened else ():
            self._publisher.publish(capture_id)  # from an earlier run

    def _tell_trouble(self) -> None:
        """Say once, not at every capture, when the spool stops working and when it works again."""
        if self._spool.trouble != self._told:
            if self._spool.trouble:
                log.error("%s", self._spool.trouble)
            else:
                log.info("Captures can be spooled again")
        self._told = self._spool.trouble
