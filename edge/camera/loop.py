"""The camera's daily round: take the latest frame, capture, spool, publish, beat."""

import logging
import os
import threading

from camera.frames import Frame, LatestFrame
from camera.publisher import Publisher
from camera.spool import Spool, SpoolError
from camera.status import Heartbeat
from camera.watcher import Watcher

log = logging.getLogger(__name__)

TAKE_SECONDS = 1.0
CONTAINER_PROCESS = 1


class Loop:
    """All that runs on the main thread."""

    def __init__(
        self, watcher: Watcher, frames: LatestFrame, spool: Spool, publisher: Publisher, heartbeat: Heartbeat
    ) -> None:
        """All parts, started."""
        self._watcher, self._frames, self._spool = watcher, frames, spool
        self._publisher, self._heartbeat = publisher, heartbeat
        self._told: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Go on until `stop` is set, or the source has ended and all its captures are answered for."""
        while not stop.is_set():
            frame = self._frames.take(TAKE_SECONDS)
            if frame is not None:
                self._handle(frame)
            elif self._frames.ended.is_set() and self._finished(stop):
                return
            self._mend_spool()
            self._heartbeat.beat(self._frames, self._spool, self._publisher, handled=frame is not None)

    def _handle(self, frame: Frame) -> None:
        for capture in self._watcher.look(frame):
            try:
                self._spool.put(capture)
            except SpoolError:
                self._watcher.counts.refused += 1
            else:
                log.info("Captured %s", capture.id)
                self._publisher.publish(capture.id)

    def _mend_spool(self) -> None:
        self._tell_trouble()
        if self._spool.trouble is None:
            return
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

    def _finished(self, stop: threading.Event) -> bool:
        if os.getpid() == CONTAINER_PROCESS:
            return False  # its restart policy would start a container again, and play the file twice
        if self._spool.depth:
            stop.wait(TAKE_SECONDS / 10)
        return not self._spool.depth
