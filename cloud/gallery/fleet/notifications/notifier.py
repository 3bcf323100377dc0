"""Tells people of visits and alarms, on a thread of its own: whatever is slow here holds up nobody."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from common.contract import topics
from common.contract.certificate_expiry import CertificateExpiry
from common.contract.receipt import Receipt
from common.contract.uploader_status import UploaderStatus
from common.fair_share import FairShares
from common.runtime.log import RepeatFilter, filtered_logger
from gallery.fleet.fleet import Fleet
from gallery.fleet.json_state import Memory
from gallery.fleet.notifications.alarm_state import Told
from gallery.fleet.notifications.alarms import Check, UploaderWord, check_certificates, check_edges, check_uploaders
from gallery.fleet.notifications.message import Kind, Message
from gallery.fleet.notifications.outbox import Outbox
from gallery.fleet.notifications.visits import EndedVisit, VisitNotices
from gallery.fleet.overview import overview

log = logging.getLogger(__name__)

TICK_SECONDS = 2.0
STOP_SECONDS = 10.0
MAX_QUEUED = 5000  # of all edges; what one sends keeps out no other
MAX_LINES = 20
MAX_UPLOADERS = 200
BROKER = "broker"
UPLOADERS = ""  # in place of an edge

Event = Callable[[], bool | None]  # says whether to save


class Teller(Protocol):
    """Who can reach people."""

    @property
    def names(self) -> tuple[str, ...]: ...
    def send(self, name: str, message: Message) -> bool: ...


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When something is told."""

    after: timedelta  # it lasts
    backlog: int  # captures that wait on an edge
    visits: bool


class Notifier:
    """Takes what the feed hears, and compares every two seconds what is with what was told."""

    def __init__(
        self,
        fleet: Fleet,
        certificates_file: Path,
        memory: Memory,
        teller: Teller,
        visits: VisitNotices,
        limits: Thresholds,
    ) -> None:
        """Nothing happens before `start`."""
        self._fleet, self._certificates_file, self._memory = fleet, certificates_file, memory
        self._teller, self._visits, self._limits = teller, visits, limits
        self._told = Told()
        self._outbox = Outbox(teller.send, self._save)
        self._uploaders: dict[str, UploaderWord] = {}
        self._deaf_since: datetime | None = None
        self._heard: SimpleQueue[tuple[str, Event]] = SimpleQueue()  # each with its edge
        self._room, self._lock = FairShares(MAX_QUEUED), threading.Lock()
        self._log = filtered_logger(log, RepeatFilter())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def start(self) -> None:
        """Take over what an earlier run told, and begin."""
        self._memory.load(self._load)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    def visit_ended(self, edge: str, payload: bytes, now: datetime) -> None:
        """Take a visit's message."""
        if self._limits.visits and (visit := EndedVisit.parse(edge, payload, now)):
            self._hear(edge, lambda: self._visits.ended(visit, now))

    def stored(self, edge: str, receipt: Receipt) -> None:
        """Take a receipt."""
        for entry in receipt.stored:
            if entry.key and topics.is_edge_name(edge):
                self._hear(edge, partial(self._visits.stored, edge, entry.id, entry.key))

    def uploader_said(self, payload: bytes, now: datetime) -> None:
        """Take an uploader's status."""
        status = UploaderStatus.parse(payload)
        if status is not None:
            self._hear(UPLOADERS, lambda: self._take_uploader(status, now))

    def tick(self, now: datetime) -> None:
        """Do what is due; public for tests, whose clock is their own."""
        heard = self._take_heard()
        alarms, good = self._told.update(self._checks(now), self._limits.after, now)
        self._post(Kind.ALARM, alarms, now)
        self._post(Kind.BACK, good, now)
        visits = self._visits.due(now)
        for title, body, key in visits:
            self._outbox.put(Message(Kind.VISIT, title, body, self._unique(now), self._teller.names, key))
        if heard or alarms or good or visits:
            self._save()  # before anybody is told: a restart tells nothing twice
        self._outbox.send_due(now)

    def _run(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            try:
                self.tick(datetime.now(UTC))
            except Exception:
                log.exception("Telling people failed by a fault of our own; it is tried again")

    def _take_heard(self) -> int:
        """Take what the feed heard; return how much of it a restart must not lose."""
        taken = 0
        while True:
            try:
                edge, event = self._heard.get_nowait()
            except Empty:
                return taken
            with self._lock:
                self._room.give_back(edge, 1)
            taken += event() is True

    def _checks(self, now: datetime) -> list[Check]:
        """Look at everything; while the broker is away nothing is known, and all else stays as it was told."""
        certificates = CertificateExpiry.read(self._certificates_file)
        checks = list(check_certificates(certificates, now))
        listening_since = self._fleet.listening_since
        good = "The gallery hears the cloud broker again."
        if listening_since is None:
            self._deaf_since = self._deaf_since or now
            alarm = "The gallery does not hear the cloud broker: run ./usbcam status."
            return [*checks, Check(BROKER, alarm, good, self._deaf_since)]
        self._deaf_since = None
        checks.append(Check(BROKER, None, good))
        checks += check_edges(overview(self._fleet, certificates, now), listening_since, self._limits.backlog)
        return [*checks, *check_uploaders(self._uploaders, listening_since, now)]

    def _post(self, kind: Kind, lines: list[str], now: datetime) -> None:
        """One message for all that happened together."""
        lines = list(dict.fromkeys(lines))
        if not lines:
            return
        if len(lines) == 1:
            title, body = lines[0], f"{now:%Y-%m-%d %H:%M} UTC"
        else:
            left = len(lines) - MAX_LINES
            title = f"{len(lines)} alarms" if kind is Kind.ALARM else f"{len(lines)} things are good again"
            body = "\n".join(lines[:MAX_LINES]) + (f"\n... and {left} more" if left > 0 else "")
        self._outbox.put(Message(kind, title, body, self._unique(now), self._teller.names))

    def _unique(self, now: datetime) -> datetime:
        """A time that no other message has: it is a message's name."""
        taken = {message.created_at for message in self._outbox.messages}
        while now in taken:
            now += timedelta(microseconds=1)
        return now

    def _take_uploader(self, status: UploaderStatus, now: datetime) -> None:
        if len(self._uploaders) >= MAX_UPLOADERS:
            self._uploaders.clear()
        self._uploaders[status.uploader] = UploaderWord(status.problem, now)

    def _hear(self, edge: str, event: Event) -> None:
        with self._lock:
            has_room = self._room.take(edge, 1)
        if has_room:
            self._heard.put((edge, event))
        else:
            self._log.warning("More happens at %s than can be told; some visits are left out", edge or "the uploader")

    def _save(self) -> None:
        content = {"told": self._told.to_json(), "visits": self._visits.to_json(), "outbox": self._outbox.to_json()}
        self._memory.save(content)

    def _load(self, content: Mapping[str, Any]) -> None:
        self._told = Told.of_json(content["told"], datetime.now(UTC))
        self._visits.load(content["visits"])
        self._outbox.load(content["outbox"], self._teller.names)
