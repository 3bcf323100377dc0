"""Which visits are notified: not in quiet hours, not twice, and of each camera at most one in a while."""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from cachetools import LRUCache

from common.contract import topics
from common.contract.visit import MAX_CAPTURES, Visit
from common.fair_share import FairShares
from gallery.fleet.fleet import MAX_CAMERAS
from gallery.fleet.notifications.quiet_hours import QuietHours

TRACK = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
WAIT = timedelta(seconds=45)  # for the receipt of the best shot
ONE_DAY = timedelta(days=1)
MAX_IDS, MAX_TRACKS, MAX_WAITING = 20_000, 2_000, 500


@dataclass(frozen=True, slots=True)
class EndedVisit:
    """A visit that is over, as its edge reports it."""

    edge: str
    camera: str
    track: str
    began_at: datetime
    ended_at: datetime
    shots: int
    best: str
    arrived_at: datetime

    @classmethod
    def parse(cls, edge: str, payload: bytes, now: datetime) -> Self | None:
        """None for what no camera writes, and for a visit without a picture."""
        try:
            visit = Visit.parse(payload)
        except ValueError:
            return None
        names_fit = topics.CAMERA_NAME.fullmatch(visit.camera) and TRACK.fullmatch(visit.track)
        if not (topics.is_edge_name(edge) and names_fit and visit.best and 0 < len(visit.captures) <= MAX_CAPTURES):
            return None
        return cls(edge, visit.camera, visit.track, visit.began_at, visit.ended_at, visit.count, visit.best, now)


@dataclass(frozen=True, slots=True)
class VisitNotification:
    """What people are told of one visit."""

    title: str
    body: str
    key: str | None  # of its picture


@dataclass(slots=True)
class VisitNotifications:
    """For one thread; the feed hands visits and receipts over by queues."""

    cooldown: timedelta
    quiet: QuietHours | None
    notified_at: dict[str, datetime] = field(default_factory=dict)  # by edge/camera
    skipped: dict[str, int] = field(default_factory=dict)  # visits since then
    tracks: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_TRACKS))
    _keys: LRUCache[str, str] = field(default_factory=lambda: LRUCache(MAX_IDS))
    _waiting: list[EndedVisit] = field(default_factory=list)
    _room: FairShares = field(default_factory=lambda: FairShares(MAX_WAITING))

    def record_stored(self, edge: str, capture_id: str, key: str) -> None:
        """A capture is in the bucket."""
        self._keys[f"{edge}/{capture_id}"] = key

    def add(self, visit: EndedVisit, now: datetime) -> bool:
        """Take a visit that is over; return whether it is a new one."""
        track = f"{visit.edge}/{visit.camera}/{visit.track}"
        self._prune(now)
        if track in self.tracks or self._is_made_up(visit) or not self._room.take(visit.edge, 1):
            return False
        self.tracks.append(track)
        self._waiting.append(visit)
        return True

    def take_due(self, now: datetime) -> list[VisitNotification]:
        """Take out the visits whose picture has arrived or is late; return what is to be sent of them."""
        ready = [visit for visit in self._waiting if self._key(visit) or now - visit.arrived_at > WAIT]
        for visit in ready:
            self._room.give_back(visit.edge, 1)
        self._waiting = [visit for visit in self._waiting if visit not in ready]
        return [self._notification(visit) for visit in ready if self._pass_or_count(visit, now)]

    def to_json(self) -> dict[str, object]:
        notified_at = {camera: at.isoformat() for camera, at in self.notified_at.items()}
        return {"notified_at": notified_at, "skipped": self.skipped, "tracks": list(self.tracks)}

    def load(self, content: Mapping[str, Any]) -> None:
        """Raises ValueError, KeyError, TypeError or AttributeError."""
        self.notified_at = {str(name): datetime.fromisoformat(at) for name, at in content["notified_at"].items()}
        self.skipped = {str(name): int(count) for name, count in content["skipped"].items()}
        self.tracks.extend(map(str, content["tracks"]))

    def _key(self, visit: EndedVisit) -> str | None:
        return self._keys.get(f"{visit.edge}/{visit.best}")

    def _prune(self, now: datetime) -> None:
        """Forget cameras that may be notified again anyway."""
        kept = max(self.cooldown, ONE_DAY)
        self.notified_at = {camera: at for camera, at in self.notified_at.items() if now - at < kept}

    def _is_made_up(self, visit: EndedVisit) -> bool:
        """Whether its edge has named more cameras lately than it can have: each has a cooldown of its own."""
        cameras = {name for name in (*self.notified_at, *self.skipped) if name.startswith(f"{visit.edge}/")}
        cameras |= {f"{other.edge}/{other.camera}" for other in self._waiting if other.edge == visit.edge}
        return f"{visit.edge}/{visit.camera}" not in cameras and len(cameras) >= MAX_CAMERAS

    def _pass_or_count(self, visit: EndedVisit, now: datetime) -> bool:
        """Let a visit pass, and begin its camera's cooldown; else count it for the next message."""
        camera = f"{visit.edge}/{visit.camera}"
        last = self.notified_at.get(camera)
        if (self.quiet and self.quiet.cover(now)) or (last is not None and now - last < self.cooldown):
            self.skipped[camera] = self.skipped.get(camera, 0) + 1
            return False
        self.notified_at[camera] = now
        return True

    def _notification(self, visit: EndedVisit) -> VisitNotification:
        seconds = max(1, round((visit.ended_at - visit.began_at).total_seconds()))
        pictures = "1 picture" if visit.shots == 1 else f"{visit.shots} pictures"
        body = f"{visit.ended_at:%Y-%m-%d %H:%M:%S} UTC, for {seconds} s, {pictures}."
        before = self.skipped.pop(f"{visit.edge}/{visit.camera}", 0)
        if before:
            body += f" Since the last message there were {before} more visits."
        title = f"Somebody was at {visit.camera} ({visit.edge})."
        return VisitNotification(title, body, self._key(visit))
