"""Notifies people of visits and alarms, on its own thread: whatever is slow here holds up nothing else."""

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
from gallery.fleet.json_state import JsonState
from gallery.fleet.notifications.alarm_state import AlarmState
from gallery.fleet.notifications.alarms import Check, UploaderReport, check_certificates, check_edges, check_uploaders
from gallery.fleet.notifications.message import Kind, Message
from gallery.fleet.notifications.message_queue import MessageQueue
from gallery.fleet.notifications.visits import EndedVisit, VisitNotifications
from gallery.fleet.overview import overview

log = logging.getLogger(__name__)

TICK_SECONDS = 2.0
STOP_SECONDS = 10.0
MAX_QUEUED = 5000  # of all edges; what one sends keeps out no other
MAX_LINES = 20
MAX_UPLOADERS = 200
BROKER = "broker"
UPLOADERS = ""  # in place of an edge

Event = Callable[[], bool | None]  # returns whether to save


class Sender(Protocol):
    """Sends a message to one of its services."""

    @property
    def names(self) -> tuple[str, ...]: ...
    def send(self, name: str, message: Message) -> bool: ...


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When people are notified."""

    after: timedelta  # it lasts
    backlog: int  # captures that wait on an edge
    visits: bool


class Notifier:
    """Collects events from the feed; every two seconds, checks what has changed and sends what is due."""

    def __init__(
        self,
        fleet: Fleet,
        certificates_file: Path,
        state: JsonState,
        sender: Sender,
        visits: VisitNotifications,
        limits: Thresholds,
    ) -> None:
        """Nothing happens before `start`."""
        self._fleet, self._certificates_file, self._state = fleet, certificates_file, state
        self._sender, self._visits, self._limits = sender, visits, limits
        self._alarms = AlarmState()
        self._queue = MessageQueue(sender.send)
        self._uploaders: dict[str, UploaderReport] = {}
        self._disconnected_since: datetime | None = None
        self._events: SimpleQueue[tuple[str, Event]] = SimpleQueue()  # each from its edge
        self._room, self._lock = FairShares(MAX_QUEUED), threading.Lock()
        self._log = filtered_logger(log, RepeatFilter())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def start(self) -> None:
        """Restore the state of an earlier run, and start."""
        self._state.load(self._load)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    def on_visit(self, edge: str, payload: bytes, now: datetime) -> None:
        """Take a visit's message."""
        if self._limits.visits and (visit := EndedVisit.parse(edge, payload, now)):
            self._enqueue(edge, lambda: self._visits.add(visit, now))

    def on_receipt(self, edge: str, receipt: Receipt) -> None:
        """Take a receipt."""
        for entry in receipt.stored:
            if entry.key and topics.is_edge_name(edge):
                self._enqueue(edge, partial(self._visits.record_stored, edge, entry.id, entry.key))

    def on_uploader_status(self, payload: bytes, now: datetime) -> None:
        """Take an uploader's status."""
        status = UploaderStatus.parse(payload)
        if status is not None:
            self._enqueue(UPLOADERS, lambda: self._record_uploader(status, now))

    def tick(self, now: datetime) -> None:
        """Do what is due; public for tests, whose clock is their own."""
        must_save = self._handle_events()
        alarms, resolved = self._alarms.update(self._checks(now), self._limits.after, now)
        self._post(Kind.ALARM, alarms, now)
        self._post(Kind.RESOLVED, resolved, now)
        visits = self._visits.take_due(now)
        for visit in visits:
            created_at, names = self._unique(now), self._sender.names
            self._queue.put(Message(Kind.VISIT, visit.title, visit.body, created_at, names, visit.key))
        if must_save or alarms or resolved or visits:
            self._save()  # before anything is sent: a restart sends nothing twice
        for _ in self._queue.send_due(now):
            self._save()

    def _run(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            try:
                self.tick(datetime.now(UTC))
            except Exception:
                log.exception("Sending notifications failed because of a bug; trying again")

    def _handle_events(self) -> int:
        """Handle what the feed has delivered; return how many events a restart must not lose."""
        handled = 0
        while True:
            try:
                edge, event = self._events.get_nowait()
            except Empty:
                return handled
            with self._lock:
                self._room.give_back(edge, 1)
            handled += event() is True

    def _checks(self, now: datetime) -> list[Check]:
        """Check everything; without the broker nothing is known of edges, and their alarms stay as they are."""
        certificates = CertificateExpiry.read(self._certificates_file)
        checks = list(check_certificates(certificates, now))
        listening_since = self._fleet.listening_since
        resolved = "The gallery is connected to the cloud broker again."
        if listening_since is None:
            self._disconnected_since = self._disconnected_since or now
            alarm = "The gallery is not connected to the cloud broker: run ./usbcam status."
            return [*checks, Check(BROKER, alarm, resolved, self._disconnected_since)]
        self._disconnected_since = None
        checks.append(Check(BROKER, None, resolved))
        checks += check_edges(overview(self._fleet, certificates, now), listening_since, self._limits.backlog)
        return [*checks, *check_uploaders(self._uploaders, listening_since, now)]

    def _post(self, kind: Kind, lines: list[str], now: datetime) -> None:
        """Put one message for all that happened together."""
        lines = list(dict.fromkeys(lines))
        if not lines:
            return
        if len(lines) == 1:
            title, body = lines[0], f"{now:%Y-%m-%d %H:%M} UTC"
        else:
            left = len(lines) - MAX_LINES
            title = f"{len(lines)} alarms" if kind is Kind.ALARM else f"{len(lines)} alarms are over"
            body = "\n".join(lines[:MAX_LINES]) + (f"\n... and {left} more" if left > 0 else "")
        self._queue.put(Message(kind, title, body, self._unique(now), self._sender.names))

    def _unique(self, now: datetime) -> datetime:
        """A time that no other message has: it is a message's name."""
        taken = {message.created_at for message in self._queue.messages}
        while now in taken:
            now += timedelta(microseconds=1)
        return now

    def _record_uploader(self, status: UploaderStatus, now: datetime) -> None:
        if len(self._uploaders) >= MAX_UPLOADERS:
            self._uploaders.clear()
        self._uploaders[status.uploader] = UploaderReport(status.problem, now)

    def _enqueue(self, edge: str, event: Event) -> None:
        with self._lock:
            has_room = self._room.take(edge, 1)
        if has_room:
            self._events.put((edge, event))
        else:
            self._log.warning("Too many events from %s; skipped some visits", edge or "the uploader")

    def _save(self) -> None:
        content = {"alarms": self._alarms.to_json(), "visits": self._visits.to_json(), "outbox": self._queue.to_json()}
        self._state.save(content)

    def _load(self, content: Mapping[str, Any]) -> None:
        self._alarms = AlarmState.of_json(content["alarms"], datetime.now(UTC))
        self._visits.load(content["visits"])
        self._queue.load(content["outbox"], self._sender.names)
