"""What the fleet page shows: each enrolled edge with its cameras, and what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from common.contract.certificate_expiry import CertificateExpiry
from gallery.fleet.fleet import ONLINE_SECONDS, CameraRecord, EdgeRecord, Fleet


@dataclass(frozen=True, slots=True)
class CameraState:
    """One camera, judged."""

    name: str
    online: bool
    heard_at: datetime
    record: CameraRecord

    @property
    def is_fine(self) -> bool:
        """Whether it gives pictures and sees what it should; a pause is nothing wrong."""
        report = self.record.report
        return self.online and not report.problem and not report.blind


@dataclass(frozen=True, slots=True)
class EdgeState:
    """One edge, judged. One that was enrolled and never heard of has no record."""

    name: str
    online: bool
    record: EdgeRecord | None
    cameras: tuple[CameraState, ...] = ()
    token_ends: datetime | None = None
    last_key: str | None = None  # of the picture that was stored last


def overview(fleet: Fleet, certificates: CertificateExpiry, now: datetime) -> list[EdgeState]:
    """All edges by name; whoever is not enrolled any more is not among them, where it is known who is."""
    records, keys = fleet.edges(), fleet.last_keys()
    names = set(certificates.edges) if certificates.edges else set(records) - certificates.revoked
    states = (_edge(name, records.get(name), certificates.edges.get(name), now) for name in sorted(names))
    return [replace(state, last_key=keys.get(state.name)) for state in states]


def edge_json(edge: EdgeState) -> dict[str, Any]:
    """An edge as the page reads it."""
    record = edge.record
    waiting = [camera.record.report.waiting for camera in edge.cameras]
    skew = record.skew_seconds if record else None
    return {
        "name": edge.name,
        "online": edge.online,
        "heard_at": _iso(record.heard_at) if record else None,
        "waiting": max((count for count in waiting if count is not None), default=None),
        "version": next((camera.record.report.version for camera in edge.cameras), None),
        "skew_seconds": None if skew is None else round(skew, 1),
        "token_ends": _iso(edge.token_ends) if edge.token_ends else None,
        "last_key": edge.last_key,
        "cameras": [_camera_json(camera) for camera in edge.cameras],
    }


def fleet_json(fleet: Fleet, certificates: CertificateExpiry, now: datetime) -> dict[str, Any]:
    """Whether all cameras are fine, for one line; shortly after the start, those that are silent are not known yet."""
    edges = [edge for edge in overview(fleet, certificates, now) if edge.cameras]
    since = fleet.listening_since
    is_new = since is None or now - since < timedelta(seconds=ONLINE_SECONDS)
    troubled = [(edge.name, camera) for edge in edges for camera in edge.cameras if not camera.is_fine]
    silent = [camera for _, camera in troubled if not is_online(camera.heard_at, now)]
    return {
        "known": since is not None and not (is_new and silent),
        "edges": len(edges),
        "cameras": sum(len(edge.cameras) for edge in edges),
        "troubled": [{"edge": edge, "camera": camera.name} for edge, camera in troubled],
    }


def is_online(heard_at: datetime, now: datetime) -> bool:
    """Whether somebody was heard within the last seconds."""
    return now - heard_at < timedelta(seconds=ONLINE_SECONDS)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _edge(name: str, record: EdgeRecord | None, token_ends: datetime | None, now: datetime) -> EdgeState:
    if record is None:
        return EdgeState(name, online=False, record=None, token_ends=token_ends)
    cameras = tuple(_camera(camera, found, now) for camera, found in sorted(record.cameras.items()))
    return EdgeState(name, is_online(record.heard_at, now), record, cameras, token_ends)


def _camera(name: str, record: CameraRecord, now: datetime) -> CameraState:
    online = record.report.online and is_online(record.heard_at, now)
    return CameraState(name, online, record.heard_at, record)


def _camera_json(camera: CameraState) -> Mapping[str, Any]:
    report = camera.record.report
    return {
        "name": camera.name,
        "online": camera.online,
        "heard_at": _iso(camera.heard_at),
        "state": report.state,
        "problem": report.problem,
        "blind": report.blind if camera.online else None,
        "blind_since": _iso(report.blind_since) if report.blind_since else None,
        "last_captured_at": _iso(report.last_captured_at) if report.last_captured_at else None,
        "dropped": report.dropped,
    }
