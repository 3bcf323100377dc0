"""Which visits are told: not in quiet hours, not twice, and of each camera only now and then."""

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from cachetools import LRUCache

from common.contract import topics
from common.contract.times import parse_timestamp
from common.fair_share import FairShares
from gallery.fleet.fleet import MAX_CAMERAS
from gallery.fleet.notifications.quiet_hours import QuietHours

MAX_BYTES, MAX_CAPTURES = 32_768, 500
TRACK = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
WAIT = timedelta(seconds=45)  # for the receipt of the best shot
ONE_DAY = timedelta(days=1)
REMEMBERED_IDS, REMEMBERED_TRACKS, MAX_WAITING = 20_000, 2_000, 500


@dataclass(frozen=True, slots=True)
class EndedVisit:
    """A visit that is over, as its edge tells it."""

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
            content = json.loads(payload) if len(payload) <= MAX_BYTES else {}
            camera, track, best = str(content["camera"]), str(content["track"]), str(content["best"])
            began_at, ended_at = parse_timestamp(content["began_at"]), parse_timestamp(content["ended_at"])
            shots = len(content["captures"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        if not (topics.is_edge_name(edge) and topics.CAMERA_NAME.fullmatch(camera) and TRACK.fullmatch(track)):
            return None
        if not best or not 0 < shots <= MAX_CAPTURES:
            return None
        return cls(edge, camera, track, began_at, ended_at, shots, best, now)


@dataclass(slots=True)
class VisitNotices:
    """For one thread; the feed hands visits and receipts over by queues."""

    cooldown: timedelta
    quiet: QuietHours | None
    told_at: dict[str, datetime] = field(default_factory=dict)  # by edge/camera
    untold: dict[str, int] = field(default_factory=dict)  # visits since then
    tracks: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED_TRACKS))
    _keys: LRUCache[str, str] = field(default_factory=lambda: LRUCache(REMEMBERED_IDS))
    _waiting: list[EndedVisit] = field(default_factory=list)
    _room: FairShares = field(default_factory=lambda: FairShares(MAX_WAITING))

    def stored(self, edge: str, capture_id: str, key: str) -> None:
        """A capture is in the bucket."""
        self._keys[f"{edge}/{capture_id}"] = key

    def ended(self, visit: EndedVisit, now: datetime) -> bool:
        """A visit is over; return whether it was not heard of before."""
        track = f"{visit.edge}/{visit.camera}/{visit.track}"
        if track in self.tracks or self._is_made_up(visit, now) or not self._room.take(visit.edge, 1):
            return False
        self.tracks.append(track)
        self._waiting.append(visit)
        return True

    def due(self, now: datetime) -> list[tuple[str, str, str | None]]:
        """Return title, body and the picture's key of each visit that is to be told now."""
        ready = [visit for visit in self._waiting if self._key(visit) or now - visit.arrived_at > WAIT]
        for visit in ready:
            self._room.give_back(visit.edge, 1)
        self._waiting = [visit for visit in self._waiting if visit not in ready]
        return [(*self._words(visit), self._key(visit)) for visit in ready if self._is_news(visit, now)]

    def to_json(self) -> dict[str, object]:
        told_at = {camera: moment.isoformat() for camera, moment in self.told_at.items()}
        return {"told_at": told_at, "untold": self.untold, "tracks": list(self.tracks)}

    def load(self, content: Mapping[str, Any]) -> None:
        """Raises ValueError, KeyError, TypeError or AttributeError."""
        self.told_at = {str(name): datetime.fromisoformat(moment) for name, moment in content["told_at"].items()}
        self.untold = {str(name): int(count) for name, count in content["untold"].items()}
        self.tracks.extend(map(str, content["tracks"]))

    def _key(self, visit: EndedVisit) -> str | None:
        return self._keys.get(f"{visit.edge}/{visit.best}")

    def _is_made_up(self, visit: EndedVisit, now: datetime) -> bool:
        """Whether its edge has named more cameras lately than it can have: each would be told for itself."""
        self.told_at = {name: told for name, told in self.told_at.items() if now - told < max(self.cooldown, ONE_DAY)}
        known = {name for name in (*self.told_at, *self.untold) if name.startswith(f"{visit.edge}/")}
        known |= {f"{other.edge}/{other.camera}" for other in self._waiting if other.edge == visit.edge}
        return f"{visit.edge}/{visit.camera}" not in known and len(known) >= MAX_CAMERAS

    def _is_news(self, visit: EndedVisit, now: datetime) -> bool:
        camera = f"{visit.edge}/{visit.camera}"
        last = self.told_at.get(camera)
        if (self.quiet and self.quiet.cover(now)) or (last is not None and now - last < self.cooldown):
            self.untold[camera] = self.untold.get(camera, 0) + 1
            return False
        self.told_at[camera] = now
        return True

    def _words(self, visit: EndedVisit) -> tuple[str, str]:
        seconds = max(1, round((visit.ended_at - visit.began_at).total_seconds()))
        pictures = "1 picture" if visit.shots == 1 else f"{visit.shots} pictures"
        body = f"{visit.ended_at:%Y-%m-%d %H:%M:%S} UTC, for {seconds} s, {pictures}."
        before = self.untold.pop(f"{visit.edge}/{visit.camera}", 0)
        if before:
            body += f" Since the last message there were {before} more visits."
        return f"Somebody was at {visit.camera} ({visit.edge}).", body
