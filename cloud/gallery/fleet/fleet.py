"""Every edge and camera that has reported: its last status, and when it was seen. Safe to use from several threads."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from common.contract import topics
from common.contract.status import CameraReport, InvalidReportError
from common.contract.times import parse_timestamp, timestamp
from common.rate_limit import TokenBucket

ONLINE_SECONDS = 20.0  # a status comes every 5 s
MAX_EDGES, MAX_CAMERAS = 20_000, 32  # cameras of one edge
MESSAGES_PER_MINUTE = 1200  # of one edge: 32 cameras that change their state, too
SKEW_SAMPLES = 12
FORGET_CAMERA = timedelta(days=30)


@dataclass(slots=True)
class CameraRecord:
    """A camera's last status."""

    report: CameraReport
    last_seen_at: datetime


@dataclass(slots=True)
class EdgeRecord:
    """An edge with its cameras."""

    last_seen_at: datetime  # aware, UTC
    cameras: dict[str, CameraRecord] = field(default_factory=dict)
    skews: deque[float] = field(default_factory=lambda: deque(maxlen=SKEW_SAMPLES))
    budget: TokenBucket = field(default_factory=lambda: TokenBucket(MESSAGES_PER_MINUTE))

    @property
    def skew_seconds(self) -> float | None:
        """How far its clock is behind ours: the least, since a message may have been under way for long."""
        return min(self.skews, default=None)


class Fleet:
    """Filled by what arrives at the broker."""

    def __init__(self) -> None:
        self._edges: dict[str, EdgeRecord] = {}
        self._last_keys: dict[str, str] = {}  # by edge, also one whose cameras have not reported yet
        self._lock = threading.Lock()
        self._listening_since: datetime | None = None
        self.changes = 0  # goes up with every change

    @property
    def listening_since(self) -> datetime | None:
        """Since when every message arrives here; None while none does, and then silence means nothing."""
        return self._listening_since

    def set_listening(self, now: datetime | None) -> None:
        """Note that messages arrive from now on, or no longer."""
        self._listening_since = now

    def record(self, edge: str, camera: str, payload: bytes, now: datetime) -> None:
        """Take a status message; an empty one says that there is no such camera any more."""
        if not topics.is_edge_name(edge) or not topics.CAMERA_NAME.fullmatch(camera):
            return
        with self._lock:
            record = self._edges.get(edge)
            if record is None:
                if len(self._edges) >= MAX_EDGES:
                    return
                record = self._edges[edge] = EdgeRecord(now)
            if not record.budget.try_acquire(now.timestamp()):
                return
            self._apply(record, camera, payload, now)
            self.changes += 1

    def record_stored(self, edge: str, key: str) -> None:
        """Note the picture of an edge that was stored last."""
        with self._lock:
            if topics.is_edge_name(edge) and (edge in self._last_keys or len(self._last_keys) < MAX_EDGES):
                self._last_keys[edge] = key
                self.changes += 1

    def last_keys(self) -> dict[str, str]:
        """By edge, the picture that was stored last."""
        with self._lock:
            return dict(self._last_keys)

    def edges(self) -> dict[str, EdgeRecord]:
        """All of them as they are now. Records are replaced, never changed, but for an edge's own fields."""
        with self._lock:
            return dict(self._edges)

    def forget(self, revoked: frozenset[str]) -> None:
        """Forget edges that were revoked."""
        with self._lock:
            for edge in revoked:
                self._edges.pop(edge, None)
                self._last_keys.pop(edge, None)

    def to_json(self) -> dict[str, object]:
        """Return what a restart must not lose."""
        with self._lock:
            names = self._edges.keys() | self._last_keys.keys()
            return {name: _edge_to_json(self._edges.get(name), self._last_keys.get(name)) for name in names}

    def load(self, content: Mapping[str, Any]) -> None:
        """Take over what an earlier run wrote; raises ValueError, KeyError, TypeError or AttributeError."""
        edges = {str(edge): _edge_of_json(record) for edge, record in content.items() if "last_seen_at" in record}
        keys = {str(edge): str(record["last_key"]) for edge, record in content.items() if record.get("last_key")}
        with self._lock:
            self._edges, self._last_keys = edges | self._edges, keys | self._last_keys

    def _apply(self, edge: EdgeRecord, camera: str, payload: bytes, now: datetime) -> None:
        edge.last_seen_at = now
        if not payload:
            edge.cameras = {name: record for name, record in edge.cameras.items() if name != camera}
            return
        try:
            report = CameraReport.parse(payload)
        except InvalidReportError:
            return
        if report.at is not None and report.online:
            edge.skews.append((now - report.at).total_seconds())
        last = edge.cameras.get(camera)
        if last is None and len(edge.cameras) >= MAX_CAMERAS:
            return
        if last is not None and not report.online:  # a last will: what was reported before still counts
            report = replace(last.report, online=False)
        edge.cameras = edge.cameras | {camera: CameraRecord(report, now)}


def _edge_to_json(record: EdgeRecord | None, last_key: str | None) -> dict[str, object]:
    if record is None:
        return {"last_key": last_key}
    return {
        "last_seen_at": timestamp(record.last_seen_at),
        "last_key": last_key,
        "cameras": {
            name: {"last_seen_at": timestamp(camera.last_seen_at), "report": camera.report.to_dict()}
            for name, camera in record.cameras.items()
        },
    }


def _edge_of_json(content: Mapping[str, Any]) -> EdgeRecord:
    earliest = datetime.now(UTC) - FORGET_CAMERA
    cameras = {
        str(name): CameraRecord(CameraReport.from_dict(camera["report"]), parse_timestamp(camera["last_seen_at"]))
        for name, camera in content["cameras"].items()
    }
    recent = {name: camera for name, camera in cameras.items() if camera.last_seen_at > earliest}
    return EdgeRecord(parse_timestamp(content["last_seen_at"]), recent)
