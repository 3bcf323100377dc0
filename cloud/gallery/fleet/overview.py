"""What the fleet page shows: each enrolled edge with its cameras, and what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from common.contract.certificate_expiry import CertificateExpiry
from gallery.fleet.fleet import ONLINE_SECONDS, CameraRecord, EdgeRecord, Fleet


@dataclass(frozen=True, slots=True)
class JudgedCamera:
    """One camera, judged."""

    name: str
    online: bool
    last_seen_at: datetime
    record: CameraRecord

    @property
    def is_healthy(self) -> bool:
        """Whether it gives pictures and is not blind; a paused camera is healthy."""
        report = self.record.report
        return self.online and not report.problem and not report.blind


@dataclass(frozen=True, slots=True)
class JudgedEdge:
    """One edge, judged. One that was enrolled and has never reported has no record."""

    name: str
    online: bool
    record: EdgeRecord | None
    cameras: tuple[JudgedCamera, ...] = ()
    token_ends: datetime | None = None
    last_key: str | None = None  # of the picture that was stored last


def overview(fleet: Fleet, certificates: CertificateExpiry, now: datetime) -> list[JudgedEdge]:
    """All edges by name; revoked ones are left out, where it is known who is enrolled."""
    records, keys = fleet.edges(), fleet.last_keys()
    names = set(certificates.edges) if certificates.edges else set(records) - certificates.revoked
    states = (_edge(name, records.get(name), certificates.edges.get(name), now) for name in sorted(names))
    return [replace(state, last_key=keys.get(state.name)) for state in states]


def edge_json(edge: JudgedEdge) -> dict[str, Any]:
    """An edge as the page reads it."""
    record = edge.record
    waiting = [camera.record.report.waiting for camera in edge.cameras]
    skew = record.skew_seconds if record else None
    return {
        "name": edge.name,
        "online": edge.online,
        "last_seen_at": _iso(record.last_seen_at) if record else None,
        "waiting": max((count for count in waiting if count is not None), default=None),
        "version": next((camera.record.report.version for camera in edge.cameras), None),
        "skew_seconds": None if skew is None else round(skew, 1),
        "token_ends": _iso(edge.token_ends) if edge.token_ends else None,
        "last_key": edge.last_key,
        "cameras": [_camera_json(camera) for camera in edge.cameras],
    }


def fleet_json(fleet: Fleet, certificates: CertificateExpiry, now: datetime) -> dict[str, Any]:
    """Whether all cameras are healthy, for one line; shortly after the start, the status of silent ones is unknown."""
    edges = [edge for edge in overview(fleet, certificates, now) if edge.cameras]
    since = fleet.listening_since
    is_new = since is None or now - since < timedelta(seconds=ONLINE_SECONDS)
    failing = [(edge.name, camera) for edge in edges for camera in edge.cameras if not camera.is_healthy]
    silent = [camera for _, camera in failing if not is_online(camera.last_seen_at, now)]
    return {
        "status_known": since is not None and not (is_new and silent),
        "edges": len(edges),
        "cameras": sum(len(edge.cameras) for edge in edges),
        "failing": [{"edge": edge, "camera": camera.name} for edge, camera in failing],
    }


def is_online(last_seen_at: datetime, now: datetime) -> bool:
    """Whether an edge or camera was seen within the last seconds."""
    return now - last_seen_at < timedelta(seconds=ONLINE_SECONDS)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _edge(name: str, record: EdgeRecord | None, token_ends: datetime | None, now: datetime) -> JudgedEdge:
    if record is None:
        return JudgedEdge(name, online=False, record=None, token_ends=token_ends)
    cameras = tuple(_camera(camera, last, now) for camera, last in sorted(record.cameras.items()))
    return JudgedEdge(name, is_online(record.last_seen_at, now), record, cameras, token_ends)


def _camera(name: str, record: CameraRecord, now: datetime) -> JudgedCamera:
    online = record.report.online and is_online(record.last_seen_at, now)
    return JudgedCamera(name, online, record.last_seen_at, record)


def _camera_json(camera: JudgedCamera) -> Mapping[str, Any]:
    report = camera.record.report
    return {
        "name": camera.name,
        "online": camera.online,
        "last_seen_at": _iso(camera.last_seen_at),
        "state": report.state,
        "problem": report.problem,
        "blind": report.blind if camera.online else None,
        "blind_since": _iso(report.blind_since) if report.blind_since else None,
        "last_captured_at": _iso(report.last_captured_at) if report.last_captured_at else None,
        "dropped": report.dropped,
    }
