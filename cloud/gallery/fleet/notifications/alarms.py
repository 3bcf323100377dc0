"""What is wrong with edges, cameras, uploaders and certificates, as sentences of our own: no edge writes them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.contract.certificate_expiry import CertificateExpiry
from common.runtime.front_door import new_broker_certificate
from gallery.fleet.overview import CameraState, EdgeState

BLIND = {
    "covered": "something covers its lens",
    "defocused": "it is out of focus",
    "turned": "it was turned away",
    "frozen": "its picture is frozen",
    "dark": "it is dark where it should be light",
}
BROKEN = {"reconnecting", "hung", "crashed"}
UPLOADER_SILENT = timedelta(seconds=45)  # it speaks every 10 s
REMIND_DAYS = (30, 7, 1)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    key: str
    alarm: str | None  # what is wrong; None: nothing
    good: str  # what is said when that is over
    since: datetime | None = None  # when it began, where that is known
    at_once: bool = False  # whether it is told without waiting


@dataclass(frozen=True, slots=True)
class UploaderWord:
    """What an uploader said last."""

    problem: str | None
    heard_at: datetime


def check_edges(edges: Iterable[EdgeState], listening_since: datetime, backlog: int) -> Iterator[Check]:
    """Check each edge that was ever heard of, and the cameras of those that are online."""
    for edge in edges:
        if edge.record is None:
            continue
        name, gone = edge.name, None if edge.online else f"The edge {edge.name} is gone: nothing was heard of it."
        since = max(edge.record.heard_at, listening_since)
        yield Check(f"edge {name}", gone, f"The edge {name} is back.", since)
        if not edge.online:
            continue  # what is known of its cameras is old
        waiting = max((camera.record.report.waiting or 0 for camera in edge.cameras), default=0)
        too_many = f"{waiting} captures wait on the edge {name}." if waiting >= backlog else None
        yield Check(f"backlog {name}", too_many, f"The captures of the edge {name} are sent again.")
        for camera in edge.cameras:
            yield from _check_camera(name, camera)


def check_uploaders(uploaders: Mapping[str, UploaderWord], listening_since: datetime, now: datetime) -> Iterator[Check]:
    """Check that captures are stored; an uploader that is silent was replaced by another, or is gone."""
    heard_at = max([listening_since, *(word.heard_at for word in uploaders.values())])
    silent = now - heard_at > UPLOADER_SILENT
    gone = "No uploader says anything, so no capture is stored: run ./usbcam status." if silent else None
    yield Check("uploader", gone, "The uploader is back.", heard_at)
    if silent:
        return
    speaking = [word for word in uploaders.values() if now - word.heard_at <= UPLOADER_SILENT]
    problem = next((word.problem for word in speaking if word.problem), None)
    refused = f"Captures are not stored, and wait: {problem}." if problem else None
    yield Check("storage", refused, "Captures are stored again.")


def check_certificates(certificates: CertificateExpiry, now: datetime) -> Iterator[Check]:
    """Check when certificates end; each is told a month, a week and a day before."""
    ends = {
        f"token of the edge {name}": (moment, f"./usbcam renew {name}") for name, moment in certificates.edges.items()
    }
    if certificates.broker:
        ends["broker's certificate"] = certificates.broker, new_broker_certificate()
    for subject, (moment, remedy) in ends.items():
        for days in REMIND_DAYS:
            due = moment - now < timedelta(days=days)
            alarm = f"The {subject} ends on {moment:%Y-%m-%d}: {remedy}." if due else None
            yield Check(f"certificate {subject} {days}", alarm, f"The {subject} was renewed.", at_once=True)


def _check_camera(edge: str, camera: CameraState) -> Iterator[Check]:
    name, report = f"{edge}/{camera.name}", camera.record.report
    is_broken = not camera.online or report.state in BROKEN
    gone = f"The camera {name} gives no pictures." if is_broken else None
    yield Check(f"camera {name}", gone, f"The camera {name} gives pictures again.")
    if is_broken:
        return
    why = BLIND.get(report.blind or "")
    yield Check(
        f"blind {name}", f"The camera {name} sees nothing: {why}." if why else None, f"The camera {name} sees again."
    )
