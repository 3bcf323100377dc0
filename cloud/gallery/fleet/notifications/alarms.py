"""What is wrong with edges, cameras, uploaders and certificates, as sentences of our own, never an edge's."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.contract.certificate_expiry import CertificateExpiry
from common.contract.status import Blindness, CameraState
from common.runtime.deployment import new_broker_certificate
from gallery.fleet.overview import JudgedCamera, JudgedEdge

BLIND: dict[str, str] = {
    Blindness.COVERED: "something covers its lens",
    Blindness.DEFOCUSED: "it is out of focus",
    Blindness.TURNED: "it was turned away",
    Blindness.FROZEN: "its picture is frozen",
    Blindness.DARK: "it is dark where it should be light",
}
BROKEN_STATES = {CameraState.RECONNECTING, CameraState.HUNG, CameraState.CRASHED}
UPLOADER_SILENT = timedelta(seconds=45)  # it reports every 10 s
REMIND_DAYS = (30, 7, 1)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked."""

    key: str
    alarm: str | None  # what is wrong; None: nothing
    resolved: str  # the message once that is over
    since: datetime | None = None  # when it began, where that is known
    at_once: bool = False  # whether people are notified without waiting


@dataclass(frozen=True, slots=True)
class UploaderReport:
    """An uploader's last status."""

    problem: str | None
    last_seen_at: datetime


def check_edges(edges: Iterable[JudgedEdge], listening_since: datetime, backlog: int) -> Iterator[Check]:
    """Check each edge that has ever reported, and the cameras of those that are online."""
    for edge in edges:
        if edge.record is None:
            continue
        name, gone = edge.name, None if edge.online else f"The edge {edge.name} is gone: nothing was heard from it."
        since = max(edge.record.last_seen_at, listening_since)
        yield Check(f"edge {name}", gone, f"The edge {name} is back.", since)
        if not edge.online:
            continue  # the statuses of its cameras are old
        waiting = max((camera.record.report.waiting or 0 for camera in edge.cameras), default=0)
        too_many = f"{waiting} captures wait on the edge {name}." if waiting >= backlog else None
        yield Check(f"backlog {name}", too_many, f"The captures of the edge {name} are sent again.")
        for camera in edge.cameras:
            yield from _check_camera(name, camera)


def check_uploaders(
    uploaders: Mapping[str, UploaderReport], listening_since: datetime, now: datetime
) -> Iterator[Check]:
    """Check that captures are stored; a silent uploader was replaced by another, or is gone."""
    last_seen_at = max([listening_since, *(report.last_seen_at for report in uploaders.values())])
    silent = now - last_seen_at > UPLOADER_SILENT
    gone = "No uploader reports, so no capture is stored: run ./usbcam status." if silent else None
    yield Check("uploader", gone, "The uploader is back.", last_seen_at)
    if silent:
        return
    reporting = [report for report in uploaders.values() if now - report.last_seen_at <= UPLOADER_SILENT]
    problem = next((report.problem for report in reporting if report.problem), None)
    refused = f"Captures are not stored, and wait: {problem}." if problem else None
    yield Check("storage", refused, "Captures are stored again.")


def check_certificates(certificates: CertificateExpiry, now: datetime) -> Iterator[Check]:
    """Check when certificates end; people are notified a month, a week and a day before."""
    ends = {
        f"token of the edge {name}": (expires_at, f"./usbcam renew {name}")
        for name, expires_at in certificates.edges.items()
    }
    if certificates.broker:
        ends["broker's certificate"] = certificates.broker, new_broker_certificate()
    for subject, (expires_at, remedy) in ends.items():
        for days in REMIND_DAYS:
            due = expires_at - now < timedelta(days=days)
            alarm = f"The {subject} ends on {expires_at:%Y-%m-%d}: {remedy}." if due else None
            yield Check(f"certificate {subject} {days}", alarm, f"The {subject} was renewed.", at_once=True)


def _check_camera(edge: str, camera: JudgedCamera) -> Iterator[Check]:
    name, report = f"{edge}/{camera.name}", camera.record.report
    is_broken = not camera.online or report.state in BROKEN_STATES
    gone = f"The camera {name} gives no pictures." if is_broken else None
    yield Check(f"camera {name}", gone, f"The camera {name} gives pictures again.")
    if is_broken:
        return
    why = BLIND.get(report.blind or "")
    yield Check(
        f"blind {name}", f"The camera {name} sees nothing: {why}." if why else None, f"The camera {name} sees again."
    )
